"""Paused task types on Postgres. A held task is `scheduled` without a `due_at`: nothing else is,
so a partial index that is empty in every other case finds it, and the relay does not look at it."""
# ruff: noqa: S608 - every text is put together from constants of this file

from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.pg_calls import Calls
from shared.domain.desk_ports import Chores, Counts, Pause
from shared.domain.ledger_rules import LEASE_SECONDS, PUBLISH_GRACE_SECONDS
from shared.domain.task import Outgoing

_ALL: Final = "SELECT task_type, reason, actor, paused_at FROM paused_types ORDER BY task_type"

_PAUSE: Final = """
    WITH made AS (
        INSERT INTO paused_types (task_type, reason, actor, paused_at)
        VALUES (:task_type, :reason, :actor, now())
        ON CONFLICT (task_type) DO NOTHING
     RETURNING task_type, reason, actor, paused_at
    )
    INSERT INTO audit (at, actor, action, detail)
    SELECT now(), actor, 'pause', jsonb_build_object('task_type', task_type, 'reason', reason)
      FROM made"""
_GET: Final = """
    SELECT task_type, reason, actor, paused_at FROM paused_types WHERE task_type = :task_type"""
_RESUME: Final = """
    WITH gone AS (
        DELETE FROM paused_types WHERE task_type = :task_type RETURNING task_type
    ), audited AS (
        INSERT INTO audit (at, actor, action, detail)
        SELECT now(), :actor, 'resume', jsonb_build_object('task_type', task_type) FROM gone
    )
    SELECT count(*) FROM gone"""

# What runs has a lease, whose end is its `due_at`: so the index of what is due finds it in a
# narrow range, whatever waits for later.
_COUNTS: Final = f"""
    SELECT k.name,
           (SELECT count(*) FROM (
               SELECT FROM tasks t WHERE t.task_type = k.name AND t.state = 'running'
                  AND t.due_at > now() - interval '1 minute'
                  AND t.due_at <= now() + interval '{LEASE_SECONDS + 1:g} seconds'
                LIMIT :most) AS r),
           (SELECT count(*) FROM (
               SELECT FROM tasks t WHERE t.task_type = k.name AND t.state = 'scheduled'
                  AND t.due_at IS NULL LIMIT :most) AS h),
           (SELECT count(*) FROM (
               SELECT FROM tasks t WHERE t.task_type = k.name AND t.state = 'dead'
                LIMIT :most) AS d)
      FROM unnest(CAST(:task_types AS text[])) AS k(name)"""

# Held rows of a type that is not paused are brought back however they came to be held: a pause
# that ended while a delivery was being held leaves nothing behind.
_WORKING: Final = """
    SELECT k.name FROM unnest(CAST(:task_types AS text[])) AS k(name)
     WHERE k.name <> ALL (ARRAY(SELECT task_type FROM paused_types))"""
_RELEASE: Final = f"""
    WITH working AS ({_WORKING}), held AS (
        SELECT t.id FROM tasks t
         WHERE t.task_type = ANY (ARRAY(SELECT name FROM working))
           AND t.state = 'scheduled' AND t.due_at IS NULL
         LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE tasks t SET state = 'queued', published_at = NULL, not_before = NULL,
                       due_at = now() + interval '{PUBLISH_GRACE_SECONDS:g} seconds'
      FROM held WHERE t.id = held.id
 RETURNING t.id, t.generation, t.task_type, t.created_at, t.traceparent, t.ordering_key"""
_CHORES: Final = f"""
    SELECT EXISTS (SELECT FROM operations WHERE state = 'running'),
           EXISTS (SELECT FROM ({_WORKING}) AS w
                    WHERE EXISTS (SELECT FROM tasks t WHERE t.task_type = w.name
                                     AND t.state = 'scheduled' AND t.due_at IS NULL))"""


class PostgresPauses:
    """See `Pauses`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def all(self) -> list[Pause]:
        """See `Pauses.all`."""
        return [Pause(*row) for row in await self._calls.run(_ALL)]

    async def pause(self, task_type: str, *, reason: str, actor: str) -> Pause:
        """See `Pauses.pause`."""
        await self._calls.run(_PAUSE, task_type=task_type, reason=reason, actor=actor)
        [row] = await self._calls.run(_GET, task_type=task_type)
        return Pause(*row)

    async def resume(self, task_type: str, *, actor: str) -> bool:
        """See `Pauses.resume`."""
        [[count]] = await self._calls.run(_RESUME, task_type=task_type, actor=actor)
        return bool(count)

    async def counts(self, task_types: Sequence[str], limit: int) -> Mapping[str, Counts]:
        """See `Pauses.counts`."""
        rows = await self._calls.run(_COUNTS, task_types=list(task_types), most=limit)
        return {name: Counts(*counts) for name, *counts in rows}

    async def release(self, task_types: Sequence[str], limit: int) -> list[Outgoing]:
        """See `Pauses.release`."""
        rows = await self._calls.run(_RELEASE, task_types=list(task_types), most=limit)
        return [Outgoing(*row) for row in rows]

    async def chores(self, task_types: Sequence[str]) -> Chores:
        """See `Pauses.chores`."""
        [row] = await self._calls.run(_CHORES, task_types=list(task_types))
        return Chores(*row)
