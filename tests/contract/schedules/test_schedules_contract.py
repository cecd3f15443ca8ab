"""What every keeper of schedules promises; one body for memory and for Postgres."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.missed import Missed
from shared.domain.ports import TaskFilter
from shared.domain.schedule import NewSchedule, Origin, Step, run_of
from shared.domain.task import State

HOUR = timedelta(hours=1)


def new(name: str = "hourly", **changes) -> NewSchedule:
    values = {
        "task_type": "greet",
        "payload": {"name": "Ada", "n": [1, 2.5]},
        "cron": "0 * * * *",
        "time_zone": "Europe/Berlin",
    }
    return NewSchedule(name=name, **{**values, **changes})


async def soon(schedules) -> datetime:
    return await schedules.now() + HOUR


async def tasks(ledger):
    return await ledger.find(TaskFilter(), after=None, limit=500)


async def due_one(schedules, pass_time):
    """A schedule whose moment came a second ago."""
    await schedules.add(new(), await soon(schedules), actor="ana")
    await pass_time(HOUR.total_seconds() + 1)
    [found] = await schedules.due(10)
    return found


async def test_a_schedule_reads_back_whole(schedules):
    next_at = await soon(schedules)
    made = await schedules.add(new(missed=Missed.RUN_ALL), next_at, actor="ana")
    assert made == await schedules.get("hourly")
    assert (made.payload, made.cron, made.time_zone) == (
        {"name": "Ada", "n": [1, 2.5]},
        "0 * * * *",
        "Europe/Berlin",
    )
    assert (made.missed, made.origin, made.paused) == (Missed.RUN_ALL, Origin.API, False)
    assert (made.next_at, made.last_at) == (next_at, None)


async def test_a_name_is_taken_once(schedules):
    first = await schedules.add(new(), await soon(schedules), actor="ana")
    assert await schedules.add(new(cron="5 * * * *"), await soon(schedules), actor="ana") is None
    assert await schedules.get("hourly") == first


async def test_schedules_are_listed_by_name(schedules):
    for name in ("b", "c", "a"):
        await schedules.add(new(name), None, actor="ana")
    assert [one.name for one in await schedules.all()] == ["a", "b", "c"]
    assert await schedules.get("d") is None


async def test_a_schedule_is_due_when_its_time_has_come(schedules, pass_time):
    await schedules.add(new(), await soon(schedules), actor="ana")
    await schedules.add(new("never"), None, actor="ana")
    assert await schedules.due(10) == []
    await pass_time(HOUR.total_seconds() + 1)
    assert [one.name for one in await schedules.due(10)] == ["hourly"]


async def test_a_firing_queues_its_runs_and_moves_on(schedules, ledger, pass_time):
    seen = await due_one(schedules, pass_time)
    run = run_of(seen, seen.next_at)
    assert await schedules.fire(seen, Step((seen.next_at,), seen.next_at + HOUR), [run])
    [task] = await tasks(ledger)
    assert (task.id, task.state, task.labels) == (run.id, State.QUEUED, {"schedule": "hourly"})
    assert (await ledger.get(run.id)).payload == seen.payload
    after = await schedules.get("hourly")
    assert (after.last_at, after.next_at) == (seen.next_at, seen.next_at + HOUR)
    assert [out.id for out in await ledger.take_due({"greet": 5}, 10)] == [run.id]


async def test_of_two_relays_that_saw_a_moment_one_fires_it(bench, ledger, pass_time):
    seen = await due_one(bench.schedules, pass_time)
    step, run = Step((seen.next_at,), seen.next_at + HOUR), run_of(seen, seen.next_at)
    fired = await asyncio.gather(
        *(one.fire(seen, step, [run]) for one in (bench.schedules, bench.other) for _ in range(5))
    )
    assert sum(fired) == 1
    assert len(await tasks(ledger)) == 1


async def test_a_run_that_exists_is_not_made_again(schedules, ledger, pass_time):
    """As when a schedule was deleted and made again within a minute."""
    seen = await due_one(schedules, pass_time)
    step, run = Step((seen.next_at,), seen.next_at + HOUR), run_of(seen, seen.next_at)
    await schedules.fire(seen, step, [run])
    await ledger.cancel(run.id)
    await schedules.delete("hourly", actor="ana")
    await schedules.add(new(), seen.next_at, actor="ana")
    assert await schedules.fire(seen, step, [run])
    assert [task.state for task in await tasks(ledger)] == [State.CANCELLED]


@pytest.mark.parametrize("change", ["pause", "delete"])
async def test_a_schedule_that_was_stopped_meanwhile_does_not_fire(
    schedules, ledger, pass_time, change
):
    seen = await due_one(schedules, pass_time)
    await getattr(schedules, change)("hourly", actor="ana")
    step = Step((seen.next_at,), seen.next_at + HOUR)
    assert not await schedules.fire(seen, step, [run_of(seen, seen.next_at)])
    assert await tasks(ledger) == []


async def test_a_firing_without_runs_only_moves_on(schedules, ledger, pass_time):
    seen = await due_one(schedules, pass_time)
    assert await schedules.fire(seen, Step((), seen.next_at + HOUR), [])
    assert (await schedules.get("hourly")).last_at is None
    assert await tasks(ledger) == []


async def test_a_paused_schedule_is_not_due_and_resumes_from_a_new_moment(schedules, pass_time):
    seen = await due_one(schedules, pass_time)
    paused = await schedules.pause("hourly", actor="ana")
    assert paused.paused
    assert await schedules.pause("hourly", actor="ana") == paused
    assert await schedules.due(10) == []
    later = await schedules.now() + HOUR
    resumed = await schedules.resume("hourly", later, actor="ana")
    assert (resumed.paused, resumed.next_at) == (False, later)
    assert (await schedules.resume("hourly", later + HOUR, actor="ana")).next_at == later
    assert seen.next_at != later


async def test_nobody_can_pause_or_resume_what_is_not_there(schedules):
    assert await schedules.pause("none", actor="ana") is None
    assert await schedules.resume("none", None, actor="ana") is None
    assert not await schedules.delete("none", actor="ana")


async def test_the_files_schedules_come_and_go_with_the_files(schedules):
    next_at = await soon(schedules)
    await schedules.sync([(new("a"), next_at), (new("b"), next_at)])
    await schedules.add(new("mine"), next_at, actor="ana")
    await schedules.sync([(new("b"), next_at), (new("c"), next_at)])
    found = {one.name: one.origin for one in await schedules.all()}
    assert found == {"b": Origin.FILE, "c": Origin.FILE, "mine": Origin.API}
    assert not await schedules.delete("b", actor="ana")


async def test_a_file_that_says_the_same_changes_nothing(schedules):
    next_at = await soon(schedules)
    await schedules.sync([(new(), next_at)])
    await schedules.pause("hourly", actor="ana")
    before = await schedules.get("hourly")
    await schedules.sync([(new(), next_at + HOUR)])
    assert await schedules.get("hourly") == before


async def test_another_cron_in_the_file_gives_another_time(schedules):
    next_at = await soon(schedules)
    await schedules.sync([(new(), next_at)])
    await schedules.pause("hourly", actor="ana")
    await schedules.sync([(new(cron="5 * * * *"), next_at + HOUR)])
    after = await schedules.get("hourly")
    assert (after.cron, after.next_at, after.paused) == ("5 * * * *", next_at + HOUR, True)


async def test_another_payload_in_the_file_keeps_the_time(schedules):
    next_at = await soon(schedules)
    await schedules.sync([(new(), next_at)])
    await schedules.sync([(new(payload={"name": "Bo"}), next_at + HOUR)])
    after = await schedules.get("hourly")
    assert (after.payload, after.next_at) == ({"name": "Bo"}, next_at)


async def test_a_name_that_the_file_takes_is_the_file_s(schedules):
    next_at = await soon(schedules)
    before = await schedules.add(new(), next_at, actor="ana")
    await schedules.sync([(new(), next_at)])
    after = await schedules.get("hourly")
    assert replace(after, updated_at=before.updated_at) == replace(before, origin=Origin.FILE)


async def test_every_change_of_a_schedule_has_one_line_in_the_audit(schedules, audit):
    next_at = await soon(schedules)
    await schedules.add(new(), next_at, actor="ana")
    await schedules.add(new(), next_at, actor="again")
    await schedules.pause("hourly", actor="bo")
    await schedules.pause("hourly", actor="again")
    await schedules.resume("hourly", next_at, actor="cy")
    await schedules.resume("hourly", next_at, actor="again")
    await schedules.delete("hourly", actor="di")
    await schedules.delete("hourly", actor="again")

    lines = [(one.actor, one.action) for one in await audit.lines(before=None, limit=10)]
    assert lines[::-1] == [
        ("ana", "create_schedule"),
        ("bo", "pause_schedule"),
        ("cy", "resume_schedule"),
        ("di", "delete_schedule"),
    ]


async def test_the_audit_says_what_a_schedule_runs_and_when_but_not_its_payload(schedules, audit):
    await schedules.add(new(), await soon(schedules), actor="ana")
    [line] = await audit.lines(before=None, limit=10)
    assert line.detail == {
        "name": "hourly",
        "task_type": "greet",
        "cron": "0 * * * *",
        "time_zone": "Europe/Berlin",
        "missed": "run_once",
    }


async def test_of_two_that_pause_at_once_one_is_in_the_audit(bench, audit):
    await bench.schedules.add(new(), await soon(bench.schedules), actor="ana")
    both = (bench.schedules, bench.other)
    await asyncio.gather(*(one.pause("hourly", actor="bo") for one in both))
    lines = await audit.lines(before=None, limit=10)
    assert [line.action for line in lines] == ["pause_schedule", "create_schedule"]


async def test_schedules_of_files_leave_no_line_in_the_audit(schedules, audit):
    await schedules.sync([(new("a"), await soon(schedules))])
    await schedules.sync([])
    assert await audit.lines(before=None, limit=10) == []
