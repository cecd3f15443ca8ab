"""What a workload's database user may do: read and write the product's rows, and nothing else.

API keys are managed by the user who migrates: a workload that could add or revoke them could let
anybody in.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.pg_connection import connect

ROLE: Final = "cloudtasker_workload"
"""Has the rights; a workload's user is a member of it."""
_ROWS: Final = "SELECT, INSERT, UPDATE, DELETE"
PRIVILEGES: Final[Mapping[str, str]] = {
    "alembic_version": "SELECT",
    "api_keys": "SELECT, UPDATE (last_used_at)",
    "attempts": _ROWS,
    "audit": "SELECT, INSERT",
    "dead_letter_copies": _ROWS,
    "dead_letter_desk": _ROWS,
    "effects": _ROWS,
    "idempotency_keys": _ROWS,
    "operation_items": _ROWS,
    "operations": _ROWS,
    "paused_types": _ROWS,
    "schedules": _ROWS,
    "task_groups": _ROWS,
    "tasks": _ROWS,
}
"""By table. A table without a line here gives a workload nothing."""
_MAKE_ROLE: Final = f"""
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
            CREATE ROLE {ROLE} NOLOGIN;
        END IF;
    END $$
"""
_GIVE: Final = (
    f"GRANT USAGE ON SCHEMA public TO {ROLE}",
    # First nothing, so that what an earlier version gave is gone; a transaction makes it one step.
    f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}",
    *(f"GRANT {rights} ON {table} TO {ROLE}" for table, rights in PRIVILEGES.items()),
    f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
    # Removes old lines of the audit for a workload that may only add to it.
    f"GRANT EXECUTE ON FUNCTION prune_audit TO {ROLE}",
)


def grant(url: str, users: Sequence[str]) -> None:
    """Let each of the database's `users` work on the product's tables. Safe to repeat.

    After a migration, so that the role knows its tables too. The user of `url` must own the tables.
    Raises: OSError or a pg8000 error, as when a user does not exist; then none has got anything.
    """
    connection = connect(url)
    try:
        connection.run("BEGIN")
        for statement in (_MAKE_ROLE, *_GIVE, *map(_membership, users)):
            connection.run(statement)
        connection.run("COMMIT")
    finally:
        connection.close()


def _membership(user: str) -> str:
    quoted = '"' + user.replace('"', '""') + '"'
    return f"GRANT {ROLE} TO {quoted}"
