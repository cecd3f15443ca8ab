"""Limited types: what has no turn comes again at no cost, whatever holds the turns."""

import asyncio

import pytest

from shared.adapters.memory_slots import MemorySlots
from shared.domain.settlement import Answer
from shared.domain.slots import is_limited
from shared.domain.task import State
from shared.services.execute import ExecuteService
from shared.services.turns import Turns
from tests.support.task_types import greeting_type
from tests.unit.services.test_execute import Bench


class Limited(Bench):
    """A bench whose type has limits; Redis and the backstop are in memory."""

    def __init__(self, handle=None, **limits) -> None:
        super().__init__(handle, **limits)
        self.begun = asyncio.Semaphore(0)
        kind = greeting_type(**limits)
        self.slots = MemorySlots(lambda: self.clock.now.timestamp())
        self.backstop = MemorySlots(lambda: self.clock.now.timestamp())
        turns = Turns(
            kind.limits, self.slots, self.backstop, chance=lambda: 0.5, patience_seconds=0
        )
        self.service = ExecuteService(
            kind, self._handle, self.ledger, chance=lambda: 0.5, turns=turns
        )

    async def _handle(self, payload, claim):
        self.begun.release()
        return await super()._handle(payload, claim)

    async def state(self, delivery):
        [row] = [r for r in self.ledger.rows.values() if str(r.task.id).encode() in delivery.data]
        return row.task


async def busy(bench) -> asyncio.Task:
    """A run that holds a slot until it is cancelled."""
    run = asyncio.ensure_future(bench.service.execute(await bench.add()))
    await bench.begun.acquire()
    return run


def endless(payload, claim):
    return asyncio.Event().wait()


async def stop(run) -> None:
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_what_has_no_slot_waits_at_no_cost():
    bench = Limited(endless, max_concurrent=1)
    run = await busy(bench)
    second = await bench.add()

    told = await bench.service.execute(second)

    task = await bench.state(second)
    assert (told.answer, told.waits_seconds) == (Answer.ACK, pytest.approx(1.0))
    assert (task.state, task.attempt, task.started_at) == (State.SCHEDULED, 0, None)
    assert len(bench.runs) == 1
    await stop(run)


async def test_it_runs_when_the_slot_is_free_and_its_time_has_come():
    bench = Limited(max_concurrent=1)
    assert (await bench.service.execute(await bench.add())).waits_seconds is None
    second = await bench.add()

    assert (await bench.service.execute(second)).answer is Answer.ACK
    assert (await bench.state(second)).state is State.SUCCEEDED


async def test_a_handler_that_fails_gives_its_slot_back():
    def fail(payload, claim):
        raise ValueError

    bench = Limited(fail, max_concurrent=1)
    told = [await bench.service.execute(await bench.add()) for _ in range(3)]

    assert [one.waits_seconds for one in told] == [None] * 3
    assert len(bench.runs) == 3


async def test_each_key_has_a_limit_of_its_own():
    bench = Limited(endless, max_concurrent_per_key=1)
    run = asyncio.ensure_future(bench.service.execute(await bench.add(concurrency_key="a")))
    await bench.begun.acquire()

    same = await bench.service.execute(await bench.add(concurrency_key="a"))
    other = asyncio.ensure_future(bench.service.execute(await bench.add(concurrency_key="b")))
    await bench.begun.acquire()

    assert same.waits_seconds is not None
    await stop(run)
    await stop(other)


async def test_a_rate_spreads_runs_over_time():
    bench = Limited(rate_per_second=0.5)
    told = [await bench.service.execute(await bench.add()) for _ in range(3)]

    assert [one.waits_seconds for one in told] == [None, pytest.approx(2), pytest.approx(4)]


async def test_while_redis_is_away_the_backstop_keeps_the_limit():
    bench = Limited(endless, max_concurrent=1)
    bench.slots.reachable = False
    run = await busy(bench)

    assert (await bench.service.execute(await bench.add())).waits_seconds is not None
    await stop(run)


async def test_a_redis_that_goes_away_during_a_run_loses_nothing():
    async def lose(payload, claim):
        bench.slots.reachable = False
        return "done"

    bench = Limited(lose, max_concurrent=1)
    delivery = await bench.add()

    assert (await bench.service.execute(delivery)).answer is Answer.ACK
    assert (await bench.state(delivery)).state is State.SUCCEEDED


async def test_a_process_that_stops_begins_nothing_that_waited():
    bench = Limited(max_concurrent=1)
    ask = bench.slots.ask

    async def told_to_stop(turn):
        await bench.service.drain(0)
        return await ask(turn)

    bench.slots.ask = told_to_stop
    delivery = await bench.add()
    await bench.service.execute(delivery)

    task = await bench.state(delivery)
    assert (task.state, task.attempt, bench.runs) == (State.SCHEDULED, 0, [])


async def test_a_short_wait_is_waited_out_in_place():
    bench = Limited(rate_per_second=100)
    kind = greeting_type(rate_per_second=100)

    async def soon(turn):
        soon.asked += 1
        return 0.001 if soon.asked == 1 else None

    soon.asked = 0
    bench.slots.ask = soon
    turns = Turns(kind.limits, bench.slots, bench.backstop)
    bench.service = ExecuteService(kind, bench._handle, bench.ledger, turns=turns)

    assert (await bench.service.execute(await bench.add())).waits_seconds is None
    assert (soon.asked, len(bench.runs)) == (2, 1)


def test_a_plain_type_has_no_limits():
    assert not is_limited(greeting_type().limits)
    assert is_limited(greeting_type(max_concurrent_per_key=1).limits)
