"""What the status file of Postgres means, also the one that a killed server left behind."""

import pytest

from emulators.stack import postgres as module
from emulators.stack.placement import Placement
from emulators.stack.postgres import Postgres

PID = 4121


@pytest.fixture
def postgres(tmp_path):
    return Postgres(Placement(tmp_path, tmp_path, None), 15432, print)


def write(tmp_path, pid: int, status: str) -> None:
    lines = [str(pid), str(tmp_path), "1795491903", "15432", "", "127.0.0.1", "0 0", status]
    (tmp_path / "postmaster.pid").write_text("\n".join(lines) + "\n")


def test_it_is_ready_when_its_own_file_says_so(postgres, tmp_path):
    write(tmp_path, PID, "ready   ")

    assert postgres._is_ready(PID)


def test_the_file_of_a_killed_server_still_says_ready_and_is_not_believed(postgres, tmp_path):
    write(tmp_path, PID, "ready   ")

    assert not postgres._is_ready(PID + 1)


def test_a_server_that_is_starting_or_has_written_nothing_yet_is_not_ready(postgres, tmp_path):
    assert not postgres._is_ready(PID)
    write(tmp_path, PID, "starting")
    assert not postgres._is_ready(PID)
    (tmp_path / "postmaster.pid").write_text(f"{PID}\n")
    assert not postgres._is_ready(PID)


def test_one_that_stops_is_told_from_one_that_serves(postgres, tmp_path):
    write(tmp_path, PID, "ready   ")
    assert not postgres._is_stopping()

    write(tmp_path, PID, "stopping")
    assert postgres._is_stopping()


@pytest.mark.parametrize(("status", "is_orphan"), [("stopping", False), ("ready   ", True)])
async def test_only_one_that_stops_is_given_time_to_write_what_it_has(
    postgres, tmp_path, monkeypatch, status, is_orphan
):
    write(tmp_path, PID, status)
    looks = iter([True, True, False])
    monkeypatch.setattr(Postgres, "_serves", lambda *_: next(looks))
    monkeypatch.setattr(module, "_ORPHAN_LIMIT_SECONDS", 0)

    assert await postgres._is_orphan(PID) is is_orphan
