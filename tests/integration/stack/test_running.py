"""The stack as a whole: starting, ending, dying, and being started wrongly."""

import contextlib
import os
import signal
import socket
import urllib.parse

import psutil
import pytest

from emulators.stack.parts import MOST_OUTSTANDING
from tests.integration.stack.conftest import (
    alive,
    endless_initdb,
    eventually,
    get,
    pids_of_initdb,
)
from tests.support.ports import free_port

STOP_SECONDS = 3 * 3  # a person's three; machines in tests are shared


def test_a_ready_run_has_every_address_and_process_in_its_state_file(running):
    state = running.state

    assert get(state["rest"])["function"] == "enqueue"
    assert get(state["functions"]["noop"])["function"] == "noop"
    assert get(f"{state['mail']}/messages") == []
    assert alive(set(state["pids"].values())) == set(state["pids"].values())
    assert set(state["pids"]) >= {"stack", "postgres", "redis", "pubsub", "mail", "scheduler"}


def test_ctrl_c_ends_everything_within_three_seconds_even_in_mid_request(start):
    run = start().ready()
    pids = run.pids()
    address = urllib.parse.urlsplit(run.state["functions"]["noop"])
    with socket.create_connection((address.hostname, address.port)) as busy:
        busy.sendall(b"GET /?sleep=30 HTTP/1.1\r\nHost: x\r\n\r\n")

        assert run.end(signal.SIGINT) < STOP_SECONDS

    assert run.process.returncode == 0
    assert alive(pids) == set()
    assert not (run.root / ".cloudtasker" / "state.json").exists()


def test_no_process_outlives_a_supervisor_that_was_killed(start):
    run = start().ready()
    pids = run.pids()
    assert len(pids) > 10

    run.end(signal.SIGKILL)

    eventually(lambda: not alive(pids))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_a_run_that_ends_while_it_makes_its_database(start, checkout, how):
    binaries = endless_initdb(checkout / "bin")
    run = start(environment={"CLOUDTASKER_PG_BIN": str(binaries)})
    pids = eventually(lambda: pids_of_initdb(run.data_dir), 60)

    assert run.end(how) < STOP_SECONDS

    eventually(lambda: not alive(pids))
    again = start().ready()
    assert get(again.state["rest"])["function"] == "enqueue"
    assert not list(run.data_dir.glob("postgres?*"))


def test_a_run_after_a_crash_says_so_and_finds_its_data(start):
    start().ready().end(signal.SIGKILL)

    again = start().ready()

    assert "CT104" in again.text()
    assert "Removing the stale lock and continuing." in again.text()


def test_a_second_run_on_the_same_folder_is_refused(start, running):
    second = start(root=running.root)

    assert second.process.wait(60) == 1
    assert f"CT103 This project is already running (pid {running.process.pid}" in second.text()
    assert second.text().splitlines()[-1].startswith("Fix: ")
    assert get(running.state["rest"])["function"] == "enqueue"


def test_the_emulator_is_told_how_many_deliveries_one_process_can_hold(running):
    words = psutil.Process(running.state["pids"]["pubsub"]).cmdline()

    assert words[words.index("--push-outstanding") + 1] == str(MOST_OUTSTANDING)


def test_a_port_that_was_asked_for_is_not_moved(start):
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]

        run = start("--rest-port", str(port))

        assert run.process.wait(60) == 1
        assert f"CT102 Port {port} is in use by" in run.text()
        assert f"(pid {os.getpid()})" in run.text()


def test_a_default_port_moves_and_the_state_file_says_where(start):
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # somebody else's server there serves as well
            held.enter_context(socket.create_server(("127.0.0.1", 5000)))
        run = start().ready()

    assert run.state["rest"] != "http://127.0.0.1:5000"
    assert get(run.state["rest"])["function"] == "enqueue"
    assert "note: 5000 is in use by" in run.text()


def test_a_data_folder_that_cannot_be_written_is_named(start, checkout, as_nobody):
    run = start(command=as_nobody)

    assert run.process.wait(60) == 1
    assert f"CT105 The data folder {checkout}/.cloudtasker cannot be written" in run.text()


def test_it_runs_as_a_normal_user(start, checkout, as_nobody):
    os.chown(checkout, 65534, 65534)

    state = start(command=as_nobody).ready().state

    assert {psutil.Process(pid).uids().real for pid in state["pids"].values()} == {65534}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has the problem")
def test_it_runs_as_root_below_a_folder_that_others_may_not_enter(start, checkout):
    checkout.chmod(0o700)

    run = start().ready()

    assert get(run.state["rest"])["function"] == "enqueue"
    assert not (checkout / ".cloudtasker" / "postgres").is_symlink()
    pids = run.pids()
    run.end(signal.SIGKILL)
    eventually(lambda: not alive(pids))


def test_postgres_missing_is_said_with_the_places_and_the_fix(start, tmp_path):
    run = start(environment={"CLOUDTASKER_PG_BIN": str(tmp_path)})

    assert run.process.wait(60) == 1
    assert "CT101 PostgreSQL was not found." in run.text()
    assert "Fix: install it" in run.text().splitlines()[-1]


def test_servers_of_the_user_are_used_and_not_started(start, checkout, running):
    other = running.state
    theirs = {
        "CLOUDTASKER_DATABASE_URL": other["postgres"],
        "CLOUDTASKER_REDIS_URL": other["redis"],
        "PUBSUB_EMULATOR_HOST": other["pubsub"],
        "CLOUDTASKER_PUSH_ISSUER_KEYS_URL": f"{other['pubsub_http']}/oauth2/v3/certs",
    }

    run = start("--data-dir", str(checkout / "mine"), environment=theirs).ready()

    assert not {"postgres", "redis", "pubsub"} & set(run.state["pids"])
    assert {run.state[name] == other[name] for name in ("postgres", "redis", "pubsub")} == {True}
    assert "yours" in run.text()
