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
_AUDITED: Final = "INSERT INTO audit (at, actor, action, detail) SELECT now(), :actor,"
_ADD: Final = f"""
    WITH made AS (
        INSERT INTO schedules (name, task_type, payload, cron, time_zone, missed, origin, next_at,
                               updated_at)
        VALUES (:name, :task_type, CAST(:payload AS jsonb), :cron, :time_zone, :missed, 'api',
                CAST(:next_at AS timestamptz), now())
        ON CONFLICT (name) DO NOTHING RETURNING {_COLUMNS}
    ), audited AS ({_AUDITED} 'create_schedule', CAST(:audited AS jsonb) FROM made)
    SELECT {_COLUMNS} FROM made"""
_DELETE: Final = f"""
    WITH gone AS (
        DELETE FROM schedules WHERE name = :name AND origin = 'api' RETURNING name
    ), audited AS ({_AUDITED} 'delete_schedule', jsonb_build_object('name', name) FROM gone)
    SELECT 1 FROM gone"""


def _switch(paused: str, next_at: str, action: str) -> str:
    """Pause or resume. The row is locked before it is changed, so of two that do the same at once
    one has made the change, and one line is in the audit."""
    return f"""
    WITH before AS (
        SELECT name AS named, paused AS was FROM schedules WHERE name = :name FOR UPDATE
    ), found AS (
        UPDATE schedules
           SET next_at = CASE WHEN was = {paused} THEN next_at ELSE {next_at} END,
               updated_at = CASE WHEN was = {paused} THEN updated_at ELSE now() END,
               paused = {paused}
          FROM before WHERE name = named RETURNING {_COLUMNS}, was
    ), audited AS (
        {_AUDITED} '{action}', jsonb_build_object('name', name) FROM found WHERE was <> {paused}
    )
    SELECT {_COLUMNS} FROM found"""


_PAUSE: Final = _switch("true", "next_at", "pause_schedule")
_RESUME: Final = _switch("false", "CAST(:next_at AS timestamptz)", "resume_schedule")
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

    async def add(
        self, new: NewSchedule, next_at: datetime | None, *, actor: str
    ) -> Schedule | None:
        """See `Schedules.add`."""
        said = {**_said(new, next_at), "payload": json.dumps(new.payload)}
        audited = json.dumps(new.audited())
        return _one(await self._calls.run(_ADD, **said, actor=actor, audited=audited))

    async def delete(self, name: str, *, actor: str) -> bool:
        """See `Schedules.delete`."""
        return bool(await self._calls.run(_DELETE, name=name, actor=actor))

    async def pause(self, name: str, *, actor: str) -> Schedule | None:
        """See `Schedules.pause`."""
        return _one(await self._calls.run(_PAUSE, name=name, actor=actor))

    async def resume(self, name: str, next_at: datetime | None, *, actor: str) -> Schedule | None:
        """See `Schedules.resume`."""
        said = {"name": name, "next_at": _text(next_at), "actor": actor}
        return _one(await self._calls.run(_RESUME, **said))

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
