"""The schema: made by migrations, the same as the code's tables, quick when nothing is to do."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from shared.adapters.pg_connection import REVISION
from shared.adapters.postgres import PostgresLedger
from shared.adapters.schema import metadata
from shared.domain.errors import LedgerUnavailable
from shared.migrations.migrate import FOLDER, migrate, revision_of


@pytest.fixture
def empty(postgres, request):
    name = f"db_{abs(hash(request.node.name)) % 10**8}"
    postgres.run(f"CREATE DATABASE {name}")
    return postgres.url_of(name)


def upgrade(url: str, to: str) -> None:
    """Bring a database to a revision that is not the newest."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    engine.dispose()


def test_a_new_database_is_migrated_once(empty):
    assert revision_of(empty) is None
    assert migrate(empty) == ["0001", "0002", "0003", REVISION]
    assert (revision_of(empty), migrate(empty)) == (REVISION, [])


def test_a_database_of_an_earlier_version_is_brought_up(empty):
    upgrade(empty, "0001")
    assert revision_of(empty) == "0001"
    assert migrate(empty) == ["0002", "0003", REVISION]


def test_the_code_needs_the_newest_revision():
    assert ScriptDirectory(str(FOLDER)).get_current_head() == REVISION


def test_the_migrated_schema_is_the_one_that_the_code_reads(empty):
    migrate(empty)
    with create_engine(empty).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_two_migrations_at_once_make_one_schema(empty):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrate, [empty, empty]))
    assert revision_of(empty) == REVISION


async def test_a_ledger_without_its_schema_is_not_ready_and_says_what_to_do(empty):
    ledger = PostgresLedger(empty)
    with pytest.raises(LedgerUnavailable, match="run `cloudtasker migrate`"):
        await ledger.ping()
    migrate(empty)
    await ledger.ping()
    ledger.close()


def test_nothing_to_do_does_not_import_alembic(empty):
    migrate(empty)
    code = (
        "import sys; from shared.migrations.migrate import migrate; "
        f"migrate({empty!r}); print('alembic' in sys.modules or 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
