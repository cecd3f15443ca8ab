"""Dead letters, bulk operations, pauses and limits on the real path."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from math import hypot
from statistics import mean, stdev

import httpx
import pg8000.native
import pytest
import redis

from shared.adapters.pg_connection import connect_arguments
from shared.adapters.redis_connection import MOST_AWAY_SECONDS
from tests.chaos.repeat import IS_LONG
from tests.e2e.local_stack import LocalStack, eventually, local_stack
from tests.e2e.test_failures import held

OVERRIDES = """
noop:
  max_attempts: 5
  ordering: true
  max_concurrent_per_key: 1
  retry: {by: pubsub, min_seconds: 0.3, max_seconds: 2}
"""
KEYS, EACH = 100, 10 if IS_LONG else 3
ROUNDS = 8


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "overrides.yaml").write_text(OVERRIDES)
    environ = {"CLOUDTASKER_TASK_OVERRIDES": str(folder / "overrides.yaml")}
    with local_stack(folder, **environ) as running:
        yield running


@pytest.fixture(autouse=True)
def emulator_variable():
    yield
    os.environ.pop("PUBSUB_EMULATOR_HOST", None)


def sql(stack, statement: str, **values):
    connection = pg8000.native.Connection(**connect_arguments(stack.state["postgres"]))
    try:
        return connection.run(statement, **values)
    finally:
        connection.close()


def queue(stack) -> dict:
    return httpx.get(f"{stack.state['rest']}/queues/noop", timeout=30).json()


def test_a_task_that_died_is_one_dead_letter_and_works_after_its_redrive(stack):
    task_id = stack.enqueue("noop", {"fail_times": 100})
    dead = stack.wait(task_id, "dead", limit=60)
    assert [a["outcome"] for a in dead["attempts"]] == ["failed"] * 5

    retried = stack.cli("tasks", "retry", task_id, "--json", '{"result": "mended"}')
    assert retried.returncode == 0, retried.stderr
    done = stack.wait(task_id)

    assert (done["generation"], done["result"]["result"]) == (1, "mended")
    assert [a["generation"] for a in done["attempts"]] == [0] * 5 + [1]
    letters = []
    eventually(lambda: letters.extend(held(stack, "noop", task_id)) or letters, 60, "a dead letter")
    assert len(letters + held(stack, "noop", task_id)) == 1


def test_a_bulk_redrive_survives_the_death_of_its_relay(stack):
    ids = [stack.enqueue("noop", {"reject": True}, labels={"bulk": "a"}) for _ in range(20)]
    for task_id in ids:
        stack.wait(task_id, "dead")

    begun = stack.cli(
        "dlq", "redrive", "--label", "bulk=a", "--rate", "5", "--yes", "--detach", "-o", "json"
    )
    assert begun.returncode == 0, begun.stderr
    relay = stack.pid_of("relay")
    os.kill(relay, signal.SIGKILL)
    operation_id = httpx.get(f"{stack.state['rest']}/operations").json()["operations"][0][
        "operation_id"
    ]
    watched = stack.cli("ops", "watch", operation_id)

    assert watched.returncode == 0, watched.stderr
    assert "Done: 20 redriven, 0 skipped, 0 failed." in watched.stderr
    assert {stack.task(task_id)["generation"] for task_id in ids} == {1}


@contextmanager
def fault(stack, **said) -> Iterator[None]:
    url = f"{stack.state['pubsub_http']}/_emulator/faults"
    assert httpx.post(url, json=said).status_code == 200
    try:
        yield
    finally:
        httpx.delete(url)


def test_a_dead_letter_that_may_not_be_published_waits_and_its_row_has_the_reason(stack):
    task_id = stack.enqueue("noop", {"sleep_seconds": 1, "reject": True})
    stack.wait(task_id, "running")
    waiting = "SELECT count(*) FROM dead_letter_copies WHERE task_id = CAST(:id AS uuid)"
    with fault(stack, rpc="Publish", code="PERMISSION_DENIED", times=None):
        dead = stack.wait(task_id, "dead")
        time.sleep(2)  # two rounds of the relay
        assert dead["error"]["kind"] == "RejectTask"
        assert sql(stack, waiting, id=task_id) == [[1]]
    sql(stack, "UPDATE dead_letter_copies SET due_at = now()")

    letters = []
    eventually(lambda: letters.extend(held(stack, "noop", task_id)) or letters, 60, "a dead letter")
    eventually(lambda: sql(stack, waiting, id=task_id) == [[0]], 60, "it waits no more")


def test_a_paused_type_runs_nothing_spends_nothing_and_brings_all_back(stack):
    assert stack.cli("queues", "pause", "noop", "--reason", "a test").returncode == 0
    try:
        ids = [stack.enqueue("noop", {"result": n}) for n in range(30)]
        eventually(lambda: queue(stack)["held"] == 30, 60, "all are held")
        before = [stack.task(task_id) for task_id in ids]
        assert {(t["state"], t["attempt"], t["due_at"]) for t in before} == {("scheduled", 0, None)}
    finally:
        assert stack.cli("queues", "resume", "noop").returncode == 0
    done = [stack.wait(task_id) for task_id in ids]
    assert {len(task["attempts"]) for task in done} == {1}
    assert queue(stack)["held"] == 0


def ends(stack, ids) -> list[datetime]:
    """When the tasks finished, once each has run once: waiting for a turn is no attempt."""
    done = [stack.wait(task_id, limit=90) for task_id in ids]
    assert {len(task["attempts"]) for task in done} == {1}
    return sorted(datetime.fromisoformat(task["finished_at"]) for task in done)


def test_a_lost_redis_loses_no_task_and_limits_hold_again(stack):
    """Flushed, killed, and full: Postgres decides meanwhile."""
    many = {"task_type": "noop", "payload": {"sleep_seconds": 0.1}, "concurrency_key": "one"}
    ids = stack.enqueue_all([many] * 10)
    port = int(stack.state["redis"].rpartition(":")[2].partition("/")[0])
    client = redis.Redis(port=port)
    eventually(lambda: client.keys("*slots*"), 60, "the turns are kept in Redis")
    client.flushall()
    os.kill(stack.pid_of("redis"), signal.SIGKILL)
    ids += stack.enqueue_all([many] * 5)
    ends(stack, ids)

    eventually(lambda: _pings(client), 60, "redis is back")
    client.config_set("maxmemory", 1)
    client.config_set("maxmemory-policy", "noeviction")
    try:
        ends(stack, stack.enqueue_all([many] * 3))
    finally:
        client.config_set("maxmemory", 0)
    time.sleep(MOST_AWAY_SECONDS + 0.5)  # so long a Redis that failed is left alone at most
    calm = ends(stack, stack.enqueue_all([many] * 5))
    apart = [(b - a).total_seconds() for a, b in pairwise(calm)]
    assert min(apart) > 0.09  # each had the slot for 0.1 s


def _pings(client) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def seconds_of(stack, label: str, count: int) -> float:
    """From the first task's arrival to when 95 % of all of a label had succeeded."""
    done = (
        "SELECT finished_at FROM tasks WHERE labels->>'poison' = :label AND state = 'succeeded' "
        "ORDER BY finished_at OFFSET :most LIMIT 1"
    )
    began = "(SELECT min(created_at) FROM tasks WHERE labels->>'poison' = :label)"
    asked = f"SELECT extract(epoch FROM finished_at - {began})::float8 FROM ({done}) d"
    most = int(count * 0.95) - 1
    [[took]] = eventually(lambda: sql(stack, asked, label=label, most=most), 60, f"95 % of {label}")
    return float(took)


