"""What everything that hands out turns does; one body for memory and for Valkey."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
import redis

from shared.adapters.memory_slots import MemorySlots
from shared.adapters.redis_connection import RedisConnection
from shared.adapters.redis_slots import RedisSlots
from shared.domain.slots import (
    AGED_SECONDS,
    GONE_SECONDS,
    HORIZON_SECONDS,
    LEASE_SECONDS,
    Slots,
    Turn,
)
from tests.support.ports import free_port
from tests.support.valkey import PATIENT_SECONDS, ValkeyServer


@dataclass
class Bench:
    """Slots whose clock a test moves."""

    slots: Slots
    clock: list[float]
    port: int = 0

    def pass_time(self, seconds: float) -> None:
        self.clock[0] += seconds

    async def takes(self, turn: Turn) -> bool:
        """Whether the turn is taken now."""
        return await self.slots.ask(turn) is None


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ValkeyServer]:
    running = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield running
    running.process.terminate()
    running.process.wait(10)


def patient(url: str) -> RedisConnection:
    return RedisConnection(url, timeout_seconds=PATIENT_SECONDS)


@pytest.fixture(params=["memory", "valkey"])
async def bench(request) -> AsyncIterator[Bench]:
    clock = [1_000_000.0]
    if request.param == "memory":
        yield Bench(MemorySlots(lambda: clock[0]), clock)
        return
    running = request.getfixturevalue("server")
    redis.Redis(port=running.port).flushall()
    slots = RedisSlots(patient(running.url), now=lambda: int(clock[0] * 1000))
    yield Bench(slots, clock, running.port)
    await slots.close()


def turn(key=None, most=None, per_key=None, rate=None) -> Turn:
    task = str(uuid4())
    return Turn("greet", task, f"{task}:1", key, most, per_key, rate)


async def test_no_more_run_at_once_than_the_limit_says(bench):
    asked = [await bench.takes(turn(most=3)) for _ in range(5)]

    assert asked == [True, True, True, False, False]


async def test_a_slot_that_is_given_back_is_the_next_ones(bench):
    first, second = turn(most=1), turn(most=1)
    assert await bench.takes(first)
    assert not await bench.takes(second)

    await bench.slots.release(first, 1)

    assert await bench.takes(second)


async def test_a_slot_that_nobody_renews_is_free_again(bench):
    assert await bench.takes(turn(most=1))
    bench.pass_time(LEASE_SECONDS / 2)
    assert not await bench.takes(turn(most=1))
    bench.pass_time(LEASE_SECONDS / 2 + 1)
    assert await bench.takes(turn(most=1))


async def test_a_renewed_slot_stays_taken(bench):
    first = turn(most=1)
    await bench.takes(first)
    for _ in range(4):
        bench.pass_time(LEASE_SECONDS / 2)
        await bench.slots.renew(first)

    assert not await bench.takes(turn(most=1))


async def test_asking_again_takes_no_second_slot(bench):
    first = turn(most=2)
    assert [await bench.takes(first) for _ in range(3)] == [True] * 3

    assert await bench.takes(turn(most=2))


async def test_an_old_run_does_not_give_back_a_new_runs_slot(bench):
    new = turn(most=1)
    old = replace(new, run_id="another")
    await bench.takes(new)

    await bench.slots.release(old, 1)

    assert not await bench.takes(turn(most=1))


async def test_keys_have_limits_of_their_own(bench):
    asked = [await bench.takes(turn(key, per_key=1)) for key in ("a", "a", "b", None, None)]

    assert asked == [True, False, True, True, True]


async def test_what_a_key_may_not_run_takes_no_slot_of_the_type(bench):
    await bench.takes(turn("a", most=2, per_key=1))
    for _ in range(5):
        assert not await bench.takes(turn("a", most=2, per_key=1))

    assert await bench.takes(turn("b", most=2, per_key=1))
    assert not await bench.takes(turn("c", most=2, per_key=1))


async def test_a_key_with_many_tasks_does_not_keep_another_waiting(bench):
    """Its tasks wait in its own line, so the type's line is short for everybody else."""
    running = [turn("many", most=2, per_key=1), turn("other", most=2, per_key=1)]
    for one in running:
        await bench.takes(one)
    many = [turn("many", most=2, per_key=1) for _ in range(50)]
    for one in many:
        await bench.takes(one)
    bench.pass_time(1)
    late = turn("late", most=2, per_key=1)
    assert not await bench.takes(late)

    await bench.slots.release(running[1], 1)

    assert await bench.takes(late)


