"""What the relay takes and brings back, and what becomes of dead letters, on Postgres."""

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.adapters.pg_calls import Calls
from shared.adapters.pg_sql import filled
from shared.domain.ports import DeskEntry
from shared.domain.task import DeadLetterCopy, Outgoing, State

# Two relays never take one row. What runs here has lost its lease: `due_at` moves with renewals.
# What waited past its end is expired, whatever it waited for.
_TAKE_DUE: Final = filled("""
    WITH known AS (
        SELECT key AS task_type, value::int AS max_attempts
          FROM jsonb_each_text(CAST(:attempts AS jsonb))
    ), held AS (
        SELECT t.id, t.state = 'running' AS ran, t.token, t.generation, t.attempt, t.started_at,
               CASE WHEN t.state = 'running' AND t.cancel_requested_at IS NOT NULL
                    THEN 'cancelled'
                    WHEN t.state = 'running' AND t.attempt >= known.max_attempts THEN 'dead'
                    WHEN t.expires_at <= now() THEN 'expired' ELSE 'queued' END AS becomes
          FROM tasks t JOIN known USING (task_type)
         WHERE t.due_at <= now() ORDER BY t.due_at LIMIT :most FOR UPDATE OF t SKIP LOCKED
    ), abandoned AS (
        INSERT INTO attempts (task_id, token, generation, number, started_at, finished_at, outcome)
        SELECT id, token, generation, attempt, started_at, now(), 'abandoned' FROM held WHERE ran
    ), moved AS (
        UPDATE tasks t
           SET state = held.becomes,
               token = t.token + CASE WHEN held.ran THEN 1 ELSE 0 END,
               published_at = NULL, lease_expires_at = NULL, not_before = NULL,
               due_at = CASE WHEN held.becomes = 'queued' THEN now() + $grace END,
               finished_at = CASE WHEN held.becomes <> 'queued' THEN now() END,
               error = CASE held.becomes WHEN 'dead' THEN coalesce(t.error, $abandoned)
                            WHEN 'expired' THEN coalesce(t.error, $expired)
                            ELSE t.error END
          FROM held WHERE t.id = held.id
     RETURNING t.id, t.state, t.generation, t.attempt, t.task_type, t.created_at, t.traceparent,
               t.ordering_key
    ), copied AS (
        INSERT INTO dead_letter_copies (task_id, generation, attempt, due_at)
        SELECT id, generation, attempt, now() FROM moved WHERE state = 'dead'
        ON CONFLICT DO NOTHING
    )
    SELECT id, generation, task_type, created_at, traceparent, ordering_key
      FROM moved WHERE state = 'queued'""")

_TAKE_COPIES: Final = filled("""
    WITH held AS (
        SELECT task_id, generation FROM dead_letter_copies
         WHERE due_at <= now() ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE dead_letter_copies c SET due_at = now() + $copy_hold
          FROM held WHERE c.task_id = held.task_id AND c.generation = held.generation
     RETURNING c.task_id, c.generation, c.attempt
    )
    SELECT t.id, taken.generation, t.task_type, t.created_at, t.traceparent, t.ordering_key,
           taken.attempt
      FROM taken JOIN tasks t ON t.id = taken.task_id
     WHERE t.id = ANY (ARRAY(SELECT task_id FROM taken))""")

_DROP_COPIES: Final = """
    DELETE FROM dead_letter_copies c
     USING jsonb_to_recordset(CAST(:items AS jsonb)) AS d(id uuid, generation int)
     WHERE c.task_id = d.id AND c.generation = d.generation"""

# Only a row that waits for the very message that died is touched.
_GIVE_BACK: Final = filled("""
    WITH held AS (
        SELECT id, attempt >= :max_attempts AS spent,
               ($return_delays)[returns + 1] AS delay
          FROM tasks
         WHERE id = :id AND generation = :generation AND state IN ('queued', 'retrying')
           FOR UPDATE
    ), moved AS (
        UPDATE tasks t
           SET state = CASE WHEN held.spent OR delay IS NULL THEN 'dead' ELSE 'scheduled' END,
               returns = t.returns + CASE WHEN held.spent OR delay IS NULL THEN 0 ELSE 1 END,
               due_at = CASE WHEN NOT held.spent
                        THEN least(now() + delay * $second,
                                   CASE WHEN delay IS NOT NULL THEN t.expires_at END) END,
               not_before = CASE WHEN NOT held.spent THEN now() + delay * $second END,
               finished_at = CASE WHEN held.spent OR delay IS NULL THEN now() END,
               error = CASE WHEN held.spent THEN coalesce(t.error, $spent)
                            WHEN delay IS NULL THEN coalesce(t.error, $never_started)
                            ELSE t.error END
          FROM held WHERE t.id = held.id
     RETURNING t.state
    )
    SELECT coalesce((SELECT state FROM moved), (SELECT state FROM tasks WHERE id = :id))""")

_KEEP_ON_DESK: Final = """
    INSERT INTO dead_letter_desk (message_id, subscription, reason, received_at, delivery_attempt,
                                  ordering_key, attributes, data)
    VALUES (:message_id, :subscription, :reason, now(), :delivery_attempt, :ordering_key,
            CAST(:attributes AS json), :data)
    ON CONFLICT (message_id) DO NOTHING"""


class DueMoves:
    """The part of `PostgresLedger` that the relay and the dead-letter function use."""

    _calls: Calls

    async def take_due(self, attempts: dict[str, int], limit: int) -> list[Outgoing]:
        """See `Ledger.take_due`."""
        rows = await self._calls.run(_TAKE_DUE, attempts=json.dumps(attempts), most=limit)
        return [Outgoing(*row) for row in rows]

    async def take_copies(self, limit: int) -> list[DeadLetterCopy]:
        """See `Ledger.take_copies`."""
        rows = await self._calls.run(_TAKE_COPIES, most=limit)
        return [DeadLetterCopy(Outgoing(*row[:-1]), row[-1]) for row in rows]

    async def drop_copies(self, copies: Sequence[DeadLetterCopy]) -> None:
        """See `Ledger.drop_copies`."""
        items = [{"id": str(c.task.id), "generation": c.task.generation} for c in copies]
        await self._calls.run(_DROP_COPIES, items=json.dumps(items))

    async def give_back(self, task_id: UUID, generation: int, max_attempts: int) -> State | None:
        """See `Ledger.give_back`."""
        [[state]] = await self._calls.run(
            _GIVE_BACK, id=str(task_id), generation=generation, max_attempts=max_attempts
        )
        return State(state) if state else None

    async def keep_on_desk(self, entry: DeskEntry) -> None:
        """See `Ledger.keep_on_desk`."""
        d = entry.delivery
        await self._calls.run(
            _KEEP_ON_DESK,
            message_id=_clean(d.message_id),
            subscription=_clean(d.subscription),
            reason=_clean(entry.reason),
            delivery_attempt=d.delivery_attempt,
            ordering_key=_clean(d.ordering_key),
            attributes=json.dumps(dict(d.attributes)),
            data=d.data,
        )


def _clean(text: str) -> str:
    """Text that Postgres can hold, whatever a stranger sent."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
