"""Bulk operations on Postgres: made in one statement, stepped by the relay, safe under a kill."""
# ruff: noqa: S608 - every text is put together from constants of this file

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from shared.adapters.pg_calls import Calls
from shared.domain.operation import (
    NewOperation,
    Operation,
    OperationItem,
    OperationKind,
    OperationState,
    Outcome,
    Preview,
    Seen,
    Selection,
    Step,
)
from shared.domain.task import State

_COLUMNS: Final = (
    "id, kind, state, filter, actor, per_second, total, succeeded, skipped, failed, "
    "created_at, finished_at"
)
_MATCHES: Final = """
           (CAST(:task_type AS text) IS NULL OR t.task_type = :task_type)
       AND (CAST(:state AS text) IS NULL OR t.state = :state)
       AND (CAST(:labels AS jsonb) IS NULL OR t.labels @> CAST(:labels AS jsonb))
       AND (CAST(:created_after AS timestamptz) IS NULL
            OR t.created_at > CAST(:created_after AS timestamptz))
       AND (CAST(:created_before AS timestamptz) IS NULL
            OR t.created_at < CAST(:created_before AS timestamptz))"""
_DEAD: Final = f"""
    SELECT t.id, t.generation, t.task_type FROM tasks t
     WHERE t.state = 'dead' AND {_MATCHES}
       AND coalesce(t.finished_at, t.created_at)
           <= coalesce(CAST(:until AS timestamptz), now())"""
_UNFINISHED: Final = f"""
    SELECT t.id, t.generation, t.task_type FROM tasks t
     WHERE t.state IN ('scheduled', 'queued', 'running', 'retrying') AND {_MATCHES}
       AND t.created_at <= coalesce(CAST(:until AS timestamptz), now())"""
_CHOSEN: Final = {
    OperationKind.REDRIVE: _DEAD,
    OperationKind.DISCARD: _DEAD,
    OperationKind.CANCEL: _UNFINISHED,
}

# By ids: those that fit are open items, the others are decided at once, with why.
_NAMED: Final = """
    SELECT asked.id, coalesce(t.generation, 0) AS generation, t.task_type,
           CASE WHEN t.id IS NULL THEN 'there is no such task'
                WHEN t.state <> ALL (CAST(:fitting AS text[])) THEN 'it is ' || t.state END AS why
      FROM (SELECT DISTINCT unnest(CAST(:task_ids AS uuid[])) AS id) AS asked
      LEFT JOIN tasks t ON t.id = asked.id"""

_CREATE: Final = f"""
    WITH chosen AS ({{chosen}}), made AS (
        INSERT INTO operations (id, kind, state, filter, actor, per_second, total, skipped,
                                created_at)
        SELECT CAST(:id AS uuid), :kind, 'running', CAST(:filter AS jsonb), :actor,
               CAST(:per_second AS float8), count(*), count({{why}}), now() FROM chosen
     RETURNING {_COLUMNS}
    ), listed AS (
        INSERT INTO operation_items (operation_id, task_id, generation, outcome, reason,
                                     decided_at)
        SELECT CAST(:id AS uuid), id, generation,
               CASE WHEN {{why}} IS NOT NULL THEN 'skipped' END, coalesce({{why}}, ''),
               CASE WHEN {{why}} IS NOT NULL THEN now() END
          FROM chosen
    ), audited AS (
        INSERT INTO audit (at, actor, action, detail)
        SELECT now(), actor, kind, jsonb_build_object('operation_id', id, 'filter', filter,
               'tasks', total - skipped) FROM made
    )
    SELECT {_COLUMNS} FROM made"""
_NONE: Final = "CAST(NULL AS text)"


_GET: Final = f"SELECT {_COLUMNS} FROM operations WHERE id = CAST(:id AS uuid)"
_ALL: Final = f"""
    SELECT {_COLUMNS} FROM operations
     WHERE CAST(:after AS uuid) IS NULL OR id < CAST(:after AS uuid)
     ORDER BY id DESC LIMIT :most"""
