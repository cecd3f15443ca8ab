"""Group commit: what waits goes together, one bad item fails alone, faults are "maybe"."""

import asyncio
import signal
import threading
import time

import pg8000.native
import pytest

from shared.adapters.batcher import MAX_BATCH, Batcher, Standing, Statement
from shared.adapters.pg_calls import Calls
from shared.domain.errors import LedgerUnavailable
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer, postgres_server

DOUBLE = Statement(
    "double",
    "SELECT n, v * 2 FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, v int)",
    ("twice",),
)
COUNT = Statement(
    "count",
    "SELECT n, count(*) OVER () FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, v int)",
    ("together",),
)
GATE = 4711
HELD_UP = Statement(
    "held_up",
    f"SELECT n, pg_advisory_lock({GATE})::text "
    "FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, v int)",
    ("said",),
)
ODD_ONLY = Statement(
    "odd_only",
    "SELECT n, v FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, v int) WHERE v % 2 = 1",
    ("v",),
)
DIVIDE = Statement(
    "divide",
    "SELECT n, 1 / v FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, v int)",
    ("part",),
)


@pytest.fixture
def batcher(postgres: PostgresServer):
    made = Batcher(postgres.url)
    yield made
    made.close()


@pytest.fixture
async def commit_under_way(batcher, postgres: PostgresServer):
    """A commit that does not end before the test calls this, and it has begun."""
    with pg8000.native.Connection(
        "postgres", host="127.0.0.1", port=postgres.port, database="postgres"
    ) as gate:
        gate.run(f"SELECT pg_advisory_lock({GATE})")
        first = asyncio.ensure_future(batcher.run_one(HELD_UP, {"v": 1}))
        async with asyncio.timeout(20):
            while True:
                if gate.run("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                    break
                await asyncio.sleep(0.01)

        async def end():
            await asyncio.sleep(0)  # what was begun before is waiting now
            gate.run(f"SELECT pg_advisory_unlock({GATE})")
            await first

        yield end


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT], ids=["crash", "fast"])
async def test_after_a_restart_of_postgres_the_first_caller_is_served(how):
    with postgres_server() as server:
        batcher, calls = Batcher(server.url), Calls(server.url)
        await batcher.run_one(DOUBLE, {"v": 1})
        await calls.run("SELECT 1")
        server.stop(how)
        server.start()

        row = await batcher.run_one(DOUBLE, {"v": 2})
        rows = await calls.run("SELECT 2")
        batcher.close()
        calls.close()

    assert (row, rows) == ({"twice": 4}, [[2]])


async def test_items_get_their_own_rows_in_order(batcher):
    rows = await batcher.run(DOUBLE, [{"v": v} for v in range(5)])
    assert [row["twice"] for row in rows] == [0, 2, 4, 6, 8]


async def test_an_item_without_a_row_gets_nothing(batcher):
    assert await batcher.run(ODD_ONLY, [{"v": 2}, {"v": 3}]) == [None, {"v": 3}]


async def test_what_arrives_during_a_commit_goes_together_in_the_next(batcher, commit_under_way):
    rows = asyncio.gather(*(batcher.run_one(COUNT, {"v": v}) for v in range(20)))
    await commit_under_way()
    assert {row["together"] for row in await rows} == {20}


async def test_a_batch_has_a_bounded_size(batcher, commit_under_way):
    rows = asyncio.gather(*(batcher.run_one(COUNT, {"v": v}) for v in range(MAX_BATCH + 5)))
    await commit_under_way()
    assert {row["together"] for row in await rows} == {MAX_BATCH, 5}


async def test_what_nobody_waits_for_any_more_is_not_done(batcher, commit_under_way):
    given_up = asyncio.ensure_future(batcher.run_one(COUNT, {"v": 1}))
    waiting = asyncio.ensure_future(batcher.run_one(COUNT, {"v": 2}))
    await asyncio.sleep(0)
    given_up.cancel()
    await commit_under_way()
    assert await waiting == {"together": 1}


