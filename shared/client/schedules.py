"""The client's calls about schedules, and about sending a backlog again."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

from shared.client.asking import Asking
from shared.client.shapes import Receipt


class ScheduleRequest(TypedDict):
    """A schedule to make: `cron` is read on the clock of `time_zone` (UTC when it is left out)."""

    name: str
    task_type: str
    cron: str
    time_zone: NotRequired[str]
    payload: NotRequired[Mapping[str, Any]]
    missed: NotRequired[str]


class ScheduleJson(TypedDict):
    """A schedule; times are RFC 3339 in UTC, null where there is none."""

    name: str
    task_type: str
    payload: dict[str, Any]
    cron: str
    time_zone: str
    missed: str
    origin: str
    paused: bool
    next_at: str | None
    last_at: str | None
    updated_at: str


class ScheduleCalls(Asking):
    """Part of `Client`. Each call raises ApiError when refused, else ServiceUnreachable."""

    async def schedules(self) -> list[ScheduleJson]:
        """Every schedule, by name."""
        answer = await self._ask("GET", "/schedules")
        found: list[ScheduleJson] = answer["schedules"]
        return found

    async def create_schedule(self, request: ScheduleRequest) -> ScheduleJson:
        """Make a schedule (`already_exists` when the name is taken)."""
        made: ScheduleJson = await self._ask("POST", "/schedules", json=request)
        return made

    async def delete_schedule(self, name: str) -> None:
        """Delete a schedule; the tasks that it made stay."""
        await self._ask("DELETE", _path(name))

    async def pause_schedule(self, name: str) -> ScheduleJson:
        """Let it make no more runs. Safe to repeat."""
        paused: ScheduleJson = await self._ask("POST", f"{_path(name)}/pause")
        return paused

    async def resume_schedule(self, name: str) -> ScheduleJson:
        """Let it make runs again; those of the pause are not made up for. Safe to repeat."""
        resumed: ScheduleJson = await self._ask("POST", f"{_path(name)}/resume")
        return resumed

    async def run_schedule(self, name: str) -> Receipt:
        """Make one run now."""
        answer = await self._ask("POST", f"{_path(name)}/run")
        return Receipt(
            task_id=answer["task_id"],
            task_type=answer["task_type"],
            state=answer["state"],
            created_at=answer["created_at"],
            replayed=False,
        )

    async def republish(self, task_type: str, older_than_seconds: float) -> int:
        """Send the type's queued tasks again whose message is older than that; how many.

        For after a purge: a message that was not lost is then there twice, which does no harm.
        """
        path = f"/queues/{quote(task_type, safe='')}/republish"
        republished: int = 0
        after: str | None = None
        while True:
            body = {"older_than_seconds": older_than_seconds, "after": after}
            step = await self._ask("POST", path, json=body)
            republished += int(step["republished"])
            after = step["next_after"]
            if after is None:
                return republished


def _path(name: str) -> str:
    return f"/schedules/{quote(name, safe='')}"