_ITEMS: Final = """
    SELECT task_id, generation, outcome, reason, decided_at FROM operation_items
     WHERE operation_id = CAST(:id AS uuid)
       AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
       AND (CAST(:after AS uuid) IS NULL OR task_id > CAST(:after AS uuid))
     ORDER BY task_id LIMIT :most"""
_STOP: Final = """
    WITH stopped AS (
        UPDATE operations SET state = 'stopped', finished_at = now()
         WHERE id = CAST(:id AS uuid) AND state = 'running' RETURNING id
    )
    INSERT INTO audit (at, actor, action, detail)
    SELECT now(), :actor, 'stop', jsonb_build_object('operation_id', id) FROM stopped"""

# The rate is kept by the moment up to which it is used up, so that no fraction of a task is lost;
# a relay that was away may catch up two seconds' worth. Operations take turns.
_NEXT: Final = """
    WITH ready AS (
        SELECT id, kind, per_second, greatest(coalesce(stepped_at, created_at),
               now() - greatest(2, 1 / per_second) * interval '1 second') AS since
          FROM operations
         WHERE state = 'running' AND (per_second IS NULL OR
               per_second * extract(epoch FROM now() - coalesce(stepped_at, created_at)) >= 1)
         ORDER BY coalesce(stepped_at, created_at) LIMIT 1 FOR UPDATE SKIP LOCKED
    ), allowed AS (
        SELECT id, kind, per_second, since, least(:most, CASE WHEN per_second IS NULL THEN :most
               ELSE floor(per_second * extract(epoch FROM now() - since) + 1e-6) END)::int AS many
          FROM ready
    ), stepped AS (
        UPDATE operations o
           SET stepped_at = CASE WHEN allowed.per_second IS NULL THEN now()
                            ELSE since + many / allowed.per_second * interval '1 second' END
          FROM allowed WHERE o.id = allowed.id
    )
    SELECT allowed.id, allowed.kind, i.task_id, i.generation
      FROM allowed LEFT JOIN LATERAL (
           SELECT task_id, generation FROM operation_items
            WHERE operation_id = allowed.id AND outcome IS NULL
            ORDER BY task_id LIMIT allowed.many) AS i ON true"""

_SEEN: Final = """
    SELECT id, task_type, state, generation, cancel_requested_at IS NOT NULL FROM tasks
     WHERE id = ANY (CAST(:task_ids AS uuid[]))"""

# An item is counted by whoever decides it first. The last one ends the operation.
_RECORD: Final = """
    WITH decided AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS d(task_id uuid, outcome text, reason text)
    ), marked AS (
        UPDATE operation_items i
           SET outcome = d.outcome, reason = d.reason, decided_at = now()
          FROM decided d
         WHERE i.operation_id = CAST(:id AS uuid) AND i.task_id = d.task_id
           AND i.outcome IS NULL
     RETURNING i.outcome
    ), counted AS (
        SELECT count(*) FILTER (WHERE outcome = 'succeeded') AS succeeded,
               count(*) FILTER (WHERE outcome = 'skipped') AS skipped,
               count(*) FILTER (WHERE outcome = 'failed') AS failed FROM marked
    )
    UPDATE operations o
       SET succeeded = o.succeeded + c.succeeded, skipped = o.skipped + c.skipped,
           failed = o.failed + c.failed
      FROM counted c WHERE o.id = CAST(:id AS uuid)"""
_END: Final = """
    UPDATE operations o SET state = 'done', finished_at = now()
     WHERE id = CAST(:id AS uuid) AND state = 'running'
       AND NOT EXISTS (SELECT FROM operation_items i
                        WHERE i.operation_id = o.id AND i.outcome IS NULL)"""


