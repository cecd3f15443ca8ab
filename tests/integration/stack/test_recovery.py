"""Any part may be killed; it comes back by itself, and with it what it kept."""

import os
import signal
import threading
import time

import pg8000.native
import psutil
import pytest
import redis

from tests.integration.stack.conftest import eventually, get


def kill(run, name: str) -> int:
    """SIGKILL to a part; its pid of before."""
    pid = run.state["pids"][name]
    os.kill(pid, signal.SIGKILL)
    return pid


def back(run, name: str, old: int) -> int:
    """The part's new pid, as soon as the state file has it."""

    def changed() -> int:
        pid = run.state["pids"][name]
        return pid if pid != old and psutil.pid_exists(pid) else 0

    return eventually(changed)


def database(run) -> pg8000.native.Connection:
    port = int(run.state["postgres"].rpartition(":")[2].partition("/")[0])
    return pg8000.native.Connection(
        "postgres", host="127.0.0.1", port=port, database="cloudtasker", timeout=5
    )


def test_a_killed_function_answers_again_within_a_second(start):
    run = start().ready()
    url = run.state["functions"]["noop"]
    old = kill(run, "noop")
    began = time.monotonic()

    # Not refused: the request waits in the socket's queue until the next process takes it.
    assert get(url)["pid"] not in (old, 0)

    assert time.monotonic() - began < 1
    assert "noop ended (signal SIGKILL); starting it again now" in run.text()


def test_a_function_that_keeps_dying_is_given_longer_pauses(start):
    run = start().ready()
    for _ in range(3):
        back(run, "noop", kill(run, "noop"))

    assert "starting it again in 0.5 s" in run.text()


def test_functions_come_back_when_the_zygote_is_killed(start):
    run = start().ready()
    functions = run.state["functions"]
    before = {name: get(url)["pid"] for name, url in functions.items()}

    back(run, "zygote", kill(run, "zygote"))

    after = {name: get(url, 20)["pid"] for name, url in functions.items()}
    assert not set(before.values()) & set(after.values())


def test_a_committed_row_is_there_after_postgres_was_killed(start):
    run = start().ready()
    connection = database(run)
    connection.run("SET synchronous_commit = on")
    connection.run("CREATE TABLE kept AS SELECT 42 AS answer")

    back(run, "postgres", kill(run, "postgres"))

    def rows() -> object:
        try:
            return database(run).run("SELECT answer FROM kept")
        except pg8000.exceptions.Error as error:  # still recovering
            raise OSError from error

    assert eventually(rows) == [[42]]


def test_valkey_comes_back_with_what_it_had_written(start):
    run = start().ready()
    client = redis.Redis.from_url(run.state["redis"], socket_timeout=5)
    client.set("kept", "yes")
    # everysec: wait until the append-only file has it.
    eventually(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)

    back(run, "redis", kill(run, "redis"))

    def value() -> object:
        try:
            return redis.Redis.from_url(run.state["redis"], socket_timeout=5).get("kept")
        except redis.RedisError as error:
            raise OSError from error

    assert eventually(value) == b"yes"


def test_the_emulator_comes_back_on_its_port(start):
    run = start().ready()

    back(run, "pubsub", kill(run, "pubsub"))

    assert eventually(lambda: get(f"{run.state['pubsub_http']}/oauth2/v3/certs"))["keys"]


@pytest.mark.parametrize("name", ["mail", "scheduler"])
def test_the_helpers_come_back(start, name):
    run = start().ready()

    back(run, name, kill(run, name))


def test_data_is_kept_between_runs_and_cleared_by_fresh(start):
    run = start().ready()
    database(run).run("CREATE TABLE kept AS SELECT 1 AS one")
    run.end()

    kept = start().ready()
    assert database(kept).run("SELECT one FROM kept") == [[1]]
    kept.end()

    fresh = start("--fresh").ready()
    assert database(fresh).run("SELECT to_regclass('kept')") == [[None]]


def test_a_running_request_may_end_while_a_function_is_reloaded(start, checkout):
    run = start().ready()
    url = run.state["functions"]["noop"]
    old = get(url)["pid"]
    answers: list[dict] = []
    slow = threading.Thread(target=lambda: answers.append(get(f"{url}?sleep=2", 10)))
    slow.start()

    main = checkout / "functions" / "noop" / "main.py"
    main.write_text(main.read_text().replace('"version": 1', '"version": 2'))
    eventually(lambda: get(url)["version"] == 2, limit_seconds=2)

    slow.join()
    assert answers == [{"function": "noop", "pid": old, "version": 1}]
