"""The relay's own moves on Postgres, each one statement with what it guarantees beside it."""
# ruff: noqa: S608 - every text is put together from constants of this project

from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from shared.adapters.pg_calls import Calls
from shared.domain.errors import LedgerUnavailable
from shared.domain.ledger_rules import IDEMPOTENCY_WINDOW_SECONDS
from shared.domain.upkeep import (
    LOST_AFTER_SECONDS,
    SPREAD_SECONDS,
    Glance,
    Retention,
    Swept,
)

_LOCK: Final = 0x63_6C_74_61_73_6B_65_72
"""Which advisory lock: a number of ours, the same for every relay of one database."""

# The lock is the session's: it ends with the connection, so a leader that was killed leads no more.
_LEAD: Final = f"SELECT pg_try_advisory_lock({_LOCK})"
_RESIGN: Final = f"SELECT pg_advisory_unlock({_LOCK})"


def _first_in(column: str, table: str, condition: str) -> str:
    """Seconds until the earliest moment of an indexed column."""
    return (
        f"(SELECT extract(epoch FROM {column} - now())::float8 FROM {table} "
        f"WHERE {condition} ORDER BY {column} LIMIT 1)"
    )


# Reads the first entry of three indexes: what an idle second of the relay costs.
_GLANCE: Final = (
    f"SELECT {_first_in('due_at', 'tasks', 'due_at IS NOT NULL')}, "
    f"{_first_in('due_at', 'dead_letter_copies', 'true')}, "
    f"{_first_in('next_at', 'schedules', 'next_at IS NOT NULL AND NOT paused')}"
)

# Ids are UUIDv7, so their order is that of creation and what is old stands at the index's begin:
# the walk needs no index of its own, and costs a task nothing while it lives.
_SWEEP: Final = f"""
    WITH walked AS MATERIALIZED (
        SELECT id FROM tasks
         WHERE id > CAST(:after AS uuid)
           AND id < (lpad(to_hex((extract(epoch FROM now()) * 1000
                                  - CAST(:youngest AS float8) * 1000)::bigint), 12, '0')
                     || '00000000000000000000')::uuid
         ORDER BY id LIMIT :most
    ), pruned AS (
        DELETE FROM tasks t USING walked
         WHERE t.id = walked.id AND t.id = ANY (ARRAY(SELECT id FROM walked))
           AND (t.state IN ('succeeded', 'cancelled', 'expired')
                AND t.finished_at <= now() - CAST(:succeeded AS float8) * interval '1 second'
                OR t.state = 'dead'
                AND t.finished_at <= now() - CAST(:dead AS float8) * interval '1 second')
           AND (t.group_id IS NULL OR NOT EXISTS (
                SELECT FROM task_groups g WHERE g.id = t.group_id AND g.finished_at IS NULL))
     RETURNING t.payload_blob
    ), lost AS (
        UPDATE tasks t
           SET due_at = now() + random() * interval '{SPREAD_SECONDS:g} seconds'
          FROM walked
         WHERE t.id = walked.id AND t.id = ANY (ARRAY(SELECT id FROM walked))
           AND t.state = 'queued'
           AND t.published_at <= now() - interval '{LOST_AFTER_SECONDS:.0f} seconds'
           AND t.due_at IS NOT DISTINCT FROM t.expires_at
     RETURNING t.id
    )
    SELECT (SELECT CASE WHEN count(*) = :most THEN max(id::text) END FROM walked),
           (SELECT count(*) FROM pruned), (SELECT count(*) FROM lost),
           (SELECT jsonb_agg(payload_blob) FROM pruned WHERE payload_blob IS NOT NULL)"""

_REPUBLISH: Final = f"""
    WITH walked AS MATERIALIZED (
        SELECT id FROM tasks
         WHERE task_type = :task_type AND id > CAST(:after AS uuid) ORDER BY id LIMIT :most
    ), lost AS (
        UPDATE tasks t
           SET due_at = now() + random() * interval '{SPREAD_SECONDS:g} seconds'
          FROM walked
         WHERE t.id = walked.id AND t.id = ANY (ARRAY(SELECT id FROM walked))
           AND t.state = 'queued'
           AND t.published_at <= now() - CAST(:older_than AS float8) * interval '1 second'
           AND t.due_at IS NOT DISTINCT FROM t.expires_at
     RETURNING t.id
    ), audited AS (
        INSERT INTO audit (at, actor, action, detail)
        SELECT now(), :actor, 'republish',
               jsonb_build_object('task_type', CAST(:task_type AS text),
                                  'older_than_seconds', CAST(:older_than AS float8),
                                  'republished', n)
          FROM (SELECT count(*) AS n FROM lost) AS c WHERE n > 0
    )
    SELECT (SELECT CASE WHEN count(*) = :most THEN max(id::text) END FROM walked),
           0, (SELECT count(*) FROM lost), NULL"""


