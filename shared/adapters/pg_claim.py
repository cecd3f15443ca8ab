"""How a run begins, and why it may not: claim, refusal, hold, put back."""

from typing import Final

from shared.adapters.batcher import Statement
from shared.adapters.pg_sql import filled

# The only way to `running`. One claim wins: a second, in this batch or another, finds a live lease.
# An expired lease becomes an abandoned attempt here; on the last one the task is dead.
# What is paused is read once a batch, not once a row.
CLAIM: Final = Statement(
    "claim",
    filled("""
    WITH asked AS (
        SELECT DISTINCT ON (id, generation) *
          FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS a(n int, id uuid, generation int, max_attempts int)
         ORDER BY id, generation, n
    ), held AS (
        SELECT t.id, asked.n, t.state AS was, t.attempt, t.token, t.generation, t.started_at,
               t.attempt >= asked.max_attempts AS spent
          FROM tasks t JOIN asked ON asked.id = t.id AND asked.generation = t.generation
         WHERE t.id = ANY (ARRAY(SELECT id FROM asked))
           AND (t.state IN ('queued', 'retrying')
                OR t.state = 'running' AND t.lease_expires_at <= now())
           AND (t.not_before IS NULL OR t.not_before <= now())
           AND t.task_type <> ALL (ARRAY(SELECT task_type FROM paused_types))
           AND (t.expires_at IS NULL OR t.expires_at > now())
           AND t.cancel_requested_at IS NULL
         ORDER BY t.id FOR UPDATE OF t
    ), abandoned AS (
        INSERT INTO attempts (task_id, token, generation, number, started_at, finished_at, outcome)
        SELECT id, token, generation, attempt, started_at, now(), 'abandoned'
          FROM held WHERE was = 'running'
    ), moved AS (
        UPDATE tasks t
           SET state = CASE WHEN held.spent THEN 'dead' ELSE 'running' END,
               attempt = t.attempt + CASE WHEN held.spent THEN 0 ELSE 1 END,
               token = t.token + 1,
               published_at = coalesce(t.published_at, now()),
               not_before = NULL, progress = NULL,
               lease_expires_at = CASE WHEN NOT held.spent THEN now() + $lease END,
               due_at = CASE WHEN NOT held.spent THEN now() + $lease END,
               started_at = CASE WHEN held.spent THEN t.started_at ELSE now() END,
               finished_at = CASE WHEN held.spent THEN now() END,
               error = CASE WHEN held.spent THEN coalesce(t.error,
                            CASE held.was WHEN 'running' THEN $abandoned
                                          ELSE $spent END) END
          FROM held WHERE t.id = held.id
     RETURNING held.n, t.id, t.state, t.attempt, t.token, t.generation, t.task_type, t.payload,
               t.labels, t.created_at, t.traceparent, t.concurrency_key, t.payload_blob
    ), copied AS (
        INSERT INTO dead_letter_copies (task_id, generation, attempt, due_at)
        SELECT id, generation, attempt, now() FROM moved WHERE state = 'dead'
        ON CONFLICT DO NOTHING
    )
    SELECT n, state, attempt, token, task_type, payload, labels, created_at, traceparent,
           concurrency_key, payload_blob
      FROM moved"""),
    (
        "state",
        "attempt",
        "token",
        "task_type",
        "payload",
        "labels",
        "created_at",
        "traceparent",
        "concurrency_key",
        "payload_blob",
    ),
)

# Why a claim got no row; read after it, so `claimable` means that the row changed in between.
# A run that is asked to stop counts as leased: when its lease has ended, the relay cancels it.
REFUSED: Final = Statement(
    "refused",
    """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, id uuid)
    )
    SELECT asked.n, t.generation, t.state,
           t.lease_expires_at > now() OR t.cancel_requested_at IS NOT NULL AS leased,
           t.state = 'scheduled' OR t.not_before > now() AS early,
           t.task_type = ANY (ARRAY(SELECT task_type FROM paused_types)) AS paused,
           t.expires_at <= now() AS expired
      FROM asked JOIN tasks t ON t.id = asked.id
     WHERE t.id = ANY (ARRAY(SELECT id FROM asked))""",
    ("generation", "state", "leased", "early", "paused", "expired"),
)

# Held: scheduled, and never due. Only what a claim would have got is held, and only while its type
# is paused; what is held when the pause has just ended, the relay releases.
HOLD: Final = Statement(
    "hold",
    """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS a(n int, id uuid, generation int)
    ), held AS (
        SELECT t.id, asked.n FROM tasks t JOIN asked
               ON asked.id = t.id AND asked.generation = t.generation
         WHERE t.id = ANY (ARRAY(SELECT id FROM asked)) AND t.state IN ('queued', 'retrying')
           AND t.task_type = ANY (ARRAY(SELECT task_type FROM paused_types))
         ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tasks t SET state = 'scheduled', due_at = NULL, not_before = NULL,
                       published_at = coalesce(t.published_at, now())
      FROM held WHERE t.id = held.id
 RETURNING held.n, true""",
    ("held",),
)

# As if the claim had not been, but for its token. No attempt is written: none was made.
PUT_BACK: Final = Statement(
    "put_back",
    filled("""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
               AS g(n int, id uuid, token bigint, seconds float8)
    ), held AS (
        SELECT t.id FROM tasks t JOIN given ON given.id = t.id AND given.token = t.token
         WHERE t.id = ANY (ARRAY(SELECT id FROM given))
           AND t.state = 'running' ORDER BY t.id FOR UPDATE OF t
    )
    UPDATE tasks t
       SET state = CASE WHEN t.cancel_requested_at IS NULL THEN 'scheduled' ELSE 'cancelled' END,
           attempt = t.attempt - 1, lease_expires_at = NULL,
           started_at = CASE WHEN t.attempt > 1 THEN t.started_at END,
           due_at = CASE WHEN t.cancel_requested_at IS NULL
                    THEN least(now() + given.seconds * $second, t.expires_at) END,
           not_before = CASE WHEN t.cancel_requested_at IS NULL
                        THEN now() + given.seconds * $second END,
           finished_at = CASE WHEN t.cancel_requested_at IS NOT NULL THEN now() END
      FROM held JOIN given ON given.id = held.id
     WHERE t.id = held.id
 RETURNING given.n, true"""),
    ("given",),
)
