"""How a run keeps its lease, and how it ends: renew, finish, cancel."""

from typing import Final

from shared.adapters.batcher import Statement
from shared.adapters.pg_sql import filled

RENEW: Final = Statement(
    "renew",
    filled("""
    WITH kept AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS k(n int, id uuid, token bigint)
    ), held AS (
        SELECT t.id, kept.n FROM tasks t JOIN kept ON kept.id = t.id AND kept.token = t.token
         WHERE t.id = ANY (ARRAY(SELECT id FROM kept))
           AND t.state = 'running' ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tasks t
       SET lease_expires_at = now() + $lease,
           due_at = now() + $lease
      FROM held WHERE t.id = held.id
 RETURNING held.n, t.cancel_requested_at IS NOT NULL"""),
    ("stop",),
)

# The fencing token: an attempt that lost its lease matches no row, so a late result is refused.
# An attempt that was asked to stop ends the task, unless it succeeded or rejected it before.
FINISH: Final = Statement(
    "finish",
    filled("""
    WITH ended AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS e(
            n int, id uuid, token bigint, state text, outcome text, result jsonb, error jsonb,
            due_in float8, due_at timestamptz, hold bool, copy bool, cost int)
    ), held AS (
        SELECT t.id, t.generation, t.attempt, t.started_at,
               t.cancel_requested_at IS NOT NULL
               AND ended.outcome NOT IN ('succeeded', 'rejected') AS stopped
          FROM tasks t JOIN ended ON ended.id = t.id AND ended.token = t.token
         WHERE t.id = ANY (ARRAY(SELECT id FROM ended))
           AND t.state = 'running' ORDER BY t.id FOR UPDATE OF t
    ), moved AS (
        UPDATE tasks t
           SET state = CASE WHEN held.stopped THEN 'cancelled' ELSE ended.state END,
               result = ended.result, error = ended.error,
               attempt = t.attempt - 1 + ended.cost,
               lease_expires_at = NULL,
               due_at = CASE WHEN held.stopped
                                  OR ended.due_at IS NULL AND ended.due_in IS NULL THEN NULL
                        ELSE least(coalesce(ended.due_at, now() + ended.due_in * $second),
                                   t.expires_at) END,
               not_before = CASE WHEN ended.hold AND NOT held.stopped
                            THEN coalesce(ended.due_at, now() + ended.due_in * $second) END,
               finished_at = CASE WHEN ended.state IN ('succeeded', 'dead', 'cancelled')
                                       OR held.stopped THEN now() END
          FROM held JOIN ended ON ended.id = held.id
         WHERE t.id = held.id
     RETURNING t.id, t.state
    ), attempted AS (
        INSERT INTO attempts
               (task_id, token, generation, number, started_at, finished_at, outcome, error)
        SELECT held.id, ended.token, held.generation, held.attempt, held.started_at, now(),
               CASE WHEN held.stopped THEN 'cancelled' ELSE ended.outcome END, ended.error
          FROM held JOIN ended ON ended.id = held.id
    ), copied AS (
        INSERT INTO dead_letter_copies (task_id, generation, attempt, due_at)
        SELECT held.id, held.generation, held.attempt, now()
          FROM held JOIN ended ON ended.id = held.id WHERE ended.copy AND NOT held.stopped
        ON CONFLICT DO NOTHING
    )
    SELECT ended.n, moved.state FROM moved JOIN ended ON ended.id = moved.id"""),
    ("state",),
)

# What waits is cancelled; what runs is asked to stop, and keeps its lease until it has.
CANCEL: Final = Statement(
    "cancel",
    """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, id uuid)
    ), held AS (
        SELECT t.id, asked.n, t.state = 'running' AS runs
          FROM tasks t JOIN asked ON asked.id = t.id
         WHERE t.id = ANY (ARRAY(SELECT id FROM asked))
           AND t.state IN ('scheduled', 'queued', 'retrying', 'running')
         ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tasks t
       SET state = CASE WHEN held.runs THEN 'running' ELSE 'cancelled' END,
           cancel_requested_at = CASE WHEN held.runs THEN coalesce(t.cancel_requested_at, now())
                                 END,
           due_at = CASE WHEN held.runs THEN t.due_at END,
           not_before = NULL,
           finished_at = CASE WHEN NOT held.runs THEN now() END
      FROM held WHERE t.id = held.id
 RETURNING held.n, t.state""",
    ("state",),
)
