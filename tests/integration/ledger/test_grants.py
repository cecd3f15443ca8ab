"""`cloudtasker migrate --grant`: what a workload's user may do with the database, and what not."""

import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError

from shared.adapters.pg_keys import PostgresKeys
from shared.adapters.postgres import PostgresLedger
from shared.adapters.schema import metadata
from shared.migrations.grants import grant
from tests.support.api_keys import made_key
from tests.support.postgres import PostgresServer, fresh_database

USER = 'ct-enqueue@project."iam"'


@pytest.fixture(scope="module")
def owner(postgres: PostgresServer) -> str:
    return fresh_database(postgres, "grants")


@pytest.fixture(scope="module")
def url(postgres: PostgresServer, owner: str):
    """The database as the workload's own user sees it, after its grant."""
    quoted = '"' + USER.replace('"', '""') + '"'
    postgres.run(f"CREATE ROLE {quoted} LOGIN")
    grant(owner, [USER])
    grant(owner, [USER])
    yield owner.replace("postgres@", "ct-enqueue%40project.%22iam%22@")
    postgres.run(f"DROP OWNED BY {quoted}", "grants")
    postgres.run(f"DROP ROLE {quoted}")
    postgres.run("DROP OWNED BY cloudtasker_workload", "grants")
    postgres.run("DROP ROLE cloudtasker_workload")


def as_workload(url: str) -> pg8000.native.Connection:
    port = int(url.rpartition(":")[2].split("/")[0])
    return pg8000.native.Connection(USER, host="127.0.0.1", port=port, database="grants")


async def test_it_can_do_the_products_work(url):
    ledger, keys = PostgresLedger(url), PostgresKeys(url)
    await ledger.ping()
    await keys.add(made_key("ci")[0])
    ledger.close()
    keys.close()


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_it_reads_and_writes_every_table(url, table):
    connection = as_workload(url)
    try:
        connection.run(f"SELECT * FROM {table} LIMIT 1")
        connection.run(f"DELETE FROM {table}")
    finally:
        connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE tasks",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE tasks ADD COLUMN mine int",
        "UPDATE alembic_version SET version_num = '0000'",
        "CREATE ROLE mine",
        "TRUNCATE tasks",
    ],
)
def test_it_can_change_neither_schema_nor_rights(url, statement):
    connection = as_workload(url)
    try:
        with pytest.raises(DatabaseError):
            connection.run(statement)
    finally:
        connection.close()


def test_a_user_that_is_not_there_is_named_and_nobody_gets_anything(postgres, owner, url):
    postgres.run("CREATE ROLE waiting LOGIN")
    try:
        with pytest.raises(DatabaseError, match="nobody_there"):
            grant(owner, ["waiting", "nobody_there"])
        [[member]] = postgres.run(
            "SELECT pg_has_role('waiting', 'cloudtasker_workload', 'member')", "grants"
        )
        assert member is False
    finally:
        postgres.run("DROP ROLE waiting")
