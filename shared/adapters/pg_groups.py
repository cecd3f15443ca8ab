"""Groups on Postgres. Members write nothing to their group, so that a thousand that end at once
do not wait for one row: whether one is still open is an index's answer, and the relay asks."""

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from shared.adapters.pg_add import adding, new_row
from shared.adapters.pg_calls import Calls
from shared.domain.errors import IdempotencyConflict, LedgerUnavailable
from shared.domain.follow_up import Group, NewGroup, StartedGroup, ids_of
from shared.domain.task import NewTask, State, Stored

# Members are stored with their group or not at all: no crash leaves one without the other. Where
# the key is known neither is, and _EARLIER and _MEMBERS tell of the group that has it.
_OPEN: Final = adding(
    """opened AS (
        INSERT INTO task_groups (id, total, follow_ups, traceparent, created_at,
                                 idempotency_key, fingerprint)
        VALUES (:id, :total, CAST(:follow_ups AS jsonb), :traceparent, now(), :key, :fingerprint)
        ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
     RETURNING id
    ),""",
    "WHERE EXISTS (SELECT FROM opened)",
)
_EARLIER: Final = "SELECT id, fingerprint FROM task_groups WHERE idempotency_key = :key"
_MEMBERS: Final = """
    SELECT id, task_type, state, created_at FROM tasks WHERE group_id = :id ORDER BY id"""

_GET: Final = """
    SELECT g.id, g.total,
           (SELECT count(*) FROM tasks t WHERE t.group_id = g.id AND t.state = 'succeeded'),
           (SELECT count(*) FROM tasks t WHERE t.group_id = g.id
               AND t.state IN ('dead', 'cancelled', 'expired')),
           g.failed, g.follow_ups, g.created_at, g.finished_at
      FROM task_groups g WHERE g.id = :id"""

# A group ends once: its row is locked, and what follows is stored in the same statement. Its
# members were stored in its own commit. They are counted here and nowhere else, so that one which
# was redriven before counts as it stands.
_JOIN: Final = """
    WITH ready AS (
        SELECT g.id FROM task_groups g
         WHERE g.finished_at IS NULL
           AND EXISTS (SELECT FROM tasks t WHERE t.group_id = g.id)
           AND NOT EXISTS (
               SELECT FROM tasks t WHERE t.group_id = g.id
                  AND t.state IN ('scheduled', 'queued', 'running', 'retrying'))
         LIMIT :most FOR UPDATE SKIP LOCKED
    ), counted AS (
        SELECT t.group_id, count(*) FILTER (WHERE t.state <> 'succeeded') AS failed
          FROM tasks t WHERE t.group_id = ANY (ARRAY(SELECT id FROM ready)) GROUP BY t.group_id
    ), ended AS (
        UPDATE task_groups g SET finished_at = now(), failed = counted.failed
          FROM counted WHERE g.id = counted.group_id
     RETURNING g.id, g.total, g.failed, g.traceparent,
               g.follow_ups->CASE g.failed WHEN 0 THEN 'then' ELSE 'on_failure' END AS next
    )
    SELECT CASE WHEN next IS NOT NULL THEN add_follow_up(
               next, jsonb_build_object('group_id', id, 'total', total, 'failed', failed),
               traceparent, NULL)::text END
      FROM ended"""


class PostgresGroups:
    """See `Groups`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def open(self, group: NewGroup, members: Sequence[NewTask]) -> StartedGroup:
        """See `Groups.open`."""
        items = [{**new_row(task), "n": n} for n, task in enumerate(members)]
        rows = await self._calls.run(
            _OPEN,
            items=json.dumps(items),
            id=group.id,
            total=group.total,
            follow_ups=json.dumps(group.follow_ups.as_json()),
            traceparent=group.traceparent,
            key=group.idempotency_key,
            fingerprint=group.fingerprint,
        )
        if not rows:
            return await self._earlier(group)
        said = {n: (State(state), created_at) for n, created_at, state in rows}
        stored = [Stored(t.id, t.task_type, *said[n], is_new=True) for n, t in enumerate(members)]
        return StartedGroup(group.id, stored)

    async def _earlier(self, group: NewGroup) -> StartedGroup:
        """The group that has the key."""
        rows = await self._calls.run(_EARLIER, key=group.idempotency_key)
        if not rows:  # pruned between the two statements
            raise LedgerUnavailable("the group of this idempotency key was just deleted")
        group_id, fingerprint = rows[0]
        if fingerprint != group.fingerprint:
            raise IdempotencyConflict(group.idempotency_key or "", group_id, "group")
        kept = await self._calls.run(_MEMBERS, id=group_id)
        members = [
            Stored(task_id, task_type, State(state), created_at, is_new=False)
            for task_id, task_type, state, created_at in kept
        ]
        return StartedGroup(group_id, members, is_new=False)

    async def get(self, group_id: UUID) -> Group | None:
        """See `Groups.get`."""
        rows = await self._calls.run(_GET, id=group_id)
        return _group(rows[0]) if rows else None

    async def join(self, limit: int) -> int:
        """See `Groups.join`."""
        return len(await self._calls.run(_JOIN, most=limit))


def _group(row: list[Any]) -> Group:
    """Once it has ended, what it ended with stays, whatever is pruned or redriven."""
    group_id, total, succeeded, failed, failed_then, follow_ups, created_at, finished_at = row
    if finished_at:
        succeeded, failed = total - failed_then, failed_then
    return Group(group_id, total, succeeded, failed, ids_of(follow_ups), created_at, finished_at)
