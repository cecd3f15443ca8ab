"""What a workload's database user may do: read and write the product's rows, and nothing else."""

from collections.abc import Sequence
from typing import Final

from shared.adapters.pg_connection import connect

ROLE: Final = "cloudtasker_workload"
"""Has the rights; a workload's user is a member of it."""
_MAKE_ROLE: Final = f"""
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
            CREATE ROLE {ROLE} NOLOGIN;
        END IF;
    END $$
"""
_GIVE: Final = (
    f"GRANT USAGE ON SCHEMA public TO {ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}",
    f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
    f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {ROLE}",
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
