"""SIGTERM to a real server: runs get their grace, leases are released, the server ends itself."""

import asyncio
import json
import signal
import time

import pytest

from tests.integration.functions.memory_function import GRACE_SECONDS, TASKS
from tests.integration.functions.server import serving
from tests.support.push import PROJECT, push_body

SOURCE = "tests/integration/functions/memory_function.py"


def push(function, name):
    envelope = {"task_id": str(TASKS[name]), "generation": 0, "task_type": "greet"}
    subscription = f"projects/{PROJECT}/subscriptions/tasks-greet-push"
    body = push_body(json.dumps(envelope).encode(), subscription=subscription, message_id=name)
    return asyncio.create_task(function.client.post("/", json=body))


@pytest.mark.parametrize("server", ["uvicorn", "framework"])
@pytest.mark.parametrize("target", ["greet", "greet_blocking"])
async def test_runs_get_their_grace_then_their_leases_are_released_and_the_server_ends(
    server, target
):
    async with serving(server, target, SOURCE) as function:
        assert (await push(function, "ready")).status_code == 204
        short, endless = push(function, "short"), push(function, "endless")
        await function.logged("begun", 3)

        told = time.monotonic()
        function.tell(signal.SIGTERM)

        assert (await short).status_code == 204
        assert (await endless).status_code == 503
        assert time.monotonic() - told >= GRACE_SECONDS * 0.9
        code = await function.ended(8)

    assert function.events().count("task_succeeded") == 2
    assert function.events()[-1] == "task_released"
    assert function.events().count("process_stopping") == 1
    assert code in (0, -signal.SIGTERM)


@pytest.mark.parametrize("server", ["uvicorn", "framework"])
async def test_a_function_without_runs_ends_at_once(server):
    async with serving(server, "greet", SOURCE) as function:
        assert (await push(function, "ready")).status_code == 204
        function.tell(signal.SIGTERM)

        await function.ended(3)


async def test_ctrl_c_is_a_stop_like_another():
    async with serving("uvicorn", "greet", SOURCE) as function:
        endless = push(function, "endless")
        await function.logged("begun")
        function.tell(signal.SIGINT)

        assert (await endless).status_code == 503
        await function.ended(8)


async def test_a_body_over_the_limit_is_answered_by_a_real_server():
    async with serving("uvicorn", "greet", SOURCE) as function:
        answer = await function.client.post("/", content=b"x" * 5_000_000)
        assert answer.status_code == 204
        assert (await push(function, "ready")).status_code == 204
