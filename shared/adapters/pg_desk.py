"""The dead-letter desk on Postgres: each move one statement, with what it guarantees beside it."""
# ruff: noqa: S608 - every text is put together from constants of this file

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from shared.adapters.pg_calls import Calls
from shared.domain.desk import DeadTask, RawDelivery, Redrive
from shared.domain.desk_ports import AuditLine
from shared.domain.ledger_rules import PUBLISH_GRACE_SECONDS
from shared.domain.task import Outgoing

_DEAD: Final = """
    SELECT id, task_type, generation, error, coalesce(finished_at, created_at)
      FROM tasks
     WHERE state = 'dead' AND (CAST(:task_type AS text) IS NULL OR task_type = :task_type)
       AND (CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid))
     ORDER BY id DESC LIMIT :most"""

# A row is moved only from the generation in which it was seen dead: so a repeat, or a redrive of
# somebody else, moves nothing. It is due like a new one: who moved it publishes, else the relay.
_REDRIVE: Final = f"""
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS a(id uuid, generation int, payload jsonb)
    ), held AS (
        SELECT t.id, asked.payload
          FROM tasks t JOIN asked ON asked.id = t.id AND asked.generation = t.generation
         WHERE t.id = ANY (ARRAY(SELECT id FROM asked)) AND t.state = 'dead'
         ORDER BY t.id FOR UPDATE OF t
    ), forgotten AS (
        DELETE FROM effects e USING held WHERE e.task_id = held.id AND held.payload IS NOT NULL
    ), audited AS (
        INSERT INTO audit (at, actor, action, detail)
        SELECT now(), :actor, 'redrive',
               jsonb_build_object('task_id', id, 'payload_changed', payload IS NOT NULL)
          FROM held WHERE CAST(:actor AS text) IS NOT NULL
    )
    UPDATE tasks t
       SET state = 'queued', generation = t.generation + 1, attempt = 0, returns = 0,
           published_at = NULL, due_at = now() + interval '{PUBLISH_GRACE_SECONDS:g} seconds',
           not_before = NULL, started_at = NULL, finished_at = NULL, error = NULL,
           progress = NULL, cancel_requested_at = NULL, expires_at = NULL,
           payload = coalesce(held.payload, t.payload),
           payload_blob = CASE WHEN held.payload IS NULL THEN t.payload_blob END
      FROM held WHERE t.id = held.id
 RETURNING t.id, t.generation, t.task_type, t.created_at, t.traceparent, t.ordering_key
"""

_DISCARD: Final = """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(id uuid, generation int)
    ), held AS (
        SELECT t.id FROM tasks t JOIN asked ON asked.id = t.id AND asked.generation = t.generation
         WHERE t.id = ANY (ARRAY(SELECT id FROM asked)) AND t.state = 'dead'
         ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tasks t SET state = 'cancelled' FROM held
     WHERE t.id = held.id"""

_RAW: Final = """
    SELECT message_id, subscription, reason, received_at, delivery_attempt, ordering_key,
           attributes, data
      FROM dead_letter_desk d
     WHERE CAST(:after AS text) IS NULL
        OR (received_at, message_id) < (SELECT received_at, message_id FROM dead_letter_desk
                                         WHERE message_id = :after)
     ORDER BY received_at DESC, message_id DESC LIMIT :most"""

_DISCARD_RAW: Final = """
    WITH gone AS (
        DELETE FROM dead_letter_desk WHERE message_id = ANY (CAST(:message_ids AS text[]))
     RETURNING message_id
    ), audited AS (
        INSERT INTO audit (at, actor, action, detail)
        SELECT now(), :actor, 'discard_raw', jsonb_build_object('message_ids', ids)
          FROM (SELECT jsonb_agg(message_id) AS ids FROM gone) AS g WHERE ids IS NOT NULL
    )
    SELECT count(*) FROM gone"""

_AUDIT: Final = """
    SELECT id, at, actor, action, detail FROM audit
     WHERE CAST(:before AS bigint) IS NULL OR id < :before ORDER BY id DESC LIMIT :most"""


class PostgresDesk:
    """See `Desk`; its moves are rare, so they share a connection that is no batcher's."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def dead(
        self, task_type: str | None, *, after: UUID | None, limit: int
    ) -> list[DeadTask]:
        """See `Desk.dead`."""
        rows = await self._calls.run(
            _DEAD, task_type=task_type, after=str(after) if after else None, most=limit
        )
        return [DeadTask(*row) for row in rows]

    async def redrive(
        self, tasks: Sequence[Redrive], *, actor: str | None = None
    ) -> list[Outgoing]:
        """See `Desk.redrive`."""
        rows = await self._calls.run(_REDRIVE, items=_items(tasks), actor=actor)
        return [Outgoing(*row) for row in rows]

    async def discard(self, tasks: Sequence[Redrive]) -> None:
        """See `Desk.discard`."""
        await self._calls.run(_DISCARD, items=_items(tasks))

    async def raw(self, *, after: str | None, limit: int) -> list[RawDelivery]:
        """See `Desk.raw`."""
        rows = await self._calls.run(_RAW, after=after, most=limit)
        return [_raw_delivery(row) for row in rows]

    async def discard_raw(self, message_ids: Sequence[str], *, actor: str) -> int:
        """See `Desk.discard_raw`."""
        ids = list(message_ids)
        [[count]] = await self._calls.run(_DISCARD_RAW, message_ids=ids, actor=actor)
        return int(count)


class PostgresAudit:
    """See `Audit`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def lines(self, *, before: int | None, limit: int) -> list[AuditLine]:
        """See `Audit.lines`."""
        return [AuditLine(*row) for row in await self._calls.run(_AUDIT, before=before, most=limit)]


def _raw_delivery(row: list[Any]) -> RawDelivery:
    row[-1] = bytes(row[-1])
    return RawDelivery(*row)


def _items(tasks: Sequence[Redrive]) -> str:
    def item(task: Redrive) -> dict[str, Any]:
        return {"id": str(task.id), "generation": task.generation, "payload": task.payload}

    return json.dumps([item(task) for task in tasks])
