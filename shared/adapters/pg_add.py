"""How a task is stored and its message confirmed: the statements, their items and their rows."""

from typing import Any, Final

from shared.adapters.batcher import Row, Statement
from shared.adapters.pg_sql import filled
from shared.domain.errors import IdempotencyConflict, LedgerUnavailable
from shared.domain.task import NewTask, State, Stored

# A key younger than the window keeps its task: the item then gets no row, and EARLIER finds it.
# A task whose time lies ahead is held until then; its time to live begins when it may start.
_ADD: Final = """
    WITH $before asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(
            n int, id uuid, task_type text, payload jsonb, labels jsonb, ordering_key text,
            idempotency_key text, fingerprint text, traceparent text, concurrency_key text,
            run_at timestamptz, delay float8, expires_in float8, follow_ups jsonb, group_id uuid,
            payload_blob jsonb)
         $only
    ), keyed AS (
        INSERT INTO idempotency_keys AS k (key, task_id, fingerprint, created_at)
        SELECT DISTINCT ON (idempotency_key) idempotency_key, id, fingerprint, now()
          FROM asked WHERE idempotency_key IS NOT NULL ORDER BY idempotency_key, n
        ON CONFLICT (key) DO UPDATE
           SET task_id = excluded.task_id, fingerprint = excluded.fingerprint,
               created_at = excluded.created_at
         WHERE k.created_at <= now() - $window
     RETURNING task_id
    ), timed AS (
        SELECT *, CASE WHEN greatest(run_at, now() + delay * $second) > now()
                       THEN greatest(run_at, now() + delay * $second) END AS start_at
          FROM asked
    ), added AS (
        INSERT INTO tasks (id, task_type, state, created_at, due_at, not_before, expires_at,
                           payload, labels, ordering_key, idempotency_key, traceparent,
                           concurrency_key, follow_ups, group_id, payload_blob)
        SELECT id, task_type, CASE WHEN start_at IS NULL THEN 'queued' ELSE 'scheduled' END,
               now(), coalesce(start_at, now() + $grace), start_at,
               coalesce(start_at, now()) + expires_in * $second,
               payload, labels, ordering_key, idempotency_key, traceparent, concurrency_key,
               follow_ups, group_id, payload_blob
          FROM timed
         WHERE idempotency_key IS NULL OR id IN (SELECT task_id FROM keyed)
     RETURNING id, created_at, state
    )
    SELECT asked.n, added.created_at, added.state FROM added JOIN asked USING (id)"""


def adding(before: str = "", only: str = "") -> str:
    """The statement that stores the tasks of `:items` that `only` lets, after the CTEs `before`."""
    return filled(_ADD, before=before, only=only)


ADD: Final = Statement("add", adding(), ("created_at", "state"))

EARLIER: Final = Statement(
    "earlier",
    """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, idempotency_key text)
    ), known AS (
        SELECT asked.n, k.task_id, k.fingerprint
          FROM asked JOIN idempotency_keys k ON k.key = asked.idempotency_key
         WHERE k.key = ANY (ARRAY(SELECT idempotency_key FROM asked))
    )
    SELECT known.n, known.task_id, known.fingerprint, t.task_type, t.state, t.created_at
      FROM known JOIN tasks t ON t.id = known.task_id""",
    ("task_id", "fingerprint", "task_type", "state", "created_at"),
)

# A claim may have come first: then `due_at` is its lease's end, and stays. A confirmed row is due
# when its time is over, and never where it has no end.
MARK_PUBLISHED: Final = Statement(
    "mark_published",
    """
    WITH sent AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS s(n int, id uuid, generation int)
    ), held AS (
        SELECT t.id FROM tasks t JOIN sent ON sent.id = t.id AND sent.generation = t.generation
         WHERE t.id = ANY (ARRAY(SELECT id FROM sent))
           AND t.published_at IS NULL AND t.state = 'queued' ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tasks t SET published_at = now(), due_at = t.expires_at
      FROM held WHERE t.id = held.id""",
)


def new_row(task: NewTask) -> dict[str, Any]:
    """The task as ADD takes it; what it does not set is left out, since each byte is parsed."""
    row: dict[str, Any] = {
        "id": str(task.id),
        "task_type": task.task_type,
        "payload": task.payload,
        "labels": task.labels,
        "ordering_key": task.ordering_key,
        "traceparent": task.traceparent,
    }
    if task.idempotency_key is not None:
        row |= {"idempotency_key": task.idempotency_key, "fingerprint": task.fingerprint}
    if task.concurrency_key is not None:
        row["concurrency_key"] = task.concurrency_key
    if task.run_at is not None:
        row["run_at"] = task.run_at.isoformat()
    if task.delay_seconds is not None:
        row["delay"] = task.delay_seconds
    if task.expires_in_seconds is not None:
        row["expires_in"] = task.expires_in_seconds
    if task.follow_ups is not None:
        row["follow_ups"] = task.follow_ups.as_json()
    if task.group_id is not None:
        row["group_id"] = str(task.group_id)
    if task.payload_blob is not None:
        row["payload_blob"] = task.payload_blob.as_json()
    return row


def earlier_of(task: NewTask, row: Row | None) -> Stored | IdempotencyConflict:
    """What the idempotency key of a task that was not added stands for, from EARLIER's row."""
    if row is None or task.idempotency_key is None:
        # The key's task was pruned between the two statements; a repeat of the request stores it.
        raise LedgerUnavailable("the idempotency key was being freed; repeat the request")
    if row["fingerprint"] != task.fingerprint:
        return IdempotencyConflict(task.idempotency_key, row["task_id"])
    return Stored(
        row["task_id"], row["task_type"], State(row["state"]), row["created_at"], is_new=False
    )
