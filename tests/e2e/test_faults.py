"""What is killed, stopped or frozen loses nothing."""

import os
import signal
import time

import httpx
import pg8000.native
import pytest

from shared.adapters.pg_connection import connect_arguments
from tests.e2e.local_stack import eventually, local_stack
from tests.support.postgres import fresh_database

MANY = 1000


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


def test_a_killed_emulator_delivers_everything_that_waited(stack):
    """The function stands still, so that the messages wait in the emulator when it is killed. All
    are confirmed by then, so that the relay cannot stand in for what the emulator lost."""
    function, emulator = stack.pid_of("noop"), stack.pid_of("pubsub")
    os.kill(function, signal.SIGSTOP)
    try:
        stack.enqueue_all([noop("emulator-killed") for _ in range(MANY)])
        eventually(lambda: confirmed(stack, "emulator-killed") == MANY, 30, "all are confirmed")
        os.kill(emulator, signal.SIGKILL)
        eventually(lambda: stack.pid_of("pubsub") != emulator, 30, "the emulator is back")
        eventually(lambda: serves(stack), 30, "the emulator serves")
    finally:
        os.kill(function, signal.SIGCONT)
    eventually(
        lambda: stack.count("succeeded", "test:emulator-killed") == MANY, 120, "all have run"
    )


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