class PostgresOperations:
    """See `Operations`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def preview(self, kind: OperationKind, selection: Selection) -> Preview:
        """See `Operations.preview`."""
        chosen, values = _chosen(kind, selection)
        [[until]] = await self._calls.run("SELECT now()")
        rows = await self._calls.run(_counting(chosen, selection), **values)
        by_type = {name: count for name, count, fits in rows if fits}
        return Preview(by_type, sum(count for _, count, fits in rows if not fits), until)

    async def create(self, new: NewOperation) -> Operation:
        """See `Operations.create`."""
        chosen, values = _chosen(new.kind, new.selection)
        why = "why" if new.selection.task_ids is not None else _NONE
        rows = await self._calls.run(
            _CREATE.format(chosen=chosen, why=why),
            id=str(new.id),
            kind=new.kind.value,
            filter=json.dumps(new.selection.as_json()),
            actor=new.actor,
            per_second=new.per_second,
            **values,
        )
        await self._calls.run(_END, id=str(new.id))
        made = await self.get(new.id)
        return made or _operation(rows[0])

    async def get(self, operation_id: UUID) -> Operation | None:
        """See `Operations.get`."""
        rows = await self._calls.run(_GET, id=str(operation_id))
        return _operation(rows[0]) if rows else None

    async def all(self, *, after: UUID | None, limit: int) -> list[Operation]:
        """See `Operations.all`."""
        rows = await self._calls.run(_ALL, after=str(after) if after else None, most=limit)
        return [_operation(row) for row in rows]

    async def items(
        self, operation_id: UUID, outcome: Outcome | None, *, after: UUID | None, limit: int
    ) -> list[OperationItem]:
        """See `Operations.items`."""
        rows = await self._calls.run(
            _ITEMS,
            id=str(operation_id),
            outcome=outcome.value if outcome else None,
            after=str(after) if after else None,
            most=limit,
        )
        return [OperationItem(i, g, Outcome(o) if o else None, r, at) for i, g, o, r, at in rows]

    async def stop(self, operation_id: UUID, *, actor: str) -> Operation | None:
        """See `Operations.stop`."""
        await self._calls.run(_STOP, id=str(operation_id), actor=actor)
        return await self.get(operation_id)

    async def next_step(self, limit: int) -> Step | None:
        """See `Operations.next_step`."""
        rows = await self._calls.run(_NEXT, most=limit)
        if not rows:
            return None
        operation_id, kind = rows[0][:2]
        items = [OperationItem(task_id, generation) for *_, task_id, generation in rows if task_id]
        if not items:
            await self._calls.run(_END, id=str(operation_id))
        return Step(operation_id, OperationKind(kind), items)

    async def seen(self, task_ids: Sequence[UUID]) -> Mapping[UUID, Seen]:
        """See `Operations.seen`."""
        rows = await self._calls.run(_SEEN, task_ids=[str(one) for one in task_ids])
        return {row[0]: Seen(row[1], State(row[2]), row[3], row[4]) for row in rows}

    async def record(self, operation_id: UUID, items: Sequence[OperationItem]) -> None:
        """See `Operations.record`."""
        decided = [
            {"task_id": str(i.task_id), "outcome": i.outcome, "reason": i.reason} for i in items
        ]
        await self._calls.run(_RECORD, id=str(operation_id), items=json.dumps(decided))
        await self._calls.run(_END, id=str(operation_id))


def _chosen(kind: OperationKind, selection: Selection) -> tuple[str, dict[str, Any]]:
    """The text that selects the tasks, of constants, and the values that it takes."""
    s = selection
    if s.task_ids is not None:
        fitting = ["dead"] if kind is not OperationKind.CANCEL else _UNFINISHED_STATES
        return _NAMED, {"task_ids": [str(one) for one in s.task_ids], "fitting": fitting}
    return _CHOSEN[kind], {
        "task_type": s.task_type,
        "state": s.state.value if s.state else None,
        "labels": json.dumps(dict(s.labels)) if s.labels else None,
        "created_after": s.created_after,
        "created_before": s.created_before,
        "until": s.until,
    }


_UNFINISHED_STATES: Final = ["scheduled", "queued", "running", "retrying"]


def _counting(chosen: str, selection: Selection) -> str:
    fits = "why IS NULL" if selection.task_ids is not None else "true"
    return (
        f"SELECT task_type, count(*), {fits} AS fits FROM ({chosen}) AS chosen "
        "GROUP BY task_type, fits"
    )


def _operation(row: list[Any]) -> Operation:
    return Operation(row[0], OperationKind(row[1]), OperationState(row[2]), *row[3:])
