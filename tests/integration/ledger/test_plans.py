"""How the hot statements reach their rows: quickly at any size of the table."""

import asyncio
import socket
import time
from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.pg_calls import Calls
from shared.adapters.pg_connection import dial
from shared.adapters.pg_desk import PostgresDesk
from shared.adapters.postgres import PostgresLedger
from shared.domain.desk import Redrive
from shared.domain.outcome import Failure
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, Effect, NewTask, Outgoing, State
from tests.support.postgres import fresh_database
from tests.support.task_types import greeting_type

DATABASE = "plans"
DEAD = Settlement(State.DEAD, "rejected", Answer.ACK, failure=Failure("No", "no"), copy=True)


@pytest.fixture(scope="module")
def url(postgres):
    return fresh_database(postgres, DATABASE)


def reads_of_tasks(postgres, database):
    """Scans of the whole table, and rows read through its primary key, since the last reset.

    A session reports the rest of what it did when it ends, which it does after `close`.
    """
    end = time.monotonic() + 20
    ours = f"datname = '{database}' AND application_name = 'cloudtasker'"
    while postgres.run(f"SELECT 1 FROM pg_stat_activity WHERE {ours}"):
        assert time.monotonic() < end, "a session of the ledger does not end"
        time.sleep(0.02)
    [[scans, read]] = postgres.run(
        "SELECT t.seq_scan, i.idx_tup_read FROM pg_stat_user_tables t "
        "JOIN pg_stat_user_indexes i USING (relid) WHERE i.indexrelname = 'tasks_pkey'",
        database,
    )
    return scans, read


async def every_move(ledger: PostgresLedger) -> None:
    """Each hot statement at least once, on rows of its own."""
    new = [NewTask(uuid7(), "greet", {"name": "Ada"}, "", "f", str(uuid7())) for _ in range(4)]
    kept = await ledger.add(new)
    await ledger.add([replace(new[0], id=uuid7())])
    sent = [Outgoing(s.id, 0, "greet", s.created_at, "") for s in kept]
    await ledger.mark_published(sent)
    claim = await ledger.claim(kept[0].id, 0, greeting_type())
    assert isinstance(claim, Claim)
    async with ledger.renewing(claim, 60):
        await ledger.claim(kept[0].id, 0, greeting_type())
        await ledger.say_progress(claim, 40, "half")
        await ledger.recall(claim, "mail")
        await ledger.record(claim, "mail", Effect("sent"))
        await ledger.cancel_all([kept[0].id])
        await ledger.glimpse([kept[0].id])
        await asyncio.sleep(0.05)  # renewals and stops are asked for meanwhile
        await ledger.finish(claim, DEAD)
    await ledger.cancel(kept[2].id)
    await ledger.give_back(kept[1].id, 0, 5)
    await ledger.take_due({"greet": 5}, 10)
    await ledger.drop_copies(await ledger.take_copies(10))


async def test_no_hot_statement_reads_more_rows_as_the_table_grows(postgres, url):
    """Planned while the tables are empty, which is when a plan goes wrong and then stays."""
    ledger = PostgresLedger(url, renew_seconds=0.01, stops_seconds=0.01)
    for _ in range(8):  # from the sixth time on Postgres may keep one plan for all values
        await every_move(ledger)
    for _ in range(5):
        await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "") for _ in range(1000)])
    postgres.run("SELECT pg_sleep(1.1)", DATABASE)  # a session reports what it did once a second
    await ledger.mark_published([])
    postgres.run("SELECT pg_stat_reset()", DATABASE)
    await every_move(ledger)
    ledger.close()
    scans, read = reads_of_tasks(postgres, DATABASE)
    assert scans == 0
    assert 0 < read < 500


async def test_a_move_of_many_tasks_reads_each_row_a_few_times(postgres):
    """Planned with the table's statistics, which is how a plan looks after a minute of work: one
    that probed all ids of the batch for each row would read the square of them."""
    database, count = "plans_of_batches", 300
    url = fresh_database(postgres, database)
    ledger = PostgresLedger(url)
    await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "") for _ in range(count)])
    postgres.run("ANALYZE", database)
    new = [NewTask(uuid7(), "greet", {}, "", "f", str(n)) for n in range(count)]
    kept = await ledger.add(new)
    await ledger.add([replace(task, id=uuid7()) for task in new])
    await ledger.mark_published([Outgoing(s.id, 0, "greet", s.created_at, "") for s in kept])
    claims = await asyncio.gather(*(ledger.claim(s.id, 0, greeting_type()) for s in kept))
    await asyncio.gather(*(ledger.say_progress(claim, 40, "half") for claim in claims))
    await ledger.cancel_all([claim.task_id for claim in claims])
    await asyncio.gather(*(ledger.finish(claim, DEAD) for claim in claims))
    calls = Calls(url)
    dead = [Redrive(claim.task_id, 0) for claim in claims]
    assert len(await PostgresDesk(calls).redrive(dead)) == count
    calls.close()
    ledger.close()
    _, read = reads_of_tasks(postgres, database)
    assert 0 < read < 30 * count


def test_what_is_sent_to_postgres_leaves_at_once(postgres, url):
    port = int(url.rpartition(":")[2].partition("/")[0])
    with dial("127.0.0.1", port) as dialled:
        assert dialled.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
