"""Two processes of a task type: what the ledger and Redis decide holds over both."""

import asyncio
import base64
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.e2e.local_stack import CHECKOUT, LocalStack, eventually

TWICE = '''
import os

async def twice(payload, context):
    """Do it once; the first attempt fails afterwards."""
    async def effect():
        with open({file!r}, "a") as lines:
            lines.write(f"{{os.getpid()}}\\n")
        return os.getpid()

    by = await context.once("effect", effect)
    if context.attempt == 1:
        raise RuntimeError("the first attempt fails")
    return {{"effect_by": by, "finished_by": os.getpid()}}
'''
PAYLOAD = '''
from shared.domain.payload import Payload


class Twice(Payload):
    """Nothing is asked."""
'''
MAIN = """
from functions.twice import handler
from shared.edges.task_function import task_function

twice = task_function("twice", handler.twice)
"""
OVERRIDES = """
noop: {concurrency: 4, max_concurrent: 3}
twice: {retry: {by: pubsub, min_seconds: 60, max_seconds: 60}}
"""


def checkout(folder: Path) -> Path:
    """A copy of the product, with a task type more."""
    root = folder / "checkout"
    no_caches = shutil.ignore_patterns("__pycache__")
    for name in ("functions", "shared", "protos", "grpc_gateway"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=no_caches)
    twice = root / "functions" / "twice"
    twice.mkdir()
    for name, text in (("payload", PAYLOAD), ("main", MAIN), ("__init__", "")):
        (twice / f"{name}.py").write_text(text)
    (twice / "handler.py").write_text(TWICE.format(file=str(folder / "effects")))
    (twice / "task.yaml").touch()
    return root


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("two")
    (folder / "overrides.yaml").write_text(OVERRIDES)
    environ = {
        "CLOUDTASKER_TASK_OVERRIDES": str(folder / "overrides.yaml"),
        "CLOUDTASKER_SCALE": "noop=2,twice=2",
    }
    stack = LocalStack(folder, root=checkout(folder), environ=environ)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def deliver(stack: LocalStack, task_type: str, task_id: str, processes: list[str]) -> set[int]:
    """The statuses of the same delivery made to each of `processes`, all at once."""
    token = stack.cli("token", task_type).stdout.strip()
    data = {"task_id": task_id, "generation": 0, "task_type": task_type}
    body = {
        "message": {
            "data": base64.b64encode(json.dumps(data).encode()).decode(),
            "attributes": {"task_id": task_id, "task_type": task_type},
            "messageId": f"by-hand-{task_id}",
            "publishTime": "2026-01-01T00:00:00Z",
        },
        "subscription": f"projects/cloudtasker-local/subscriptions/tasks-{task_type}-push",
    }

    async def posts() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as client:
            urls = (stack.state["processes"][name] for name in processes)
            return await asyncio.gather(*(client.post(url, json=body) for url in urls))

    return {answer.status_code for answer in asyncio.run(posts())}


def test_both_processes_are_ready_and_both_are_told_of(two):
    parts = json.loads(two.cli("status", "-o", "json").stdout)["parts"]
    assert {"noop-1", "noop-2", "twice-1", "twice-2"} <= {p["name"] for p in parts if p["ok"]}
    checks = json.loads(two.cli("doctor", "-o", "json").stdout)["checks"]
    assert {"noop-1", "noop-2"} <= {one["name"] for one in checks if one["verdict"] == "ok"}


def test_tasks_are_shared_among_the_processes_and_the_limit_of_the_type_holds_over_both(two):
    """Room for eight, of which three may run: as many as before, whoever runs them."""
    task = {"task_type": "noop", "payload": {"sleep_seconds": 0.3}}
    ids = two.enqueue_all([task] * 12)
    done = [two.wait(task_id, limit=60) for task_id in ids]

    ends = sorted(datetime.fromisoformat(task["finished_at"]) for task in done)
    apart = [(later - end).total_seconds() for end, later in zip(ends, ends[3:], strict=False)]
    assert min(apart) > 0.29  # each fourth had to wait for one of three to end, and then its 0.3 s

    def who() -> set[str]:
        lines = two.logs(task_type="noop", event="task_succeeded")
        return {line["process"] for line in lines if line["task_id"] in ids}

    assert eventually(lambda: who() == {"noop-1", "noop-2"}, 60, "both have run some")


def test_a_delivery_to_both_at_once_runs_at_one(two):
    task_id = two.enqueue("noop", {"sleep_seconds": 0.5})
    assert deliver(two, "noop", task_id, ["noop-1", "noop-2"] * 5) == {204}
    two.wait(task_id)
    assert deliver(two, "noop", task_id, ["noop-1", "noop-2"]) == {204}
    assert [one["outcome"] for one in two.task(task_id)["attempts"]] == ["succeeded"]


def test_what_one_process_did_once_the_other_does_not_do_again(two):
    task_id = two.enqueue("twice", {})
    two.wait(task_id, "retrying")
    effects = two.data_dir.parent / "effects"
    first = int(effects.read_text())
    [other] = (
        name for name, pid in two.state["pids"].items()
        if name.startswith("twice-") and pid != first
    )  # fmt: skip

    assert deliver(two, "twice", task_id, [other]) == {204}

    result = two.wait(task_id)["result"]
    assert result == {"effect_by": first, "finished_by": two.pid_of(other)}
    assert effects.read_text() == f"{first}\n"
