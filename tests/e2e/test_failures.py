"""Handlers that fail, on the real path: attempts, back-off, dead letters, one outcome."""

import asyncio
import os
import subprocess
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import httpx
import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import SubscriberClient

from tests.e2e.local_stack import WEBHOOKS, eventually


def held(stack, task_type: str, task_id: str) -> list[dict[str, str]]:
    """The attributes of the task's messages on its dead-letter topic."""
    os.environ["PUBSUB_EMULATOR_HOST"] = stack.state["pubsub"]
    found = []
    with SubscriberClient() as client:
        name = f"tasks-{task_type.replace('_', '-')}-dead-hold"
        path = client.subscription_path("cloudtasker-local", name)
        while True:
            try:
                pulled = client.pull(subscription=path, max_messages=100, timeout=3)
            except DeadlineExceeded:
                return found
            if not pulled.received_messages:
                return found
            for received in pulled.received_messages:
                client.acknowledge(subscription=path, ack_ids=[received.ack_id])
                attributes = dict(received.message.attributes)
                if attributes["task_id"] == task_id:
                    found.append(attributes)


@pytest.fixture(autouse=True)
def emulator_variable():
    yield
    os.environ.pop("PUBSUB_EMULATOR_HOST", None)


def gaps(task) -> list[float]:
    started = [datetime.fromisoformat(attempt["started_at"]) for attempt in task["attempts"]]
    return [(b - a).total_seconds() for a, b in pairwise(started)]


def test_an_always_failing_task_runs_its_attempts_with_growing_gaps_and_dies_once(stack):
    task_id = stack.enqueue("noop", {"fail_times": 100})
    task = stack.wait(task_id, "dead", limit=90)
    assert [a["outcome"] for a in task["attempts"]] == ["failed"] * 5
    assert [a["number"] for a in task["attempts"]] == [1, 2, 3, 4, 5]
    assert task["error"]["message"]
    between = gaps(task)
    assert between[0] >= 0.3
    assert between[-1] > between[0]
    letters = []
    eventually(lambda: letters.extend(held(stack, "noop", task_id)) or letters, 60, "a dead letter")
    assert len(letters + held(stack, "noop", task_id)) == 1
    assert letters[0]["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert letters[0]["CloudPubSubDeadLetterSourceSubscription"] == "tasks-noop-push"


@pytest.fixture
def failing_receiver():
    """A webhook receiver that answers 500, and how often it was called."""
    calls = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            calls.append(self.path)
            self.send_response(500)
            self.end_headers()

        def log_message(self, *words):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", WEBHOOKS), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield calls
    server.shutdown()
    server.server_close()


def test_a_ledger_type_that_always_fails_runs_its_attempts_and_is_copied_once(
    stack, failing_receiver
):
    url = f"http://127.0.0.1:{WEBHOOKS}/hook"
    task_id = stack.enqueue("deliver_webhook", {"url": url, "body": {"a": 1}})
    task = stack.wait(task_id, "dead", limit=90)
    assert [a["outcome"] for a in task["attempts"]] == ["failed"] * 5
    assert failing_receiver == ["/hook"] * 5
    between = gaps(task)
    assert between[0] >= 0.5
    assert between[2] > between[0]
    letters = []
    eventually(
        lambda: letters.extend(held(stack, "deliver_webhook", task_id)) or letters,
        60,
        "the relay's copy",
    )
    assert len(letters + held(stack, "deliver_webhook", task_id)) == 1
    assert letters[0]["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_a_task_that_fails_twice_then_works_has_three_attempts_and_one_result(stack):
    task = stack.wait(stack.enqueue("noop", {"fail_times": 2, "result": "at last"}), limit=60)
    assert [a["outcome"] for a in task["attempts"]] == ["failed", "failed", "succeeded"]
    assert task["result"]["result"] == "at last"
    assert task["error"] is None


def test_a_rejected_task_is_dead_at_once(stack):
    task = stack.wait(stack.enqueue("noop", {"reject": True}), "dead")
    assert [a["outcome"] for a in task["attempts"]] == ["rejected"]


def delivery(task_id: str, generation: int = 0) -> dict:
    import base64
    import json

    data = {"task_id": task_id, "generation": generation, "task_type": "noop"}
    return {
        "message": {
            "data": base64.b64encode(json.dumps(data).encode()).decode(),
            "attributes": {"task_id": task_id, "task_type": "noop"},
            "messageId": f"by-hand-{task_id}",
            "publishTime": "2026-01-01T00:00:00Z",
        },
        "subscription": "projects/cloudtasker-local/subscriptions/tasks-noop-push",
    }


def test_the_same_delivery_many_times_at_once_and_again_later_is_one_run(stack):
    token = stack.cli("token", "noop").stdout.strip()
    url = stack.state["functions"]["noop"]
    task_id = stack.enqueue("noop", {"sleep_seconds": 0.5, "result": 1})

    async def deliver(times: int) -> list[int]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as client:
            posts = (client.post(url, json=delivery(task_id)) for _ in range(times))
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    assert set(asyncio.run(deliver(10))) == {204}
    task = stack.wait(task_id)
    assert set(asyncio.run(deliver(3))) == {204}
    assert [a["outcome"] for a in stack.task(task_id)["attempts"]] == ["succeeded"]
    assert stack.task(task_id)["result"] == task["result"]


def test_a_delivery_without_a_token_is_refused_and_runs_nothing(stack):
    url = stack.state["functions"]["noop"]
    assert httpx.post(url, json=delivery("x"), timeout=10).status_code == 401


def test_a_token_of_another_function_is_refused(stack):
    token = stack.cli("token", "send_email").stdout.strip()
    answer = subprocess.run(
        [
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            stack.state["functions"]["noop"],
            "-H",
            f"Authorization: Bearer {token}",
            "-d",
            "{}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "401"
