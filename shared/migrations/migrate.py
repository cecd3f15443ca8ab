"""Bring a database to the schema that this code needs; quick when nothing is to do."""

from pathlib import Path
from typing import Final

from shared.adapters.pg_connection import REVISION, connect

LOCK_KEY: Final = 0x636C74  # any constant; two migrations at once wait for each other
FOLDER: Final = Path(__file__).parent


def migrate(url: str) -> list[str]:
    """Apply what is missing; return the revisions that were applied, oldest first.

    Safe to repeat and to run twice at once. Raises: OSError or a pg8000 error when nobody answers.
    """
    before = revision_of(url)
    if before and before >= REVISION:
        return []
    _upgrade(url)
    done = sorted(file.name[:4] for file in (FOLDER / "versions").glob("[0-9]*.py"))
    return [revision for revision in done if revision > (before or "")]


def revision_of(url: str) -> str | None:
    """The revision that the database is at; None when it has no schema yet."""
    connection = connect(url)
    try:
        [[exists]] = connection.run("SELECT to_regclass('alembic_version') IS NOT NULL")
        rows = connection.run("SELECT version_num FROM alembic_version") if exists else []
        return rows[0][0] if rows else None
    finally:
        connection.close()


def _upgrade(url: str) -> None:
    """Alembic and SQLAlchemy are imported only here: they cost more than all the rest."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import text

    from shared.adapters.pg_engine import engine_of

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
