"""Schedules: what one says, when it runs, and which of its runs a late relay still makes. Pure.

Cron and time zones are a calendar's affair; the moments that it is asked about are values.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.errors import InvalidField, InvalidPayload
from shared.domain.missed import Missed
from shared.domain.task import NewTask
from shared.domain.trace import traceparent_of

NAME: Final = r"^[a-z][a-z0-9_.-]{0,62}$"
MISSED_AFTER_SECONDS: Final = 300.0
"""A run that is later than this has been missed; what is less late is merely late."""
MOST_RUNS: Final = 100
"""Runs that one step of `run_all` makes at most; the next step goes on."""
MAX_SCHEDULES: Final = 1000


class Origin(StrEnum):
    """Where a schedule stands."""

    FILE = "file"
    """In a task.yaml, which decides what it says."""
    API = "api"
    """Only in the ledger."""


class ScheduleSpec(BaseModel):
    """A schedule as `task.yaml` says it: a list `schedules` of these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=NAME, description="Unique in the deployment.")]
    cron: Annotated[
        str,
        Field(
            max_length=200,
            description="minute hour day month weekday, as cron has them.",
            examples=["0 7 * * mon-fri"],
        ),
    ]
    time_zone: Annotated[
        str,
        Field(
            max_length=64,
            description="IANA's name, whose clock the cron is read on.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"
    payload: Annotated[
        dict[str, Any], Field(description="The payload of every run; it must fit the task type.")
    ] = {}
    missed: Annotated[
        Missed,
        Field(description="What happens to runs that are over 5 minutes late: none, one, or all."),
    ] = Missed.RUN_ONCE


class NewSchedule(ScheduleSpec):
    """A schedule to make by the API."""

    task_type: Annotated[str, Field(min_length=1, max_length=64, examples=["send_email"])]

    @classmethod
    def of_file(cls, task_type: str, spec: ScheduleSpec) -> Self:
        """The schedule that a task type's file says."""
        return cls(task_type=task_type, **spec.model_dump())

    def audited(self) -> dict[str, Any]:
        """What the audit says of making it; not the payload, which may be private."""
        said = {"name", "task_type", "cron", "time_zone", "missed"}
        return self.model_dump(mode="json", include=said)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as the ledger keeps it. Times are aware UTC."""

    name: str
    task_type: str
    payload: dict[str, Any]
    cron: str
    time_zone: str
    missed: Missed
    origin: Origin
    paused: bool
    next_at: datetime | None
    last_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What a due schedule does now: the moments to run for, and when it is due again."""

    moments: tuple[datetime, ...]
    next_at: datetime | None


class Calendar(Protocol):
    """Reads cron in a time zone. Moments are aware; answers are UTC, on the whole minute."""

    def problems(self, cron: str, time_zone: str) -> list[InvalidField]:
        """What is wrong with `cron` and with `time_zone`; with none, the other methods answer."""
        ...

    def next_after(self, cron: str, time_zone: str, moment: datetime) -> datetime | None:
        """The first run after `moment`; None when there is none within 50 years."""
        ...

    def last_until(self, cron: str, time_zone: str, moment: datetime) -> datetime | None:
        """The last run not after `moment`; None when there is none within 50 years."""
        ...


class Schedules(Protocol):
    """The schedules of the ledger. Each method is one atomic move; what it changes for `actor`
    is written into the audit by the very statement."""

    async def now(self) -> datetime:
        """The database's clock, which decides."""
        ...

    async def all(self) -> list[Schedule]:
        """Every schedule, by name."""
        ...

    async def get(self, name: str) -> Schedule | None:
        """The schedule of this name."""
        ...

    async def add(
        self, new: NewSchedule, next_at: datetime | None, *, actor: str
    ) -> Schedule | None:
        """Keep a new schedule; None when the name is taken. Audited."""
        ...

    async def delete(self, name: str, *, actor: str) -> bool:
        """Delete a schedule of the API's; whether this call did it. Its tasks stay. Audited."""
        ...

    async def pause(self, name: str, *, actor: str) -> Schedule | None:
        """Make no more runs. Safe to repeat: only a change is audited."""
        ...

    async def resume(self, name: str, next_at: datetime | None, *, actor: str) -> Schedule | None:
        """Make runs again from `next_at` on; one that is not paused stays as it is. Only a change
        is audited."""
        ...

    async def due(self, limit: int) -> list[Schedule]:
        """Schedules whose time has come, the most overdue first."""
        ...

    async def fire(self, seen: Schedule, step: Step, runs: Sequence[NewTask]) -> bool:
        """Queue `runs`, due at once, and be due again as `step` says: both or neither.

        False, and nothing happened, when the schedule was moved on, paused or deleted since it
        was `seen`. A run that exists already is not made again.
        """
        ...

    async def sync(self, wanted: Sequence[tuple[NewSchedule, datetime | None]]) -> None:
        """Make the file's schedules be these. One that says the same keeps its time and its
        pause; one of the API's with such a name becomes the file's; the rest of the file's go."""
        ...


def problems_with(
    spec: ScheduleSpec, check: Callable[[dict[str, Any]], object], calendar: Calendar
) -> tuple[InvalidField, ...]:
    """What is wrong with a schedule whose fields have the right form; `check` is its task type's
    check of payloads."""
    problems = calendar.problems(spec.cron, spec.time_zone)
    try:
        check(spec.payload)
    except InvalidPayload as refused:
        problems.extend(refused.fields)
    return tuple(problems)


def step_of(schedule: Schedule, now: datetime, calendar: Calendar) -> Step:
    """What `schedule`, which is due, does at `now`."""
    if schedule.next_at is None:
        return Step((), None)
    if schedule.missed is Missed.RUN_ALL:
        return _every_run(schedule, schedule.next_at, now, calendar)
    last = calendar.last_until(schedule.cron, schedule.time_zone, now)
    newest = max(last or schedule.next_at, schedule.next_at)
    is_missed = now - newest > timedelta(seconds=MISSED_AFTER_SECONDS)
    skipped = is_missed and schedule.missed is Missed.SKIP
    after = calendar.next_after(schedule.cron, schedule.time_zone, now)
    return Step(() if skipped else (newest,), after)


def _every_run(schedule: Schedule, first: datetime, now: datetime, calendar: Calendar) -> Step:
    moments, moment = [], first
    while True:
        moments.append(moment)
        after = calendar.next_after(schedule.cron, schedule.time_zone, moment)
        if after is None or after > now or len(moments) == MOST_RUNS:
            return Step(tuple(moments), after)
        moment = after


def run_of(schedule: Schedule, moment: datetime) -> NewTask:
    """The task of one run: the same schedule and moment give the same id, however often."""
    digest = hashlib.sha256(f"{schedule.name}\0{moment.isoformat()}".encode()).digest()
    return NewTask(
        id=_id_of(moment, digest),
        task_type=schedule.task_type,
        payload=schedule.payload,
        traceparent=traceparent_of("", digest[:24]),
        labels={"schedule": schedule.name},
    )


def _id_of(moment: datetime, digest: bytes) -> UUID:
    """A UUIDv7 of the moment, whose random bits are the digest's."""
    milliseconds = int(moment.timestamp() * 1000)
    random = int.from_bytes(digest[:10])
    low = random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 7 << 76 | (random >> 62 & 0xFFF) << 64 | 2 << 62 | low)