def one_each(label: str, **payload) -> list[dict]:
    """A task for each key but the first, so many times that a rate can be told."""
    one = {"task_type": "noop", "payload": payload, "labels": {"poison": label}}
    return [{**one, "ordering_key": f"key-{key}"} for _ in range(EACH) for key in range(1, KEYS)]


def alone(stack) -> float:
    label = f"alone-{time.time_ns()}"
    good = one_each(label)
    stack.enqueue_all(good)
    return seconds_of(stack, label, len(good))


def beside_poison(stack) -> float:
    """The same beside a key of which every task fails; it is still at it, and is stopped then."""
    label = f"beside-{time.time_ns()}"
    good = one_each(label)
    bad = {"task_type": "noop", "payload": {"fail_times": 100}, "ordering_key": "key-0"}
    ids = stack.enqueue_all([*[bad] * EACH, *good])[:EACH]
    took = seconds_of(stack, label, len(good))
    assert [stack.task(one)["state"] for one in ids].count("dead") < EACH
    for one in ids:
        httpx.post(f"{stack.state['rest']}/tasks/{one}/cancel", timeout=30)
    ended = {"cancelled", "dead"}
    eventually(lambda: {stack.task(one)["state"] for one in ids} <= ended, 60, "it is stopped")
    return took


def share_of_their_rate(stack) -> tuple[float, float]:
    """What the others keep beside the poison, and twice the error that the spread leaves in it."""
    calm, beside = [], []
    for n in range(ROUNDS):
        if n % 2:  # who comes second has the larger table
            calm.append(alone(stack))
        beside.append(beside_poison(stack))
        if n % 2 == 0:
            calm.append(alone(stack))
    share = mean(calm) / mean(beside)
    unsure = 2 * hypot(stdev(calm), stdev(beside)) / ROUNDS**0.5 / mean(calm)
    print(f"{calm} s alone, {beside} s beside: {share:.0%} of the rate, give or take {unsure:.0%}")
    return share, unsure


def test_a_poison_ordering_key_keeps_no_other_key_waiting(stack):
    """One key in a hundred fails always; the others end while it is still at it. In a long run,
    which has the machine for itself, they also keep 95 % of their rate."""
    beside_poison(stack)
    if IS_LONG:
        share, unsure = share_of_their_rate(stack)
        assert share >= 0.95 - unsure
