"""Schedules: made, looked at and paused by callers; their runs are made by the relay."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from shared.domain.errors import (
    AlreadyExists,
    InvalidField,
    InvalidRequest,
    NotFound,
    ScheduleOfFile,
    UnknownTaskType,
)
from shared.domain.schedule import (
    MAX_SCHEDULES,
    Calendar,
    NewSchedule,
    Schedule,
    Schedules,
    problems_with,
    run_of,
    step_of,
)
from shared.domain.task import Stored
from shared.domain.task_type import TaskType, problems_of
from shared.services.enqueue import EnqueueService

FIRE_BATCH: Final = 100
"""Schedules that one round of the relay looks at."""


class ScheduleService:
    """What callers do with schedules of the types in `catalogue`. Changes are audited under
    `actor`."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        schedules: Schedules,
        calendar: Calendar,
        enqueue: EnqueueService,
    ) -> None:
        self._catalogue = catalogue
        self._schedules = schedules
        self._calendar = calendar
        self._enqueue = enqueue

    async def all(self) -> list[Schedule]:
        """Every schedule, by name; there are at most 1,000."""
        return await self._schedules.all()

    async def get(self, name: str) -> Schedule:
        """Raises: NotFound."""
        return _found(name, await self._schedules.get(name))

    async def create(self, asked: Any, *, actor: str) -> Schedule:
        """Make the schedule that `asked`, the decoded JSON of a NewSchedule, describes.

        Raises: InvalidRequest, UnknownTaskType, AlreadyExists: nothing was stored.
        """
        new = self._checked(asked)
        known = await self._schedules.all()
        if len(known) >= MAX_SCHEDULES:
            problem = f"there are {len(known)} schedules, and {MAX_SCHEDULES} is the limit"
            raise InvalidRequest(problem, [InvalidField("", problem)])
        now = await self._schedules.now()
        next_at = self._calendar.next_after(new.cron, new.time_zone, now)
        made = await self._schedules.add(new, next_at, actor=actor)
        if made is None:
            raise AlreadyExists(f"schedule {new.name}")
        return made

    async def delete(self, name: str, *, actor: str) -> None:
        """Delete a schedule; the tasks that it made stay. Raises: NotFound, ScheduleOfFile."""
        if not await self._schedules.delete(name, actor=actor):
            await self.get(name)
            raise ScheduleOfFile(name)

    async def pause(self, name: str, *, actor: str) -> Schedule:
        """Make no more runs. Safe to repeat. Raises: NotFound."""
        return _found(name, await self._schedules.pause(name, actor=actor))

    async def resume(self, name: str, *, actor: str) -> Schedule:
        """Make runs again, from now on: what the pause held back is not made up for.

        Safe to repeat. Raises: NotFound.
        """
        found = await self.get(name)
        now = await self._schedules.now()
        next_at = self._calendar.next_after(found.cron, found.time_zone, now)
        return _found(name, await self._schedules.resume(name, next_at, actor=actor))

    async def run(self, name: str, *, traceparent: str) -> Stored:
        """Make one run now, paused or not; the schedule stays as it is.

        Raises: NotFound; as EnqueueService.enqueue.
        """
        found = await self.get(name)
        asked = {
            "task_type": found.task_type,
            "payload": found.payload,
            "labels": {"schedule": found.name},
        }
        return await self._enqueue.enqueue(asked, traceparent=traceparent)

    def _checked(self, asked: Any) -> NewSchedule:
        try:
            new = NewSchedule.model_validate(asked)
        except ValidationError as refused:
            raise _rejected(problems_of(refused, prefix="")) from None
        if new.task_type not in self._catalogue:
            raise UnknownTaskType(new.task_type, sorted(self._catalogue))
        problems = problems_with(new, self._catalogue[new.task_type].check, self._calendar)
        if problems:
            raise _rejected(problems)
        return new


class FiringService:
    """What the relay does with schedules: make the runs that are due."""

    def __init__(
        self, catalogue: Mapping[str, TaskType], schedules: Schedules, calendar: Calendar
    ) -> None:
        self._catalogue = catalogue
        self._schedules = schedules
        self._calendar = calendar
        self._is_synced = False

    async def sync(self) -> None:
        """Once a process: make the ledger's schedules be those of the files."""
        if self._is_synced:
            return
        now = await self._schedules.now()
        wanted = [
            NewSchedule.of_file(name, spec)
            for name, task_type in self._catalogue.items()
            for spec in task_type.limits.schedules
        ]
        await self._schedules.sync(
            [(new, self._calendar.next_after(new.cron, new.time_zone, now)) for new in wanted]
        )
        self._is_synced = True

    async def fire(self) -> int:
        """Queue the runs that are due, and say how many. Safe to run beside another.

        A schedule of a type that is not deployed moves on without a run.
        """
        due = await self._schedules.due(FIRE_BATCH)
        now = await self._schedules.now()
        made = 0
        for schedule in due:
            step = step_of(schedule, now, self._calendar)
            if schedule.task_type not in self._catalogue:
                step = replace(step, moments=())
            runs = [run_of(schedule, moment) for moment in step.moments]
            if await self._schedules.fire(schedule, step, runs):
                made += len(runs)
        return made


def _rejected(problems: tuple[InvalidField, ...]) -> InvalidRequest:
    said = "; ".join(f"{p.field or 'body'}: {p.problem}" for p in problems)
    return InvalidRequest(f"schedule rejected: {said}", problems)


def _found(name: str, schedule: Schedule | None) -> Schedule:
    if schedule is None:
        raise NotFound(f"schedule {name[:100]}")
    return schedule
