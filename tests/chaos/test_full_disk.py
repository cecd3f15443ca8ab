"""Reliability line R14: disks that are really full, of Postgres' data, of its log and of the
emulator's messages. Each is a small tmpfs."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.chaos.callers import ask_again, ask_for
from tests.chaos.repeat import IS_LONG
from tests.chaos.small_disk import CannotMount, SmallDisk, small_disk
from tests.chaos.system import DATABASE, MARGIN, System, fresh, tasks
from tests.e2e.local_stack import LocalStack, eventually
from tests.support.postgres import PostgresServer, fresh_database

SECONDS = 30 if IS_LONG else 2
SETTINGS = {"fsync": "on", "max_wal_size": "16MB", "min_wal_size": "2MB"}
MEGABYTES = {"data": 200, "log": 160, "pubsub": 48}


@dataclass(frozen=True)
class FullSystem(System):
    """The stack, its Postgres, and the small disks below them by what is on each."""

    disks: dict[str, SmallDisk]


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Iterator[FullSystem]:
    folder: Path = tmp_path_factory.mktemp("full")
    for above in (folder, *folder.parents[:-2]):
        above.chmod(above.stat().st_mode | 0o011)  # Postgres may be another user
    with ExitStack() as running:
        try:
            disks = {
                name: running.enter_context(small_disk(folder / place, MEGABYTES[name]))
                for name, place in (("data", "data"), ("log", "log"), ("pubsub", "state/pubsub"))
            }
        except CannotMount as reason:
            pytest.skip(f"no small disk can be mounted here ({reason}); test_outages has R14 still")
        wal = disks["log"].folder / "wal"
        wal.mkdir()
        postgres = PostgresServer(disks["data"].folder, wal)
        postgres.start(**SETTINGS)
        running.callback(postgres.stop)
        url = fresh_database(postgres, DATABASE)
        stack = LocalStack(folder, environ={"CLOUDTASKER_DATABASE_URL": url})
        running.callback(stack.stop)
        stack.start()
        yield FullSystem(stack, postgres, disks)


def fill_until_refused(system: FullSystem, label: str) -> int:
    """Fill what is left in pages and files of Postgres; how many batches were taken."""
    url, taken = f"{system.stack.state['rest']}/enqueue-tasks", 0
    batch = {"tasks": tasks(label, 200, result="x" * 1000)}
    while httpx.post(url, json=batch, timeout=30).status_code == 202:
        taken += 1
    return taken


def bring_back(postgres: PostgresServer) -> None:
    """Whoever runs a database starts it again when it has ended by itself."""

    def is_back() -> bool:
        if not postgres.runs:
            print("postgres had ended by itself")
            # Refused while a process of the one that ended still holds its memory: tried again.
            with suppress(RuntimeError):
                postgres.start(**SETTINGS)
        return postgres.answers()

    eventually(is_back, 10 * MARGIN, "postgres is back")


@pytest.mark.parametrize("which", ["data", "log"])
def test_a_full_disk_of_postgres_is_503_and_work_goes_on_without_help(system, which):
    label, rest = fresh(which), system.stack.state["rest"]
    system.stack.enqueue_all(tasks(f"{label}-before", 20, sleep_seconds=0.5))
    system.disks[which].fill()
    try:
        batches = fill_until_refused(system, f"{label}-filling")
        told = ask_for(rest, label, SECONDS)
    finally:
        system.disks[which].empty()
        bring_back(system.postgres)
    refused = [one for one in told if one.status == 503]
    slowest = max(one.seconds for one in told)
    print(
        f"{batches} batches fitted; {len(refused)} of {len(told)} refused, at most {slowest:.2f} s"
    )
    assert {one.status for one in told} <= {202, 503}
    assert len(refused) >= 0.9 * len(told)  # a page may have had room for one more
    assert all(int(one.retry_after or 0) >= 1 for one in refused)
    assert slowest <= 2 * MARGIN
    back = ask_again(rest, label, [one.key for one in told], limit=10 * MARGIN)
    system.wait_for(label, len(told), limit=20 * MARGIN)
    system.wait_for(f"{label}-before", 20, limit=120)
    print(f"{len(told)} repeats were accepted within {back:.2f} s of the room")
    assert system.rows(label) == len(told)
    assert system.rows(f"{label}-filling") == 200 * batches


def test_a_full_disk_of_the_emulator_loses_nothing_and_work_goes_on_without_help(system):
    """Its publishes fail, the rows wait for the relay, and the callers have their 202."""
    label = fresh("emulator")
    disk = system.disks["pubsub"]
    disk.fill()
    try:
        while unconfirmed(system, label) == 0:  # what it had preallocated is full
            system.stack.enqueue_all(tasks(label, 100))
        waiting = system.stack.enqueue_all(tasks(label, 100))
    finally:
        disk.empty()
    total = system.rows(label)
    eventually(lambda: system.rows(label, "succeeded") == total, 20 * MARGIN, f"{total} have run")
    print(f"{total} tasks were taken, {len(waiting)} of them with the disk full")


def unconfirmed(system: FullSystem, label: str) -> int:
    where = f"labels->>'test' = '{label}' AND published_at IS NULL"
    return int(
        str(system.postgres.run(f"SELECT count(*) FROM tasks WHERE {where}", DATABASE)[0][0])
    )
