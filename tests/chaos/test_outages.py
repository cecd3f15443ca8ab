"""Reliability lines R11, R12, R15, R24 and R18 on one stack that has a Postgres of its own."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import httpx
import psutil
import pytest

from tests.chaos.callers import Told, ask_again, ask_for
from tests.chaos.repeat import IS_LONG
from tests.chaos.soaking import SHORT, judged, soak
from tests.chaos.system import DATABASE, MARGIN, System, fresh, tasks
from tests.e2e.local_stack import LocalStack, eventually, local_stack
from tests.support.postgres import PostgresServer, fresh_database, postgres_server

PARTS = ("pubsub", "enqueue", "noop")


def processes_of(system: System) -> dict[str, psutil.Process]:
    return {part: psutil.Process(system.stack.pid_of(part)) for part in PARTS}


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("outages")
    overrides = folder / "overrides.yaml"
    # Longer together than the outage: else Pub/Sub gives up, and the ledger waits a minute more.
    least, most = (2, 60) if IS_LONG else (1, 4)
    overrides.write_text(f"noop: {{retry: {{min_seconds: {least}, max_seconds: {most}}}}}")
    with postgres_server(fsync="on") as postgres:
        environ = {
            "CLOUDTASKER_DATABASE_URL": fresh_database(postgres, DATABASE),
            "CLOUDTASKER_TASK_OVERRIDES": str(overrides),
        }
        with local_stack(folder, **environ) as stack:
            yield System(stack, postgres)


def assert_all_were_sent_away(told: list[Told]) -> None:
    slowest = max(one.seconds for one in told)
    print(f"{len(told)} answers, the slowest after {slowest:.2f} s")
    assert {one.status for one in told} == {503}
    assert all(int(one.retry_after or 0) >= 1 for one in told)
    assert slowest <= 2 * MARGIN


def assert_it_works_again(system: System, label: str, told: list[Told]) -> None:
    """Soon, and each key is one task, also where its 503 meant "maybe"."""
    rest, keys = system.stack.state["rest"], [one.key for one in told]
    back = ask_again(rest, label, keys, limit=10 * MARGIN)
    system.wait_for(label, len(keys), limit=10 * MARGIN)
    print(f"{len(keys)} repeats were accepted within {back:.2f} s of the return")
    assert system.rows(label) == len(keys)


def test_a_postgres_that_crashed_is_503_at_once_and_work_goes_on_after_it(system):
    """R11: an immediate stop, as a crash; no 202 while it is away."""
    label = fresh("crashed")
    system.stack.enqueue_all(tasks(f"{label}-before", 50, sleep_seconds=0.5))
    system.postgres.stop(signal.SIGQUIT)
    try:
        told = ask_for(system.stack.state["rest"], label, 30 if IS_LONG else 3)
    finally:
        system.postgres.start(fsync="on")
    assert_all_were_sent_away(told)
    assert_it_works_again(system, label, told)
    system.wait_for(f"{label}-before", 50, limit=120)


@contextmanager
def frozen(postgres: PostgresServer) -> Iterator[None]:
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


def test_a_frozen_postgres_is_503_in_time_and_piles_nothing_up(system):
    """R12: a black hole takes connections and says nothing; threads and memory stay bounded."""
    label = fresh("frozen")
    system.stack.enqueue_all(tasks(f"{label}-before", 50, sleep_seconds=0.5))
    parts = processes_of(system)
    before = {name: (one.memory_info().rss, one.num_threads()) for name, one in parts.items()}
    with frozen(system.postgres):
        told = ask_for(system.stack.state["rest"], label, 60 if IS_LONG else 4)
        after = {name: (one.memory_info().rss, one.num_threads()) for name, one in parts.items()}
    assert_all_were_sent_away(told)
    for name, (memory, threads) in after.items():
        print(f"{name}: {before[name]} -> {(memory, threads)} (bytes, threads)")
        assert memory <= 1.5 * before[name][0], name
        assert threads <= before[name][1] + 20, name
    assert_it_works_again(system, label, told)
    system.wait_for(f"{label}-before", 50, limit=120)


FILL_DISK = """
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON tasks EXECUTE FUNCTION fill()"""
EMPTY_DISK = "DROP FUNCTION fill CASCADE"


def test_a_full_disk_is_503_and_work_goes_on_without_help(system):
    """R14: Postgres reads on and refuses each write with its code for a full disk."""
    label = fresh("full")
    system.stack.enqueue_all(tasks(f"{label}-before", 20, sleep_seconds=0.5))
    system.postgres.run(FILL_DISK, DATABASE)
    try:
        told = ask_for(system.stack.state["rest"], label, 30 if IS_LONG else 2)
        assert system.rows(label) == 0
    finally:
        system.postgres.run(EMPTY_DISK, DATABASE)
    assert_all_were_sent_away(told)
    assert_it_works_again(system, label, told)
    system.wait_for(f"{label}-before", 20, limit=120)


class Publishes:
    """What the emulator was asked to publish for `noop`, counted by a subscription of its own."""

    def __init__(self, stack: LocalStack) -> None:
        self._http = stack.state["pubsub_http"]
        project = "projects/cloudtasker-local"
        self._name = f"{project}/subscriptions/{fresh('count')}"
        body = {"topic": f"{project}/topics/tasks-noop"}
        httpx.put(f"{self._http}/v1/{self._name}", json=body).raise_for_status()

    def fail_once(self, code: str, after: bool) -> None:
        """The next one, or its answer if `after`."""
        said = {"rpc": "Publish", "code": code, "after": after}
        httpx.post(f"{self._http}/_emulator/faults", json=said).raise_for_status()

    def read(self) -> tuple[int, int, int]:
        """Messages published, calls refused, and answers dropped."""
        state = httpx.get(f"{self._http}/_emulator/state").json()
        faults = httpx.get(f"{self._http}/_emulator/faults").json()["faults"]
        fired = [
            sum(f["fired"] for f in faults if f.get("after", False) is after)
            for after in (False, True)
        ]
        return state["subscriptions"][self._name]["unacked"], fired[0], fired[1]

    def close(self) -> None:
        httpx.delete(f"{self._http}/_emulator/faults").raise_for_status()
        httpx.delete(f"{self._http}/v1/{self._name}").raise_for_status()


def test_three_publishes_in_ten_that_fail_lose_nothing_and_cost_half_a_publish_more(system):
    """R15: refused, or done and not confirmed. Every task is published until Pub/Sub has it."""
    label, random, count = fresh("refused"), Random(3), 400 if IS_LONG else 60
    publishes = Publishes(system.stack)
    try:
        for _ in range(count):
            if random.random() < 0.3:
                code = random.choice(("UNAVAILABLE", "DEADLINE_EXCEEDED"))
                publishes.fail_once(code, after=random.random() < 0.5)
            system.stack.enqueue("noop", {}, labels={"test": label})
        system.wait_for(label, count, limit=60)
        published, refused, dropped = publishes.read()
    finally:
        publishes.close()
    print(f"{count} tasks: {published} published, {refused} refused, {dropped} answers dropped")
    assert refused + dropped >= 0.2 * count
    assert published >= count
    assert published + refused <= 1.5 * count
    assert system.rows(label) == count


def test_a_low_load_leaves_files_threads_and_memory_flat(system):
    """R24, for moments: `make soak` has the hours."""
    readings = soak(system.stack, seconds=60 if IS_LONG else 8, rate=20)
    for verdict in judged(readings, SHORT):
        print(verdict)
        assert verdict.flat, verdict


def test_a_backlog_takes_disk_and_no_memory(system):
    """R18: beyond the thousand that are delivered at once, what waits waits on disk.

    The parts have seen that thousand before, so that only what grows with the backlog shows. Last
    in this file: it leaves a backlog behind in `make test`.
    """
    label, parts, stack = fresh("backlog"), processes_of(system), system.stack
    warm, few, many = (20_000, 1_000, 100_000) if IS_LONG else (5_000, 1_000, 8_000)

    def highest_with(count: int, until: int) -> dict[str, int]:
        """The most memory of each part while so many come to wait, and then run."""
        seen = [{name: one.memory_info().rss for name, one in parts.items()}]
        parts["noop"].suspend()
        try:
            for _ in range(count // 1000):
                stack.enqueue_all(tasks(label, 1000))
        finally:
            parts["noop"].resume()

        def have_run() -> bool:
            seen.append({name: one.memory_info().rss for name, one in parts.items()})
            return system.rows(label, "succeeded") >= until

        eventually(have_run, 60 + count / 50, f"{until} have run")
        return {name: max(one[name] for one in seen) for name in parts}

    highest_with(warm, until=warm)
    before = highest_with(few, until=warm + few)
    after = highest_with(many, until=warm + few + (many if IS_LONG else few))
    for name, memory in after.items():
        print(f"{name}: {before[name] / 1e6:.0f} -> {memory / 1e6:.0f} MB with {many} waiting")
        assert memory <= 1.2 * before[name], name
    assert after["pubsub"] <= 150e6
