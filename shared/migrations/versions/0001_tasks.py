"""Tasks, their attempts, idempotency keys, dead-letter copies, and the dead-letter desk."""

from alembic import op

revision = "0001"
down_revision = None

# Rows change a few times in their first seconds, and are vacuumed long before the table's default
# threshold. Pages are filled: each change touches an indexed column, so room on the page would save
# no index entry, and would cost a quarter of the disk.
_UP = (
    """
    CREATE TABLE tasks (
        id uuid PRIMARY KEY,
        task_type text NOT NULL,
        state text NOT NULL,
        generation integer NOT NULL DEFAULT 0,
        attempt integer NOT NULL DEFAULT 0,
        returns smallint NOT NULL DEFAULT 0,
        token bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        published_at timestamptz,
        due_at timestamptz,
        not_before timestamptz,
        lease_expires_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        payload jsonb NOT NULL,
        result jsonb,
        error jsonb,
        labels jsonb NOT NULL,
        ordering_key text NOT NULL,
        idempotency_key text,
        traceparent text NOT NULL,
        CONSTRAINT tasks_state CHECK (state IN ('scheduled', 'queued', 'running', 'retrying',
                                                'succeeded', 'dead', 'cancelled', 'expired'))
    ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05)
    """,
    "CREATE INDEX tasks_due ON tasks (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX tasks_dead ON tasks (id) WHERE state = 'dead'",
    "CREATE INDEX tasks_by_type ON tasks (task_type, id)",
    """
    CREATE TABLE attempts (
        task_id uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
        token bigint NOT NULL,
        generation integer NOT NULL,
        number integer NOT NULL,
        started_at timestamptz NOT NULL,
        finished_at timestamptz NOT NULL,
        outcome text NOT NULL,
        error jsonb,
        PRIMARY KEY (task_id, token)
    )
    """,
    """
    CREATE TABLE idempotency_keys (
        key text PRIMARY KEY,
        task_id uuid NOT NULL,
        fingerprint text NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE dead_letter_copies (
        task_id uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
        generation integer NOT NULL,
        attempt integer NOT NULL,
        due_at timestamptz NOT NULL,
        PRIMARY KEY (task_id, generation)
    )
    """,
    "CREATE INDEX dead_letter_copies_due ON dead_letter_copies (due_at)",
    """
    CREATE TABLE dead_letter_desk (
        message_id text PRIMARY KEY,
        subscription text NOT NULL,
        reason text NOT NULL,
        received_at timestamptz NOT NULL,
        delivery_attempt integer NOT NULL,
        ordering_key text NOT NULL,
        attributes json NOT NULL,
        data bytea NOT NULL
    )
    """,
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables, and every task with them."""
    for table in (
        "dead_letter_desk",
        "dead_letter_copies",
        "idempotency_keys",
        "attempts",
        "tasks",
    ):
        op.execute(f"DROP TABLE {table}")
