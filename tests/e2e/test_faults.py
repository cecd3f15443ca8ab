"""What is killed, stopped or frozen loses nothing."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pg8000.native
import pytest
import redis

from shared.adapters.pg_connection import connect_arguments
from tests.chaos.repeat import IS_LONG
from tests.e2e.local_stack import eventually, local_stack
from tests.support.postgres import fresh_database

MANY = 10_000 if IS_LONG else 1000
REPLAY_SECONDS = 2
"""How long a killed emulator takes to serve a backlog again."""


def noop(label: str, **payload) -> dict:
    return {"task_type": "noop", "payload": payload, "labels": {"test": label}}


def test_a_task_whose_function_is_killed_finishes_once_it_is_back(stack):
    task_id = stack.enqueue("noop", {"sleep_seconds": 2, "result": "done"})
    stack.wait(task_id, "running")
    victim = stack.pid_of("noop")
    os.kill(victim, signal.SIGKILL)
    task = stack.wait(task_id, limit=90)
    assert [a["outcome"] for a in task["attempts"]] == ["abandoned", "succeeded"]
    assert task["result"]["attempt"] == 2
    assert stack.pid_of("noop") != victim


def confirmed(stack, label: str) -> int:
    """How many tasks of a label the relay will not publish again: Pub/Sub has their messages."""
    connection = pg8000.native.Connection(**connect_arguments(stack.state["postgres"]))
    try:
        [[count]] = connection.run(
            "SELECT count(*) FROM tasks WHERE labels->>'test' = :label AND state = 'queued' "
            "AND published_at IS NOT NULL AND due_at IS NULL",
            label=label,
        )
    finally:
        connection.close()
    return count


def serves(stack) -> bool:
    """Whether the emulator answers: a function that has no key yet asks it for one."""
    try:
        health = httpx.get(f"{stack.state['pubsub_http']}/_emulator/health", timeout=5)
    except httpx.TransportError:
        return False
    return health.status_code == 200


@pytest.mark.alone
def test_a_killed_emulator_delivers_everything_that_waited(stack):
    """The function stands still, so that the messages wait in the emulator when it is killed. All
    are confirmed by then, so that the relay cannot stand in for what the emulator lost."""
    function, emulator = stack.pid_of("noop"), stack.pid_of("pubsub")
    label = f"emulator-killed-{time.time_ns()}"
    os.kill(function, signal.SIGSTOP)
    try:
        for _ in range(MANY // 1000):
            stack.enqueue_all([noop(label) for _ in range(1000)])
        eventually(lambda: confirmed(stack, label) == MANY, 60, "all are confirmed")
        os.kill(emulator, signal.SIGKILL)
        killed = time.monotonic()
        eventually(lambda: stack.pid_of("pubsub") != emulator, 60, "the emulator is back")
        eventually(lambda: serves(stack), 60, "the emulator serves")
        took = time.monotonic() - killed
    finally:
        os.kill(function, signal.SIGCONT)
    print(f"the emulator served {MANY} messages again {took:.2f} s after it was killed")
    assert took <= 3 * REPLAY_SECONDS
    eventually(lambda: stack.count("succeeded", f"test:{label}") == MANY, 180, "all have run")


def test_a_frozen_redis_stops_neither_enqueue_nor_processing(stack):
    cache = stack.pid_of("redis")
    os.kill(cache, signal.SIGSTOP)
    try:
        ids = [
            stack.enqueue("noop", {"result": n}, idempotency_key=f"frozen-{time.time_ns()}")
            for n in range(5)
        ]
        for task_id in ids:
            stack.wait(task_id)
    finally:
        os.kill(cache, signal.SIGCONT)


def slowest_of(stack, count: int, share: float) -> float:
    """The seconds that this share of single enqueues, one after another, do not exceed."""
    took = []
    with httpx.Client(base_url=stack.state["rest"], timeout=30) as client:
        for n in range(count):
            body = {**noop("p99"), "idempotency_key": f"p99-{time.time_ns()}-{n}"}
            began = time.monotonic()
            assert client.post("/enqueue-task", json=body).status_code == 202
            took.append(time.monotonic() - began)
    return sorted(took)[int(count * share)]


@contextmanager
def frozen_cache(stack) -> Iterator[None]:
    cache = stack.pid_of("redis")
    os.kill(cache, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(cache, signal.SIGCONT)


@contextmanager
def full_cache(stack) -> Iterator[None]:
    client = redis.Redis.from_url(stack.state["redis"])
    client.config_set("maxmemory", 1)
    client.config_set("maxmemory-policy", "noeviction")
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


@pytest.mark.alone
@pytest.mark.parametrize("trouble", [frozen_cache, full_cache])
def test_enqueue_is_hardly_slower_while_redis_is_away(stack, trouble):
    """Beside calm in the same run: p99 twice as long at most. Where the machine has other work and
    there is no time for many, the median and a wide margin."""
    count, rounds, share = (1000, 3, 0.99) if IS_LONG else (100, 1, 0.5)
    slowest_of(stack, 50, share)
    calm, away = [], []
    for _ in range(rounds):
        calm.append(slowest_of(stack, count, share))
        with trouble(stack):
            away.append(slowest_of(stack, count, share))
    print(f"{share:.0%} of enqueues: {min(calm) * 1e3:.1f} ms, {min(away) * 1e3:.1f} ms so")
    assert min(away) <= (2 if IS_LONG else 4) * min(calm) + 0.005


@pytest.fixture(scope="module")
def database(postgres):
    return fresh_database(postgres, "faults")


def test_postgres_away_for_twenty_seconds_loses_nothing(postgres, database, tmp_path):
    overrides = tmp_path / "overrides.yaml"
    # Longer together than the outage: else Pub/Sub gives up, and the ledger waits a minute more.
    overrides.write_text("noop: {retry: {min_seconds: 4, max_seconds: 10}}")
    environ = {
        "CLOUDTASKER_DATABASE_URL": database,
        "CLOUDTASKER_TASK_OVERRIDES": str(overrides),
    }
    with local_stack(tmp_path, **environ) as stack:
        assert stack.state["postgres"] == database
        accepted = stack.enqueue_all([noop("outage", sleep_seconds=1) for _ in range(50)])
        postgres.stop()
        refused = []
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end:
                answer = httpx.post(
                    f"{stack.state['rest']}/enqueue-task", json=noop("outage"), timeout=30
                )
                refused.append(answer)
                time.sleep(0.5)
        finally:
            postgres.start()
        assert {answer.status_code for answer in refused} == {503}
        assert all(answer.headers["retry-after"] for answer in refused)
        accepted.append(stack.enqueue("noop", {}, labels={"test": "outage"}))
        for task_id in accepted:
            stack.wait(task_id, limit=120)
        assert stack.count("dead", "test:outage") == 0
        assert stack.count("succeeded", "test:outage") == len(accepted)
