"""Schedules on Postgres: each move one statement, with what it guarantees beside it."""
# ruff: noqa: S608 - every text is put together from constants of this file

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from shared.adapters.pg_calls import Calls
from shared.domain.missed import Missed
from shared.domain.schedule import NewSchedule, Origin, Schedule, Step
from shared.domain.task import NewTask

_COLUMNS: Final = (
    "name, task_type, payload, cron, time_zone, missed, origin, paused, next_at, last_at, "
    "updated_at"
)
_ALL: Final = f"SELECT {_COLUMNS} FROM schedules ORDER BY name"
_GET: Final = f"SELECT {_COLUMNS} FROM schedules WHERE name = :name"
_ADD: Final = f"""
    INSERT INTO schedules (name, task_type, payload, cron, time_zone, missed, origin, next_at,
                           updated_at)
    VALUES (:name, :task_type, CAST(:payload AS jsonb), :cron, :time_zone, :missed, 'api',
            CAST(:next_at AS timestamptz), now())
    ON CONFLICT (name) DO NOTHING RETURNING {_COLUMNS}"""
_DELETE: Final = "DELETE FROM schedules WHERE name = :name AND origin = 'api' RETURNING 1"
_PAUSE: Final = f"""
    UPDATE schedules SET paused = true, updated_at = CASE WHEN paused THEN updated_at ELSE now() END
     WHERE name = :name RETURNING {_COLUMNS}"""
_RESUME: Final = f"""
    UPDATE schedules
       SET next_at = CASE WHEN paused THEN CAST(:next_at AS timestamptz) ELSE next_at END,
           updated_at = CASE WHEN paused THEN now() ELSE updated_at END, paused = false
     WHERE name = :name RETURNING {_COLUMNS}"""
_DUE: Final = f"""
    SELECT {_COLUMNS} FROM schedules
     WHERE next_at <= now() AND next_at IS NOT NULL AND NOT paused ORDER BY next_at LIMIT :most"""

# The runs are queued by the very statement that moves the schedule on, so a crash neither doubles
# nor loses one; of two relays that saw the same moment one moves it.
_FIRE: Final = """
    WITH moved AS (
        UPDATE schedules
           SET next_at = CAST(:next_at AS timestamptz),
               last_at = coalesce(CAST(:last_at AS timestamptz), last_at)
         WHERE name = :name AND next_at = CAST(:seen AS timestamptz) AND NOT paused
     RETURNING name
    ), added AS (
        INSERT INTO tasks (id, task_type, state, created_at, due_at, payload, labels, ordering_key,
                           traceparent)
        SELECT r.id, r.task_type, 'queued', now(), now(), r.payload, r.labels, '', r.traceparent
          FROM moved, jsonb_to_recordset(CAST(:runs AS jsonb))
               AS r(id uuid, task_type text, payload jsonb, labels jsonb, traceparent text)
        ON CONFLICT (id) DO NOTHING
    )
    SELECT count(*) FROM moved"""
_SYNC: Final = """
    WITH wanted AS (
        SELECT * FROM jsonb_to_recordset(CAST(:wanted AS jsonb))
               AS w(name text, task_type text, payload jsonb, cron text, time_zone text,
                    missed text, next_at timestamptz)
    ), gone AS (
        DELETE FROM schedules s
         WHERE s.origin = 'file' AND NOT EXISTS (SELECT FROM wanted w WHERE w.name = s.name)
    )
    INSERT INTO schedules AS s (name, task_type, payload, cron, time_zone, missed, origin, next_at,
                                updated_at)
    SELECT name, task_type, payload, cron, time_zone, missed, 'file', next_at, now() FROM wanted
    ON CONFLICT (name) DO UPDATE
       SET task_type = excluded.task_type, payload = excluded.payload, cron = excluded.cron,
           time_zone = excluded.time_zone, missed = excluded.missed, origin = 'file',
           next_at = CASE WHEN (s.cron, s.time_zone) = (excluded.cron, excluded.time_zone)
                          THEN s.next_at ELSE excluded.next_at END,
           updated_at = now()
     WHERE (s.task_type, s.payload, s.cron, s.time_zone, s.missed, s.origin)
           IS DISTINCT FROM (excluded.task_type, excluded.payload, excluded.cron,
                             excluded.time_zone, excluded.missed, excluded.origin)"""


class PostgresSchedules:
    """See `Schedules`; its moves are rare, so they share a connection that is no batcher's."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def now(self) -> datetime:
        """See `Schedules.now`."""
        [[now]] = await self._calls.run("SELECT now()")
        moment: datetime = now
        return moment

    async def all(self) -> list[Schedule]:
        """See `Schedules.all`."""
        return [_schedule(row) for row in await self._calls.run(_ALL)]

    async def get(self, name: str) -> Schedule | None:
        """See `Schedules.get`."""
        return _one(await self._calls.run(_GET, name=name))

    async def add(self, new: NewSchedule, next_at: datetime | None) -> Schedule | None:
        """See `Schedules.add`."""
        said = {**_said(new, next_at), "payload": json.dumps(new.payload)}
        return _one(await self._calls.run(_ADD, **said))

    async def delete(self, name: str) -> bool:
        """See `Schedules.delete`."""
        return bool(await self._calls.run(_DELETE, name=name))

    async def pause(self, name: str) -> Schedule | None:
        """See `Schedules.pause`."""
        return _one(await self._calls.run(_PAUSE, name=name))

    async def resume(self, name: str, next_at: datetime | None) -> Schedule | None:
        """See `Schedules.resume`."""
        return _one(await self._calls.run(_RESUME, name=name, next_at=_text(next_at)))

    async def due(self, limit: int) -> list[Schedule]:
        """See `Schedules.due`."""
        return [_schedule(row) for row in await self._calls.run(_DUE, most=limit)]

    async def fire(self, seen: Schedule, step: Step, runs: Sequence[NewTask]) -> bool:
        """See `Schedules.fire`."""
        made = [
            {
                "id": str(run.id),
                "task_type": run.task_type,
                "payload": run.payload,
                "labels": run.labels,
                "traceparent": run.traceparent,
            }
            for run in runs
        ]
        [[moved]] = await self._calls.run(
            _FIRE,
            name=seen.name,
            seen=_text(seen.next_at),
            next_at=_text(step.next_at),
            last_at=_text(step.moments[-1] if step.moments else None),
            runs=json.dumps(made),
        )
        return bool(moved)

    async def sync(self, wanted: Sequence[tuple[NewSchedule, datetime | None]]) -> None:
        """See `Schedules.sync`."""
        said = [_said(new, next_at) for new, next_at in wanted]
        await self._calls.run(_SYNC, wanted=json.dumps(said))


def _said(new: NewSchedule, next_at: datetime | None) -> dict[str, Any]:
    return {**new.model_dump(mode="json"), "next_at": _text(next_at)}


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _one(rows: list[list[Any]]) -> Schedule | None:
    return _schedule(rows[0]) if rows else None


def _schedule(row: list[Any]) -> Schedule:
    name, task_type, payload, cron, zone, missed, origin, *rest = row
    return Schedule(name, task_type, payload, cron, zone, Missed(missed), Origin(origin), *rest)
