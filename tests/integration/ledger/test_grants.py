"""`cloudtasker migrate --grant`: what a workload's user may do with the database, and what not."""

import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError

from shared.adapters.pg_keys import PostgresKeys
from shared.adapters.postgres import PostgresLedger
from shared.adapters.schema import metadata
from shared.migrations.grants import PRIVILEGES, grant
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


def as_workload(url: str) -> pg8000.native.Connection:
    port = int(url.rpartition(":")[2].split("/")[0])
    return pg8000.native.Connection(USER, host="127.0.0.1", port=port, database="grants")


async def test_it_can_do_the_products_work(url):
    ledger = PostgresLedger(url)
    await ledger.ping()
    ledger.close()


async def test_it_can_look_keys_up_and_note_their_use_but_neither_make_nor_change_one(owner, url):
    key, _ = made_key("ci")
    admin, workload = PostgresKeys(owner), PostgresKeys(url)
    try:
        await admin.add(key)
        await workload.used(key.id)
        assert (await workload.find(key.id)).last_used_at is not None
        with pytest.raises(DatabaseError, match="permission denied"):
            await workload.add(made_key("intruder")[0])
        with pytest.raises(DatabaseError, match="permission denied"):
            await workload.revoke(key.id)
    finally:
        admin.close()
        workload.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_keys SET scopes = '{manage}'",
        "UPDATE api_keys SET revoked_at = NULL",
        "UPDATE api_keys SET digest = ''",
        "DELETE FROM api_keys",
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'nobody'",
    ],
)
def test_it_can_neither_change_rights_of_callers_nor_what_the_audit_says(url, statement):
    connection = as_workload(url)
    try:
        with pytest.raises(DatabaseError, match="permission denied"):
            connection.run(statement)
    finally:
        connection.close()


def test_it_can_have_old_lines_of_the_audit_removed_and_no_others(postgres, url):
    postgres.run("TRUNCATE audit", "grants")
    for days in (29, 31):
        postgres.run(
            "INSERT INTO audit (at, actor, action, detail)"
            f" VALUES (now() - interval '{days} days', 'ana', 'pause', '{{}}')",
            "grants",
        )
    connection = as_workload(url)
    try:
        assert connection.run("SELECT prune_audit(-1e9, 100)") == [[1]]
    finally:
        connection.close()
    assert postgres.run("SELECT count(*) FROM audit", "grants") == [[1]]


def test_nobody_else_can_have_the_audit_pruned(postgres, url):
    may = "SELECT has_function_privilege('{}', 'prune_audit(float8, integer)', 'EXECUTE')"
    postgres.run("CREATE ROLE stranger")
    try:
        assert postgres.run(may.format("stranger"), "grants") == [[False]]
        assert postgres.run(may.format("cloudtasker_workload"), "grants") == [[True]]
    finally:
        postgres.run("DROP ROLE stranger")


def test_a_grant_takes_away_what_an_earlier_version_gave(postgres, owner, url):
    postgres.run("GRANT ALL ON api_keys, tasks TO cloudtasker_workload", "grants")
    grant(owner, [USER])

    [rights] = postgres.run(
        "SELECT has_table_privilege('cloudtasker_workload', 'api_keys', 'INSERT'),"
        " has_table_privilege('cloudtasker_workload', 'tasks', 'TRUNCATE'),"
        " has_table_privilege('cloudtasker_workload', 'tasks', 'INSERT')",
        "grants",
    )
    assert rights == [False, False, True]


def test_every_table_of_the_database_has_its_line(postgres, url):
    found = postgres.run(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'", "grants"
    )

    assert {name for (name,) in found} == PRIVILEGES.keys()
    assert metadata.tables.keys() <= PRIVILEGES.keys()


@pytest.mark.parametrize("table", sorted(t for t, r in PRIVILEGES.items() if "DELETE" in r))
def test_it_reads_and_writes_every_table_of_the_products_work(url, table):
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
