import json
import os
from datetime import UTC, datetime

import pytest

from emulators.stack import state
from emulators.stack.errors import StackError
from emulators.stack.lock import RunLock
from emulators.stack.prepare import prepare
from emulators.stack.state import State

NOW = datetime(2026, 11, 24, 10, 2, tzinfo=UTC)
STATE = State("rest", "grpc", "pubsub", "pubsub_http", "mail", "postgres", "redis", "account")


def test_a_second_run_is_told_who_has_the_folder_and_since_when(tmp_path):
    lock = RunLock.acquire(tmp_path, NOW)

    with pytest.raises(StackError, match="CT103") as caught:
        RunLock.acquire(tmp_path, NOW)

    assert f"(pid {os.getpid()}, since 10:02)" in str(caught.value)
    lock.release()


def test_a_released_lock_leaves_nothing_stale(tmp_path):
    RunLock.acquire(tmp_path, NOW).release()

    again = RunLock.acquire(tmp_path, NOW)

    assert again.stale_pid is None
    again.release()


def test_a_lock_that_was_never_released_is_known_as_stale(tmp_path):
    os.close(RunLock.acquire(tmp_path, NOW).descriptor)  # as the kernel does when a run dies

    again = RunLock.acquire(tmp_path, NOW)

    assert again.stale_pid == os.getpid()
    again.release()


def test_a_stale_lock_is_told_and_removed(tmp_path):
    (tmp_path / "lock").write_text("3312 09:00\n")
    notes: list[str] = []

    prepare(tmp_path, fresh=False, note=notes.append).release()

    assert notes == [
        "CT104 The data folder is locked by pid 3312, which no longer runs it.\n"
        "Removing the stale lock and continuing."
    ]


def test_fresh_clears_the_data_and_nothing_else(tmp_path):
    for name in ("postgres", "valkey", "pubsub", "mine"):
        (tmp_path / name).mkdir()

    prepare(tmp_path, fresh=True, note=print).release()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "mine"]


def test_a_run_keeps_its_data_unless_told_otherwise(tmp_path):
    (tmp_path / "postgres").mkdir()

    prepare(tmp_path, fresh=False, note=print).release()

    assert (tmp_path / "postgres").exists()


def test_a_data_folder_that_is_a_file_is_an_error_with_a_fix(tmp_path):
    (tmp_path / "data").touch()

    with pytest.raises(StackError, match="CT105 The data folder") as caught:
        prepare(tmp_path / "data", fresh=False, note=print)

    assert str(caught.value).splitlines()[-1].startswith("Fix: choose another one with --data-dir")


def test_the_state_of_a_crashed_run_is_removed_before_the_next_is_ready(tmp_path):
    STATE.write(tmp_path)

    prepare(tmp_path, fresh=False, note=print).release()

    assert not (tmp_path / state.FILE_NAME).exists()


def test_the_state_file_has_exactly_the_documented_fields(tmp_path):
    STATE.write(tmp_path)

    assert set(json.loads((tmp_path / state.FILE_NAME).read_text())) == {
        "rest", "grpc", "pubsub", "pubsub_http", "mail", "postgres", "redis",
        "push_service_account", "functions", "pids", "processes",
    }  # fmt: skip


def test_only_its_owner_may_read_the_state_for_urls_hold_passwords(tmp_path):
    STATE.write(tmp_path)

    assert (tmp_path / state.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_writing_the_state_leaves_no_half_file_behind(tmp_path):
    STATE.write(tmp_path)
    STATE.write(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [state.FILE_NAME]
