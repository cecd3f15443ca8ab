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
            failed integer NOT NULL DEFAULT 0,
            follow_ups jsonb NOT NULL,
            traceparent text NOT NULL,
            created_at timestamptz NOT NULL,
            finished_at timestamptz,
            idempotency_key text,
            fingerprint text
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


_GROUP_INDEXES = (
    "CREATE INDEX tasks_by_group ON tasks (group_id) WHERE group_id IS NOT NULL",
    "CREATE INDEX tasks_open_in_group ON tasks (group_id) WHERE group_id IS NOT NULL"
    " AND state IN ('scheduled', 'queued', 'running', 'retrying')",
    "CREATE INDEX task_groups_open ON task_groups (id) WHERE finished_at IS NULL",
    "CREATE UNIQUE INDEX task_groups_by_key ON task_groups (idempotency_key)"
    " WHERE idempotency_key IS NOT NULL",
)

# A follow-up is stored by the very statement that ends its task, whichever that is: so no way to
# end one can forget it. A plain task pays for one look at a
# null column.
_FOLLOWING = (
    """
    CREATE FUNCTION add_follow_up(
        spec jsonb, given jsonb, trace text, parent uuid
    ) RETURNS void LANGUAGE sql AS $$
        INSERT INTO tasks (id, task_type, state, created_at, due_at, not_before, expires_at,
                           payload, labels, ordering_key, traceparent, concurrency_key,
                           follow_ups, parent_id)
        SELECT (spec->>'id')::uuid, spec->>'task_type',
               CASE WHEN later.at IS NULL THEN 'queued' ELSE 'scheduled' END,
               now(), coalesce(later.at, now()), later.at,
               coalesce(later.at, now()) + (spec->>'expires_in')::float8 * interval '1 second',
               spec->'payload' || CASE WHEN spec ? 'result_as'
                                  THEN jsonb_build_object(spec->>'result_as',
                                                          coalesce(given, 'null'))
                                  ELSE '{}' END,
               coalesce(spec->'labels', '{}'), '', trace, spec->>'concurrency_key',
               spec->'follow_ups', parent
          FROM (SELECT CASE WHEN (spec->>'delay')::float8 > 0
                       THEN now() + (spec->>'delay')::float8 * interval '1 second' END AS at
               ) AS later
        ON CONFLICT (id) DO NOTHING
    $$
    """,
    """
    CREATE FUNCTION follow_up() RETURNS trigger
    LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.state = 'succeeded' THEN
            IF NEW.follow_ups ? 'then' THEN
                PERFORM add_follow_up(NEW.follow_ups->'then', NEW.result, NEW.traceparent, NEW.id);
            END IF;
        ELSIF NEW.follow_ups ? 'on_failure' THEN
            PERFORM add_follow_up(
                NEW.follow_ups->'on_failure',
                jsonb_build_object('task_id', NEW.id, 'state', NEW.state,
                                   'kind', NEW.error->>'kind', 'message', NEW.error->>'message'),
                NEW.traceparent, NEW.id);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER tasks_followed AFTER UPDATE OF state ON tasks FOR EACH ROW
      WHEN (NEW.follow_ups IS NOT NULL AND NEW.state <> OLD.state
            AND NEW.state IN ('succeeded', 'dead', 'cancelled', 'expired'))
      EXECUTE FUNCTION follow_up()
    """,
)


def upgrade() -> None:
    """Add the columns and make the tables."""
    op.execute(f"ALTER TABLE tasks {', '.join(f'ADD COLUMN {column}' for column in _COLUMNS)}")
    for statement in (
        *_TABLES.values(),
        *_DESK_INDEXES,
        *_TIME_INDEXES,
        *_GROUP_INDEXES,
        *_FOLLOWING,
    ):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables and the columns, with what they hold."""
    op.execute("DROP TRIGGER tasks_followed ON tasks")
    op.execute("DROP FUNCTION follow_up, add_follow_up")
    op.execute("DROP INDEX tasks_held")
    op.execute("DROP INDEX idempotency_keys_old")
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
    names = (column.split()[0] for column in _COLUMNS)
    op.execute(f"ALTER TABLE tasks {', '.join(f'DROP COLUMN {name}' for name in names)}")
