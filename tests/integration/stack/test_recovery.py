"""Any part may be killed; it comes back by itself, and with it what it kept."""

import os
import signal
import threading
import time

import pg8000.native
import psutil
import pytest
import redis

from tests.integration.stack.conftest import eventually, get, is_connected, write_function


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
        "postgres", host="127.0.0.1", port=port, database="cloudtasker", timeout=30
    )


@pytest.mark.alone
def test_a_killed_function_answers_again_at_once(running):
    url = running.state["functions"]["noop"]
    old = kill(running, "noop")
    began = time.monotonic()

    # Not refused: the request waits in the socket's queue until the next process takes it.
    assert get(url)["pid"] not in (old, 0)

    assert time.monotonic() - began < 3  # a second, on a machine with nothing else to do
    assert "noop ended (signal SIGKILL); starting it again now" in running.text()


def test_a_function_that_keeps_dying_is_given_longer_pauses(running):
    for _ in range(3):
        back(running, "dead_letter", kill(running, "dead_letter"))

    assert "dead_letter ended (signal SIGKILL); starting it again in 0.5 s" in running.text()


def test_functions_come_back_when_the_zygote_is_killed(running):
    functions = running.state["functions"]
    before = {name: get(url)["pid"] for name, url in functions.items()}

    back(running, "zygote", kill(running, "zygote"))

    after = {name: get(url)["pid"] for name, url in functions.items()}
    assert not set(before.values()) & set(after.values())


def test_a_committed_row_is_there_after_postgres_was_killed(running):
    connection = database(running)
    connection.run("SET synchronous_commit = on")
    connection.run("CREATE TABLE kept AS SELECT 42 AS answer")

    back(running, "postgres", kill(running, "postgres"))

    def rows() -> object:
        try:
            return database(running).run("SELECT answer FROM kept")
        except pg8000.exceptions.Error as error:  # still recovering
            raise OSError from error

    assert eventually(rows) == [[42]]


def test_valkey_comes_back_with_what_it_had_written(running):
    client = redis.Redis.from_url(running.state["redis"], socket_timeout=30)
    client.set("kept", "yes")
    # everysec: wait until the append-only file has it.
    eventually(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)

    back(running, "redis", kill(running, "redis"))

    def value() -> object:
        try:
            return redis.Redis.from_url(running.state["redis"], socket_timeout=30).get("kept")
        except redis.RedisError as error:
            raise OSError from error

    assert eventually(value) == b"yes"


def test_the_emulator_comes_back_on_its_port(running):

    back(running, "pubsub", kill(running, "pubsub"))

    assert eventually(lambda: get(f"{running.state['pubsub_http']}/oauth2/v3/certs"))["keys"]


@pytest.mark.parametrize("name", ["mail", "scheduler"])
def test_the_helpers_come_back(running, name):
    back(running, name, kill(running, name))


def test_data_is_kept_between_runs_and_cleared_by_fresh(start):
    run = start().ready()
    database(run).run("CREATE TABLE kept AS SELECT 1 AS one")
    run.end()

    kept = start().ready()
    assert database(kept).run("SELECT one FROM kept") == [[1]]
    kept.end()

    fresh = start("--fresh").ready()
    assert database(fresh).run("SELECT to_regclass('kept')") == [[None]]


def test_a_running_request_may_end_while_a_function_is_reloaded(running):
    url = running.state["functions"]["noop"]
    old = get(url)["pid"]
    answers: list[dict] = []
    slow = threading.Thread(target=lambda: answers.append(get(f"{url}?sleep=2")))
    slow.start()
    eventually(lambda: is_connected(url, [old]))

    write_function(running.root, "noop", version=2)
    eventually(lambda: get(url)["version"] == 2)

    slow.join()
    assert answers == [{"function": "noop", "pid": old, "version": 1}]
