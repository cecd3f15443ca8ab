"""What a task queue keeps beside its tasks: time, progress, effects, groups, operations, pauses."""

from alembic import op

revision = "0003"
down_revision = "0002"

# Columns that most rows leave null: they cost a row nothing.
_COLUMNS = (
    "expires_at timestamptz",
    "cancel_requested_at timestamptz",
    "progress jsonb",
    "concurrency_key text",
    "payload_blob jsonb",
    "follow_ups jsonb",
    "group_id uuid",
    "parent_id uuid",
)
_TABLES = {
    "effects": """
        CREATE TABLE effects (
            task_id uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
            key text NOT NULL,
            token bigint NOT NULL,
            result jsonb,
            recorded_at timestamptz NOT NULL,
            PRIMARY KEY (task_id, key)
        )
    """,
    "schedules": """
        CREATE TABLE schedules (
            name text PRIMARY KEY,
            task_type text NOT NULL,
            payload jsonb NOT NULL,
            cron text NOT NULL,
            time_zone text NOT NULL,
            missed text NOT NULL CHECK (missed IN ('skip', 'run_once', 'run_all')),
            origin text NOT NULL CHECK (origin IN ('file', 'api')),
            paused boolean NOT NULL DEFAULT false,
            next_at timestamptz,
            last_at timestamptz,
            updated_at timestamptz NOT NULL
        )
    """,
    "task_groups": """
        CREATE TABLE task_groups (
            id uuid PRIMARY KEY,
            total integer NOT NULL,
            remaining integer NOT NULL,
            failed integer NOT NULL DEFAULT 0,
            follow_ups jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            finished_at timestamptz
        )
    """,
    "operations": """
        CREATE TABLE operations (
            id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('redrive', 'cancel', 'discard')),
            state text NOT NULL CHECK (state IN ('running', 'stopped', 'done')),
            filter jsonb NOT NULL,
            actor text NOT NULL,
            per_second double precision,
            total integer NOT NULL,
            succeeded integer NOT NULL DEFAULT 0,
            skipped integer NOT NULL DEFAULT 0,
            failed integer NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL,
            stepped_at timestamptz,
            finished_at timestamptz
        )
    """,
    "operation_items": """
        CREATE TABLE operation_items (
            operation_id uuid NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
            task_id uuid NOT NULL,
            generation integer NOT NULL,
            outcome text,
            reason text NOT NULL DEFAULT '',
            decided_at timestamptz,
            PRIMARY KEY (operation_id, task_id)
        )
    """,
    "paused_types": """
        CREATE TABLE paused_types (
            task_type text PRIMARY KEY,
            reason text NOT NULL,
            actor text NOT NULL,
            paused_at timestamptz NOT NULL
        )
    """,
    "audit": """
        CREATE TABLE audit (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL,
            actor text NOT NULL,
            action text NOT NULL,
            detail jsonb NOT NULL
        )
    """,
}

# Each is empty but for what a person has asked for: a plain task is in none of them.
_TIME_INDEXES = (
    "CREATE INDEX idempotency_keys_old ON idempotency_keys (created_at)",
    "CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL AND NOT paused",
)
_DESK_INDEXES = (
    "CREATE INDEX tasks_held ON tasks (task_type) WHERE state = 'scheduled' AND due_at IS NULL",
    "CREATE INDEX operations_running ON operations (id) WHERE state = 'running'",
    "CREATE INDEX operation_items_open ON operation_items (operation_id, task_id)"
    " WHERE outcome IS NULL",
)


def upgrade() -> None:
    """Add the columns and make the tables."""
    op.execute(f"ALTER TABLE tasks {', '.join(f'ADD COLUMN {column}' for column in _COLUMNS)}")
    for statement in (*_TABLES.values(), *_DESK_INDEXES, *_TIME_INDEXES):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables and the columns, with what they hold."""
    op.execute("DROP INDEX tasks_held")
    op.execute("DROP INDEX idempotency_keys_old")
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
    names = (column.split()[0] for column in _COLUMNS)
    op.execute(f"ALTER TABLE tasks {', '.join(f'DROP COLUMN {name}' for name in names)}")
