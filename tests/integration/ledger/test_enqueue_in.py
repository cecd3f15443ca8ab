"""Tasks that are stored in a transaction of the caller's own, on a real Postgres."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from shared.adapters.postgres import PostgresLedger
from shared.domain.errors import IdempotencyConflict, InvalidRequest, UnknownTaskType
from shared.domain.task import State
from shared.enqueue_in import enqueue_in
from shared.settings import ROOT
from tests.support.postgres import fresh_database

DATABASE = "enqueue_in"
NOOP = ("noop", {"sleep_seconds": 0})


@pytest.fixture(scope="module")
def url(postgres):
    return fresh_database(postgres, DATABASE)


@pytest.fixture
def engine(postgres, url):
    postgres.run("TRUNCATE tasks, idempotency_keys CASCADE", DATABASE)
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(url):
    ledger = PostgresLedger(url)
    yield ledger
    ledger.close()


async def test_committed_with_the_caller_s_rows_it_is_a_task(postgres, engine, ledger):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS orders (id int)"))
        connection.execute(text("INSERT INTO orders VALUES (1)"))
        stored = enqueue_in(connection, *NOOP, labels={"order": "1"})
    row = await ledger.get(stored.id)
    assert (row.state, row.payload["sleep_seconds"], row.labels) == (
        State.QUEUED,
        0,
        {"order": "1"},
    )
    postgres.run("UPDATE tasks SET due_at = due_at - interval '2 seconds'", DATABASE)
    assert [out.id for out in await ledger.take_due({"noop": 5}, 10)] == [stored.id]


async def test_rolled_back_there_is_no_task(postgres, engine, ledger):
    with engine.connect() as connection:
        stored = enqueue_in(connection, *NOOP, idempotency_key="k")
        connection.rollback()
    assert await ledger.get(stored.id) is None
    assert postgres.run("SELECT count(*) FROM idempotency_keys", DATABASE) == [[0]]


async def test_before_the_commit_nobody_sees_it(engine, ledger):
    with engine.connect() as connection:
        stored = enqueue_in(connection, *NOOP)
        assert await ledger.get(stored.id) is None
        connection.commit()
    assert await ledger.get(stored.id) is not None


async def test_a_session_of_the_orm_will_do(engine, ledger):
    with Session(engine) as session, session.begin():
        stored = enqueue_in(session.connection(), *NOOP)
    assert await ledger.get(stored.id) is not None


async def test_a_time_of_its_own_is_kept(engine, ledger):
    ahead = datetime(2027, 1, 1, 12, 0, tzinfo=UTC)
    with engine.begin() as connection:
        stored = enqueue_in(connection, *NOOP, run_at=ahead, expires_in_seconds=60)
    row = await ledger.get(stored.id)
    assert (stored.state, row.state, row.not_before) == (State.SCHEDULED, State.SCHEDULED, ahead)


def test_an_idempotency_key_is_the_same_task_and_another_payload_is_a_conflict(engine):
    with engine.begin() as connection:
        first = enqueue_in(connection, *NOOP, idempotency_key="k")
        again = enqueue_in(connection, *NOOP, idempotency_key="k")
    assert (again.id, again.is_new) == (first.id, False)
    with engine.begin() as connection, pytest.raises(IdempotencyConflict):
        enqueue_in(connection, "noop", {"sleep_seconds": 1}, idempotency_key="k")


def test_what_is_wrong_is_refused_and_the_transaction_goes_on(postgres, engine):
    with engine.begin() as connection:
        with pytest.raises(InvalidRequest):
            enqueue_in(connection, "noop", {"sleep_seconds": "long"})
        with pytest.raises(UnknownTaskType):
            enqueue_in(connection, "nop", {})
        enqueue_in(connection, *NOOP)
    assert postgres.run("SELECT count(*) FROM tasks", DATABASE) == [[1]]


def test_the_readme_s_example_stores_a_task(postgres, engine):
    [example] = re.findall(
        r"```python\n([^`]*enqueue_in[^`]*)```", (ROOT / "README.md").read_text()
    )
    postgres.run("CREATE TABLE IF NOT EXISTS accounts (email text)", DATABASE)
    exec(example, {"engine": engine})  # noqa: S102 - the README's own words
    [[task_type, payload]] = postgres.run("SELECT task_type, payload FROM tasks", DATABASE)
    assert (task_type, payload["to"]) == ("send_email", "ana@example.com")
    assert postgres.run("SELECT email FROM accounts", DATABASE) == [["ana@example.com"]]
