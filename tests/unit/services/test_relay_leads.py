"""One relay leads, looks before it works, and sweeps; on in-memory ports."""

import asyncio

import pytest

from shared.adapters.memory import MemoryLedger, MemoryPublisher
from shared.adapters.memory_upkeep import MemoryUpkeep
from shared.domain.errors import LedgerUnavailable
from shared.domain.upkeep import LOST_AFTER_SECONDS, Swept
from shared.services.relay import PAUSE_SECONDS, PRUNE_BATCH, Round
from tests.contract.ledger.test_ledger_contract import new_task
from tests.support.clock import FakeClock
from tests.support.memory_relay import memory_relay


class Bench:
    def __init__(self):
        self.clock = FakeClock()
        self.ledger, self.publisher = MemoryLedger(self.clock), MemoryPublisher()

    def relay(self):
        return memory_relay(self.ledger, self.publisher)


@pytest.fixture
def bench():
    return Bench()


async def test_while_another_relay_leads_it_does_nothing(bench):
    await bench.ledger.add([new_task()])
    bench.clock.advance(3)
    other = MemoryUpkeep(bench.ledger)
    await other.lead()
    assert await bench.relay().run(0) == Round()
    await other.resign()
    assert (await bench.relay().run(0)).published == 1


async def test_two_calls_of_one_process_do_not_both_lead(bench):
    relay = bench.relay()
    long = asyncio.create_task(relay.run(600))
    await asyncio.sleep(0)
    await bench.ledger.add([new_task()])
    bench.clock.advance(3)
    assert (await relay.run(0)).due == 0
    relay.stop()
    await long
    assert bench.ledger.leader is None


async def test_a_relay_whose_ledger_goes_away_leads_no_more(bench):
    await bench.ledger.add([new_task()])
    bench.clock.advance(3)

    async def away(*_):
        raise LedgerUnavailable("gone")

    bench.ledger.take_due = away
    with pytest.raises(LedgerUnavailable):
        await bench.relay().run(0)
    assert bench.ledger.leader is None


async def test_when_nothing_is_due_it_only_looks(bench):
    await bench.ledger.add([new_task(delay_seconds=60)])

    async def never(*_):
        raise AssertionError("nothing is due")

    bench.ledger.take_due = bench.ledger.take_copies = never
    assert await bench.relay().run(0) == Round()


@pytest.mark.parametrize(("seconds", "pause"), [(0.05, 0.2), (0.5, 0.5), (600, PAUSE_SECONDS)])
async def test_it_pauses_until_the_next_task_is_due_and_never_long(bench, seconds, pause):
    await bench.ledger.add([new_task(delay_seconds=seconds)])
    _, chosen = await bench.relay()._turn()
    assert chosen == pytest.approx(pause)


async def test_it_says_how_far_behind_it_was(bench):
    await bench.ledger.add([new_task()])
    bench.clock.advance(42)
    assert (await bench.relay().run(0)).lag_seconds == 40


async def test_a_sweep_goes_through_and_then_rests(bench):
    steps = iter([Swept(last=new_task().id, pruned=2000), Swept(pruned=7)])
    relay = bench.relay()

    async def sweep(*_, **__):
        return next(steps)

    relay._upkeep.sweep = sweep
    assert [(await relay.run(0)).pruned for _ in range(3)] == [2000, 7, 0]


async def test_keys_are_pruned_until_none_is_left_and_then_it_rests(bench):
    counts = iter([PRUNE_BATCH, PRUNE_BATCH, 3])
    relay, walks = bench.relay(), []

    async def prune(*_, **__):
        return next(counts)

    async def sweep(*_, **__):
        walks.append(1)
        return Swept()

    relay._upkeep.prune, relay._upkeep.sweep = prune, sweep
    done = [(await relay.run(0)).pruned for _ in range(4)]
    assert (done, len(walks)) == ([PRUNE_BATCH, PRUNE_BATCH, 3, 0], 1)


async def test_a_message_that_pubsub_dropped_is_sent_again(bench):
    [stored] = await bench.ledger.add([new_task()])
    bench.clock.advance(3)
    assert (await bench.relay().run(0)).published == 1
    bench.clock.advance(LOST_AFTER_SECONDS)
    assert (await bench.relay().run(0)).lost == 1
    assert (await bench.relay().run(0)).published == 1
    assert len(bench.publisher.messages) == 2
