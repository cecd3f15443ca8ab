"""The ledger's moves, each one SQL statement over a batch, with what it guarantees beside it.

`:items` is a JSON array; each item has its place `n`. Rows are locked in the order of their ids, so
that two batches cannot wait for each other. A statement is planned while the table may still be
empty and the plan is kept, so each access names its ids in an array: that can only use the index
(the connection plans no sequential scan), however the table has grown. `now()` is the database's:
no process clock decides.
"""

from string import Template
from typing import Final

from shared.adapters.batcher import Statement
from shared.domain.ledger_rules import (
    COPY_HOLD_SECONDS,
    GIVEN_UP,
    IDEMPOTENCY_WINDOW_SECONDS,
    LEASE_SECONDS,
    PUBLISH_GRACE_SECONDS,
    RETURN_DELAYS_SECONDS,
)

_CONSTANTS: Final = {
    "lease": f"interval '{LEASE_SECONDS:g} seconds'",
    "grace": f"interval '{PUBLISH_GRACE_SECONDS:g} seconds'",
    "window": f"interval '{IDEMPOTENCY_WINDOW_SECONDS:g} seconds'",
    "copy_hold": f"interval '{COPY_HOLD_SECONDS:g} seconds'",
    "second": "interval '1 second'",
    "return_delays": f"ARRAY[{', '.join(f'{s:g}' for s in RETURN_DELAYS_SECONDS)}]::float8[]",
} | {
    kind: f"jsonb_build_object('kind', '{kind}', 'message', '{said.replace(chr(39), chr(39) * 2)}')"
    for kind, said in GIVEN_UP.items()
}


def _sql(text: str) -> str:
    """Fill in constants of ours, never a value that came from outside."""
    return Template(text).substitute(_CONSTANTS)


# A key younger than the window keeps its task: the item then gets no row, and EARLIER finds it.
# A task whose time lies ahead is held until then; its time to live begins when it may start.
def adding(before: str = "", only: str = "") -> str:
    """The statement that stores the tasks of `:items` that `only` lets, after the CTEs `before`."""
    return Template(_ADD).substitute(_CONSTANTS, before=before, only=only)


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
      FROM known JOIN tasks t ON t.id = known.task_id
     WHERE t.id = ANY (ARRAY(SELECT task_id FROM known))""",
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
      FROM held WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))""",
)

# The only way to `running`. One claim wins: a second, in this batch or another, finds a live lease.
# An expired lease becomes an abandoned attempt here; on the last one the task is dead.
# What is paused is read once a batch, not once a row.
CLAIM: Final = Statement(
    "claim",
    _sql("""
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
          FROM held WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))
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
      FROM held WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))
 RETURNING held.n, true""",
    ("held",),
)

# As if the claim had not been, but for its token. No attempt is written: none was made.
PUT_BACK: Final = Statement(
    "put_back",
    _sql("""
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
     WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))
 RETURNING given.n, true"""),
    ("given",),
)

RENEW: Final = Statement(
    "renew",
    _sql("""
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
      FROM held WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))
 RETURNING held.n, t.cancel_requested_at IS NOT NULL"""),
    ("stop",),
)

# The fencing token: an attempt that lost its lease matches no row, so a late result is refused.
# An attempt that was asked to stop ends the task, unless it succeeded or rejected it before.
FINISH: Final = Statement(
    "finish",
    _sql("""
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
         WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))
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
      FROM held WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))
 RETURNING held.n, t.state""",
    ("state",),
)

# Two relays never take one row. What runs here has lost its lease: `due_at` moves with renewals.
# What waited past its end is expired, whatever it waited for.
TAKE_DUE: Final = _sql("""
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
          FROM held WHERE t.id = held.id AND t.id = ANY (ARRAY(SELECT id FROM held))
     RETURNING t.id, t.state, t.generation, t.attempt, t.task_type, t.created_at, t.traceparent,
               t.ordering_key
    ), copied AS (
        INSERT INTO dead_letter_copies (task_id, generation, attempt, due_at)
        SELECT id, generation, attempt, now() FROM moved WHERE state = 'dead'
        ON CONFLICT DO NOTHING
    )
    SELECT id, generation, task_type, created_at, traceparent, ordering_key
      FROM moved WHERE state = 'queued'""")

TAKE_COPIES: Final = _sql("""
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

DROP_COPIES: Final = """
    DELETE FROM dead_letter_copies c
     USING jsonb_to_recordset(CAST(:items AS jsonb)) AS d(id uuid, generation int)
     WHERE c.task_id = d.id AND c.generation = d.generation"""

# Only a row that waits for the very message that died is touched.
GIVE_BACK: Final = _sql("""
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

KEEP_ON_DESK: Final = """
    INSERT INTO dead_letter_desk (message_id, subscription, reason, received_at, delivery_attempt,
                                  ordering_key, attributes, data)
    VALUES (:message_id, :subscription, :reason, now(), :delivery_attempt, :ordering_key,
            CAST(:attributes AS json), :data)
    ON CONFLICT (message_id) DO NOTHING"""
