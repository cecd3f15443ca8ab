"""The tables, for reads and for migrations to be compared with; migrations make them."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

metadata: Final = MetaData()


def _moment(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


tasks: Final = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("task_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("0")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("returns", SmallInteger, nullable=False, server_default=text("0")),
    Column("token", BigInteger, nullable=False, server_default=text("0")),
    _moment("created_at", nullable=False),
    _moment("published_at"),
    _moment("due_at"),
    _moment("not_before"),
    _moment("lease_expires_at"),
    _moment("started_at"),
    _moment("finished_at"),
    Column("payload", JSONB, nullable=False),
    Column("result", JSONB),
    Column("error", JSONB),
    Column("labels", JSONB, nullable=False),
    Column("ordering_key", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("traceparent", Text, nullable=False),
    _moment("expires_at"),
    _moment("cancel_requested_at"),
    Column("progress", JSONB),
    Column("concurrency_key", Text),
    Column("payload_blob", JSONB),
    Column("follow_ups", JSONB),
    Column("group_id", Uuid),
    Column("parent_id", Uuid),
    Index("tasks_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("tasks_dead", "id", postgresql_where=text("state = 'dead'")),
    Index("tasks_by_type", "task_type", "id"),
    Index("tasks_by_group", "group_id", postgresql_where=text("group_id IS NOT NULL")),
    Index(
        "tasks_open_in_group",
        "group_id",
        postgresql_where=text(
            "group_id IS NOT NULL AND state IN ('scheduled', 'queued', 'running', 'retrying')"
        ),
    ),
    Index(
        "tasks_held",
        "task_type",
        postgresql_where=text("state = 'scheduled' AND due_at IS NULL"),
    ),
)

attempts: Final = Table(
    "attempts",
    metadata,
    Column("task_id", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    _moment("started_at", nullable=False),
    _moment("finished_at", nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", JSONB),
    PrimaryKeyConstraint("task_id", "token"),
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("task_id", Uuid, nullable=False),
    Column("fingerprint", Text, nullable=False),
    _moment("created_at", nullable=False),
    Index("idempotency_keys_old", "created_at"),
)

dead_letter_copies: Final = Table(
    "dead_letter_copies",
    metadata,
    Column("task_id", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    _moment("due_at", nullable=False),
    PrimaryKeyConstraint("task_id", "generation"),
    Index("dead_letter_copies_due", "due_at"),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    _moment("created_at", nullable=False),
    _moment("expires_at"),
    _moment("revoked_at"),
    _moment("last_used_at"),
)

dead_letter_desk: Final = Table(
    "dead_letter_desk",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("subscription", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _moment("received_at", nullable=False),
    Column("delivery_attempt", Integer, nullable=False),
    Column("ordering_key", Text, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

effects: Final = Table(
    "effects",
    metadata,
    Column("task_id", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("result", JSONB),
    _moment("recorded_at", nullable=False),
    PrimaryKeyConstraint("task_id", "key"),
)

schedules: Final = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("task_type", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("cron", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("missed", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    _moment("next_at"),
    _moment("last_at"),
    _moment("updated_at", nullable=False),
    Index("schedules_due", "next_at", postgresql_where=text("next_at IS NOT NULL AND NOT paused")),
)

task_groups: Final = Table(
    "task_groups",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("total", Integer, nullable=False),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    Column("follow_ups", JSONB, nullable=False),
    Column("traceparent", Text, nullable=False),
    _moment("created_at", nullable=False),
    _moment("finished_at"),
    Column("idempotency_key", Text),
    Column("fingerprint", Text),
    Index("task_groups_open", "id", postgresql_where=text("finished_at IS NULL")),
    Index(
        "task_groups_by_key",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)

operations: Final = Table(
    "operations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("filter", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    Column("per_second", Double),
    Column("total", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False, server_default=text("0")),
    Column("skipped", Integer, nullable=False, server_default=text("0")),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    _moment("created_at", nullable=False),
    _moment("stepped_at"),
    _moment("finished_at"),
    Index("operations_running", "id", postgresql_where=text("state = 'running'")),
)

operation_items: Final = Table(
    "operation_items",
    metadata,
    Column("operation_id", Uuid, ForeignKey("operations.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("outcome", Text),
    Column("reason", Text, nullable=False, server_default=text("''")),
    _moment("decided_at"),
    PrimaryKeyConstraint("operation_id", "task_id"),
    Index(
        "operation_items_open",
        "operation_id",
        "task_id",
        postgresql_where=text("outcome IS NULL"),
    ),
)

paused_types: Final = Table(
    "paused_types",
    metadata,
    Column("task_type", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _moment("paused_at", nullable=False),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Index("audit_old", "at"),
)
