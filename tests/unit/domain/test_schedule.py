"""When a schedule runs: clock changes, and what becomes of runs that were missed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.cron import CronCalendar
from shared.domain.missed import Missed
from shared.domain.schedule import (
    MISSED_AFTER_SECONDS,
    MOST_RUNS,
    Origin,
    Schedule,
    run_of,
    step_of,
)

CALENDAR = CronCalendar()
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def runs(cron: str, zone: str, start: datetime, count: int) -> list[datetime]:
    found = [start]
    for _ in range(count):
        after = CALENDAR.next_after(cron, zone, found[-1])
        assert after is not None
        found.append(after)
    return found[1:]


def schedule(cron="0 * * * *", *, missed=Missed.RUN_ONCE, next_at=NOON, zone="UTC") -> Schedule:
    return Schedule(
        name="hourly",
        task_type="greet",
        payload={"name": "Ada"},
        cron=cron,
        time_zone=zone,
        missed=missed,
        origin=Origin.API,
        paused=False,
        next_at=next_at,
        last_at=None,
        updated_at=NOON,
    )


@pytest.mark.parametrize(
    ("cron", "zone", "start", "expected"),
    [
        # The clocks skip 02:00 to 03:00: the run is made at the change, and once.
        ("30 2 * * *", BERLIN, "2027-03-27T12:00", ["2027-03-28T01:00", "2027-03-29T00:30"]),
        ("30 2 * * *", NEW_YORK, "2027-03-13T12:00", ["2027-03-14T07:00", "2027-03-15T06:30"]),
        # 02:00 to 03:00 comes twice: the run is made once.
        ("30 2 * * *", BERLIN, "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        # Every half an hour is every half an hour, whatever the clocks do.
        ("*/30 * * * *", BERLIN, "2026-10-25T00:10", ["2026-10-25T00:30", "2026-10-25T01:00"]),
        ("*/30 * * * *", BERLIN, "2027-03-28T00:40", ["2027-03-28T01:00", "2027-03-28T01:30"]),
        # A wall clock's time in summer and in winter.
        ("0 7 * * *", BERLIN, "2026-10-24T00:00", ["2026-10-24T05:00", "2026-10-25T06:00"]),
        # A change of half an hour.
        ("15 2 * * *", LORD_HOWE, "2026-10-02T20:00", ["2026-10-03T15:30", "2026-10-04T15:15"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
    ],
)
def test_clock_changes_neither_lose_nor_double_a_run(cron, zone, start, expected):
    assert runs(cron, zone, at(start), 2) == [at(one) for one in expected]


MOMENTS = st.integers(0, 2 * 365 * 86_400).map(lambda s: NOON + timedelta(seconds=s))
CRONS = st.sampled_from(["* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 * * 1", "15 1-3 * * *"])
ZONES = st.sampled_from(["UTC", BERLIN, NEW_YORK, LORD_HOWE, "Asia/Kolkata"])


@given(CRONS, ZONES, MOMENTS)
def test_looking_back_finds_what_looking_ahead_found(cron, zone, moment):
    ahead = CALENDAR.next_after(cron, zone, moment)
    assert ahead is not None
    assert ahead > moment
    assert CALENDAR.last_until(cron, zone, ahead) == ahead
    before = CALENDAR.last_until(cron, zone, moment)
    assert before is not None
    assert before <= moment


@given(CRONS, ZONES, MOMENTS)
def test_runs_come_in_order_and_on_the_minute(cron, zone, moment):
    found = runs(cron, zone, moment, 20)
    assert all(a < b for a, b in pairwise(found))
    assert all((one.second, one.microsecond, one.tzinfo) == (0, 0, UTC) for one in found)


@pytest.mark.parametrize(
    ("cron", "zone", "field", "word"),
    [
        ("61 * * * *", "UTC", "cron", "bad minute"),
        ("* * * *", "UTC", "cron", "five fields"),
        ("* * * * * *", "UTC", "cron", "five fields"),
        ("@daily", "UTC", "cron", "five fields"),
        ("0 0 30 2 *", "UTC", "cron", "bad day"),
        ("٣ * * * *", "UTC", "cron", "five fields"),
        ("", "UTC", "cron", "five fields"),
        ("* * * * *", "Mars/Olympus", "time_zone", "not a time zone"),
        ("* * * * *", "../etc/passwd", "time_zone", "not a time zone"),
        ("* * * * *", "", "time_zone", "not a time zone"),
        ("* * * * *", "a" * 64, "time_zone", "not a time zone"),
    ],
)
def test_what_is_no_cron_or_no_zone_is_named(cron, zone, field, word):
    [problem] = CALENDAR.problems(cron, zone)
    assert problem.field == field
    assert word in problem.problem


def test_both_problems_are_told_together():
    assert {p.field for p in CALENDAR.problems("x", "y")} == {"cron", "time_zone"}


def test_a_run_that_is_a_little_late_is_made_by_every_policy():
    now = NOON + timedelta(seconds=MISSED_AFTER_SECONDS)
    for missed in Missed:
        step = step_of(schedule(missed=missed), now, CALENDAR)
        assert (step.moments, step.next_at) == ((NOON,), NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("missed", "hours"),
    [(Missed.SKIP, ()), (Missed.RUN_ONCE, (3,)), (Missed.RUN_ALL, (0, 1, 2, 3))],
)
def test_missed_runs_are_skipped_made_once_or_all_made(missed, hours):
    now = NOON + timedelta(hours=3, minutes=30)
    step = step_of(schedule(missed=missed), now, CALENDAR)
    assert step.moments == tuple(NOON + timedelta(hours=h) for h in hours)
    assert step.next_at == NOON + timedelta(hours=4)


def test_of_a_minute_s_schedule_skip_makes_the_newest_run_only():
    now = NOON + timedelta(minutes=40, seconds=10)
    step = step_of(schedule("* * * * *", missed=Missed.SKIP), now, CALENDAR)
    assert step.moments == (NOON + timedelta(minutes=40),)


def test_all_runs_of_a_long_outage_come_in_bounded_steps():
    now = NOON + timedelta(minutes=MOST_RUNS + 4)
    first = step_of(schedule("* * * * *", missed=Missed.RUN_ALL), now, CALENDAR)
    assert len(first.moments) == MOST_RUNS
    assert first.next_at == NOON + timedelta(minutes=MOST_RUNS)
    rest = step_of(
        schedule("* * * * *", missed=Missed.RUN_ALL, next_at=first.next_at), now, CALENDAR
    )
    assert len(rest.moments) == 5
    assert rest.next_at > now


def test_a_year_of_missed_minutes_is_stepped_over_at_once():
    now = NOON + timedelta(days=365)
    step = step_of(schedule("* * * * *"), now, CALENDAR)
    assert (step.moments, step.next_at) == ((now,), now + timedelta(minutes=1))


def test_a_run_s_id_is_that_of_its_schedule_and_moment():
    one, other = schedule(), schedule("5 * * * *")
    assert run_of(one, NOON).id == run_of(other, NOON).id
    ids = {run_of(one, NOON + timedelta(minutes=n)).id for n in range(1000)}
    assert len(ids) == 1000
    assert all(UUID(str(i)).version == 7 and i.variant == "specified in RFC 4122" for i in ids)
    assert sorted(ids) == [run_of(one, NOON + timedelta(minutes=n)).id for n in range(1000)]


def test_a_run_carries_its_schedule_s_name_and_payload():
    run = run_of(schedule(), NOON)
    assert (run.task_type, run.payload, run.labels) == (
        "greet",
        {"name": "Ada"},
        {"schedule": "hourly"},
    )