async def test_one_bad_item_fails_alone(batcher, commit_under_way):
    answers = asyncio.gather(
        *(batcher.run_one(DIVIDE, {"v": v}) for v in (1, 0, 1)), return_exceptions=True
    )
    await commit_under_way()
    rows = await answers
    assert [isinstance(row, Exception) for row in rows] == [False, True, False]
    assert not isinstance(rows[1], LedgerUnavailable)


async def test_nobody_listening_is_unavailable_and_the_next_call_tries_again(postgres):
    unreachable = Batcher(f"postgresql+pg8000://postgres@127.0.0.1:{free_port()}/postgres")
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            await unreachable.run_one(DOUBLE, {"v": 1})
    unreachable.close()


async def test_an_idle_connection_that_was_cut_costs_no_caller_anything(batcher, postgres):
    await batcher.run_one(DOUBLE, {"v": 1})
    _cut(postgres)

    assert await batcher.run_one(DOUBLE, {"v": 4}) == {"twice": 8}


async def test_a_statement_that_was_cut_is_unavailable_once(batcher, postgres, commit_under_way):
    second = asyncio.ensure_future(batcher.run_one(DOUBLE, {"v": 4}))
    _cut(postgres)

    with pytest.raises(LedgerUnavailable):
        await commit_under_way()
    assert await second == {"twice": 8}


def _cut(postgres: PostgresServer) -> None:
    """End the batcher's connection at the server, and wait until it has ended."""
    mine = "FROM pg_stat_activity WHERE application_name = 'cloudtasker'"
    postgres.run(f"SELECT pg_terminate_backend(pid) {mine}")
    while postgres.run(f"SELECT 1 {mine}"):
        time.sleep(0.01)


async def test_held_items_are_repeated_by_the_thread_even_when_the_loop_is_blocked(postgres):
    postgres.run("CREATE TABLE beats (v int)")
    beat = Statement(
        "beat",
        "INSERT INTO beats "
        "SELECT v FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, v int)",
    )
    batcher = Batcher(postgres.url, standing=[Standing(beat, 0.05)])
    batcher.hold("a", {"v": 1}, until=time.monotonic() + 60)
    batcher.hold("over", {"v": 2}, until=time.monotonic())
    deadline = time.monotonic() + 10
    while postgres.run("SELECT count(*) FROM beats")[0][0] < 3 and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: ASYNC251 - the loop is to be blocked
    batcher.let_go("a")
    batcher.let_go("over")
    assert postgres.run("SELECT DISTINCT v FROM beats") == [[1]]
    assert postgres.run("SELECT count(*) FROM beats")[0][0] >= 3
    batcher.close()
    assert not [
        t for t in threading.enumerate() if t.name == "group-commit" and t is batcher._thread
    ]


@pytest.mark.parametrize(
    ("code", "tries"), [("40P01", 3), ("40001", 3), ("22012", 1)], ids=["deadlock", "race", "bad"]
)
async def test_only_what_may_go_well_the_next_time_is_tried_again(batcher, postgres, code, tries):
    """The counter is a sequence: it counts tries that were rolled back too."""
    postgres.run(f"CREATE SEQUENCE tries_{code}")
    postgres.run(
        f"CREATE FUNCTION fail_{code}() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('tries_{code}') < 3 THEN RAISE EXCEPTION USING errcode = '{code}'; END IF; "
        "RETURN 7; END $$"
    )
    statement = Statement(
        code,
        f"SELECT n, fail_{code}() "
        "FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS a(n int, v int)",
        ("said",),
    )
    if tries == 1:
        with pytest.raises(pg8000.native.DatabaseError):
            await batcher.run_one(statement, {"v": 1})
    else:
        assert await batcher.run_one(statement, {"v": 1}) == {"said": 7}
    assert postgres.run(f"SELECT last_value FROM tries_{code}") == [[tries]]