def _pruning(table: str, key: str, column: str, age: str) -> str:
    return f"""(
        DELETE FROM {table} WHERE {key} = ANY (ARRAY(
            SELECT {key} FROM {table} WHERE {column} <= now() - {age}
             ORDER BY {column} LIMIT :most)) RETURNING 1)"""


_DEAD_AGE: Final = "CAST(:dead AS float8) * interval '1 second'"
_REST: Final = {
    "keys": (
        "idempotency_keys",
        "key",
        "created_at",
        f"interval '{IDEMPOTENCY_WINDOW_SECONDS:.0f} seconds'",
    ),
    "raw": ("dead_letter_desk", "message_id", "received_at", _DEAD_AGE),
    "groups": ("task_groups", "id", "finished_at", _DEAD_AGE),
    "ended": ("operations", "id", "finished_at", _DEAD_AGE),
}
_PRUNE: Final = (
    "WITH "
    + ", ".join(f"{name} AS {_pruning(*said)}" for name, said in _REST.items())
    + " SELECT "
    + " + ".join(f"(SELECT count(*) FROM {name})" for name in _REST)
)
# A workload may add to the audit and nothing else; this function of the owner's removes for it
# what is old, and nothing that is younger than 30 days.
_PRUNE_AUDIT: Final = "SELECT prune_audit(CAST(:seconds AS float8), CAST(:most AS integer))"


class PostgresUpkeep:
    """See `Upkeep`. Who holds the connection of `calls` holds the lead."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._led_by: object | None = None

    async def lead(self) -> bool:
        """See `Upkeep.lead`."""
        if self._led_by is not None and self._led_by is self._calls.session:
            return True
        [[leads]] = await self._calls.run(_LEAD)
        self._led_by = self._calls.session if leads else None
        return bool(leads)

    async def resign(self) -> None:
        """See `Upkeep.resign`."""
        led, self._led_by = self._led_by, None
        if led is not None and led is self._calls.session:
            with suppress(LedgerUnavailable):  # the lock went with its connection
                await self._calls.run(_RESIGN)

    async def glance(self) -> Glance:
        """See `Upkeep.glance`."""
        [row] = await self._calls.run_often(_GLANCE)
        return Glance(*row)

    async def sweep(self, retention: Retention, *, after: UUID | None, limit: int) -> Swept:
        """See `Upkeep.sweep`."""
        youngest = min(retention.succeeded_seconds, retention.dead_seconds, LOST_AFTER_SECONDS)
        [row] = await self._calls.run(
            _SWEEP,
            after=str(after or UUID(int=0)),
            youngest=youngest,
            succeeded=retention.succeeded_seconds,
            dead=retention.dead_seconds,
            most=limit,
        )
        return _swept(row)

    async def prune(self, retention: Retention, *, limit: int) -> int:
        """See `Upkeep.prune`."""
        [[pruned]] = await self._calls.run(_PRUNE, dead=retention.dead_seconds, most=limit)
        seconds = retention.audit_seconds
        [[lines]] = await self._calls.run(_PRUNE_AUDIT, seconds=seconds, most=limit)
        return int(pruned) + int(lines)

    async def republish(
        self,
        task_type: str,
        older_than_seconds: float,
        *,
        actor: str,
        after: UUID | None,
        limit: int,
    ) -> Swept:
        """See `Upkeep.republish`."""
        [row] = await self._calls.run(
            _REPUBLISH,
            task_type=task_type,
            actor=actor,
            after=str(after or UUID(int=0)),
            older_than=older_than_seconds,
            most=limit,
        )
        return _swept(row)


def _swept(row: list[Any]) -> Swept:
    last, pruned, lost, blobs = row
    return Swept(UUID(last) if last else None, pruned, lost, tuple(blobs or ()))