async def test_who_has_waited_long_is_passed_by_nobody(bench):
    running, patient = turn(most=1), turn(most=1)
    await bench.takes(running)
    assert not await bench.takes(patient)
    for _ in range(3):
        bench.pass_time(AGED_SECONDS / 3 + 0.1)
        await bench.slots.renew(running)
        assert not await bench.takes(patient)
    await bench.slots.release(running, 1)

    assert not await bench.takes(turn(most=1))
    assert await bench.takes(patient)


async def test_until_then_a_free_slot_is_left_to_nobody_who_is_not_there(bench):
    running, waiting, new = turn(most=1), turn(most=1), turn(most=1)
    await bench.takes(running)
    assert not await bench.takes(waiting)
    await bench.slots.release(running, 1)

    assert await bench.takes(new)


async def test_who_does_not_come_back_loses_its_place(bench):
    running = turn(most=1)
    await bench.takes(running)
    assert not await bench.takes(turn(most=1))  # cancelled: it never comes back
    bench.pass_time(GONE_SECONDS + AGED_SECONDS)

    assert await bench.takes(turn(most=1))


async def test_the_further_back_in_the_line_the_longer_the_wait(bench):
    first = turn(most=2)
    await bench.takes(first)
    await bench.slots.release(first, 4)
    for _ in range(2):
        await bench.takes(turn(most=2))

    waits = []
    for _ in range(40):
        bench.pass_time(0.01)
        waits.append(await bench.slots.ask(turn(most=2)))

    assert waits[0] <= 1
    assert waits == sorted(waits)
    assert 30 < waits[-1] <= 60


async def test_a_rate_hands_out_moments_one_after_another(bench):
    waits = [await bench.slots.ask(turn(rate=2)) for _ in range(4)]

    assert waits[0] is None
    assert waits[1:] == pytest.approx([0.5, 1.0, 1.5], abs=0.01)


async def test_a_moment_that_was_given_is_kept_and_nobody_else_has_it(bench):
    first, second = turn(rate=2), turn(rate=2)
    await bench.takes(first)
    assert await bench.slots.ask(second) == pytest.approx(0.5, abs=0.01)
    assert await bench.slots.ask(second) == pytest.approx(0.5, abs=0.01)

    bench.pass_time(0.51)
    late = await bench.slots.ask(turn(rate=2))

    assert late == pytest.approx(0.49, abs=0.02)
    assert await bench.takes(second)


async def test_beyond_its_horizon_a_rate_keeps_no_moments(bench):
    waits = [await bench.slots.ask(turn(rate=0.01)) for _ in range(6)]

    assert waits[3:] == pytest.approx([300, HORIZON_SECONDS, HORIZON_SECONDS], abs=0.01)


async def test_a_rate_is_not_spent_by_who_has_no_slot(bench):
    first, second = turn(most=1, rate=0.5), turn(most=1, rate=0.5)
    await bench.takes(first)
    bench.pass_time(10)
    for _ in range(3):
        assert not await bench.takes(turn(most=1, rate=0.5))
    await bench.slots.release(first, 1)

    assert await bench.takes(second)


async def test_many_who_ask_at_once_get_no_slot_too_many(bench):
    asked = await asyncio.gather(*(bench.takes(turn(most=7)) for _ in range(100)))

    assert sum(asked) == 7


async def test_what_redis_forgot_comes_back_with_the_renewal(bench):
    first = turn("a", most=1, per_key=1)
    await bench.takes(first)
    if bench.port:
        redis.Redis(port=bench.port).flushall()

    await bench.slots.renew(first)

    assert not await bench.takes(turn("b", most=1, per_key=1))


async def test_a_redis_that_nobody_runs_is_said_to_be_away():
    away = RedisSlots(RedisConnection(f"redis://127.0.0.1:{free_port()}/0"))
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await away.ask(turn(most=1))
    with pytest.raises(ConnectionError):
        await away.release(turn(most=1), 1)
    await away.close()


async def test_a_full_redis_is_said_to_be_away(server):
    client = redis.Redis(port=server.port)
    client.flushall()
    client.config_set("maxmemory", 1)
    client.config_set("maxmemory-policy", "noeviction")
    full = RedisSlots(patient(server.url))
    try:
        with pytest.raises(ConnectionError):
            await full.ask(turn(rate=1))
    finally:
        client.config_set("maxmemory", 0)
        await full.close()


async def test_on_redis_own_clock_it_works_as_well(server):
    redis.Redis(port=server.port).flushall()
    slots = RedisSlots(patient(server.url))
    first = turn(most=1, rate=1000)

    assert await slots.ask(first) is None
    await slots.renew(first)
    assert await slots.ask(turn(most=1)) is not None
    await slots.release(first, 0.1)
    assert await slots.ask(turn(most=1)) is None
    await slots.close()
