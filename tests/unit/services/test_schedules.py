"""Schedules as callers use them, and the relay that makes their runs; on in-memory ports."""

import pytest

from shared.adapters.cron import CronCalendar
from shared.adapters.memory import MemoryLedger, MemoryPublisher
from shared.adapters.memory_schedules import MemorySchedules
from shared.domain.schedule import NewSchedule, Origin, ScheduleSpec
from shared.services.schedules import FiringService
from tests.support.clock import FakeClock
from tests.support.memory_relay import memory_relay
from tests.support.task_types import greeting_type

SPEC = {"name": "hourly", "cron": "0 * * * *", "payload": {"name": "Ada"}}


class Bench:
    def __init__(self, *specs):
        self.clock = FakeClock()
        self.ledger, self.publisher = MemoryLedger(self.clock), MemoryPublisher()
        self.schedules = MemorySchedules(self.ledger)
        self.types = {"greet": greeting_type(schedules=specs)}

    def relay(self):
        return memory_relay(self.ledger, self.publisher, self.types, schedules=self.schedules)

    def pass_hours(self, hours):
        self.clock.advance(hours * 3600)


async def test_the_relay_makes_a_file_s_run_when_it_is_due_and_publishes_it():
    bench = Bench(SPEC)
    relay = bench.relay()
    assert (await relay.run(0)).published == 0
    bench.pass_hours(0.99)
    assert (await relay.run(0)).published == 0
    bench.pass_hours(0.01)
    assert (await relay.run(0)).published == 1
    assert (await relay.run(0)).published == 0
    [row] = bench.ledger.rows.values()
    assert row.task.labels == {"schedule": "hourly"}


@pytest.mark.parametrize(("missed", "made"), [("skip", 0), ("run_once", 1), ("run_all", 5)])
async def test_a_relay_that_was_away_makes_up_as_the_schedule_says(missed, made):
    bench = Bench({**SPEC, "missed": missed})
    await bench.relay().run(0)
    bench.pass_hours(5.5)
    assert (await bench.relay().run(0)).published == made


async def test_two_relays_make_one_run():
    bench = Bench(SPEC)
    await bench.relay().run(0)
    bench.pass_hours(1)
    one, other = (FiringService(bench.types, bench.schedules, CronCalendar()) for _ in range(2))
    assert await one.fire() + await other.fire() == 1


async def test_a_schedule_of_a_type_that_is_gone_moves_on_without_a_run():
    bench = Bench()
    gone = NewSchedule.of_file("gone", ScheduleSpec.model_validate(SPEC))
    await bench.schedules.add(gone, bench.clock(), actor="ana")
    assert await FiringService(bench.types, bench.schedules, CronCalendar()).fire() == 0
    found = await bench.schedules.get("hourly")
    assert found.next_at > bench.clock()
    assert found.last_at is None


async def test_what_left_the_file_leaves_the_ledger_with_the_next_relay():
    bench = Bench(SPEC)
    await bench.relay().run(0)
    assert [one.origin for one in await bench.schedules.all()] == [Origin.FILE]
    bench.types = {"greet": greeting_type()}
    await bench.relay().run(0)
    assert await bench.schedules.all() == []
