"""The whole stack with CLOUDTASKER_AUTH=keys, as a user sees it."""

import os
import subprocess

import httpx
import pytest

from tests.e2e.local_stack import COMMAND, LocalStack, eventually

TASK = {"task_type": "noop", "payload": {}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    running = LocalStack(tmp_path_factory.mktemp("keys"), environ={"CLOUDTASKER_AUTH": "keys"})
    running.start()
    yield running
    running.stop()


def cloudtasker(stack, *arguments: str, key: str = "") -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "CLOUDTASKER_STATE": str(stack.data_dir / "state.json"),
        "CLOUDTASKER_API_KEY": key,
    }
    return subprocess.run(
        [COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def shown(stack, task_id: str, key: str) -> str:
    return cloudtasker(stack, "tasks", "get", task_id, key=key).stdout


def test_only_a_key_gets_a_task_in_and_its_result_out(stack):
    made = cloudtasker(
        stack, "keys", "create", "--name", "e2e", "--scope", "enqueue", "--scope", "read", "-q"
    )
    key = made.stdout.strip()
    url = stack.state["rest"]

    refused = httpx.post(f"{url}/enqueue-task", json=TASK)
    accepted = httpx.post(f"{url}/enqueue-task", json=TASK, headers={"X-API-Key": key})
    task_id = accepted.json()["task_id"]

    assert (refused.status_code, accepted.status_code) == (401, 202)
    assert cloudtasker(stack, "tasks", "get", task_id).returncode == 6
    assert eventually(lambda: "succeeded" in shown(stack, task_id, key), 60, "a success")
    assert cloudtasker(stack, "tasks", "cancel", task_id, key=key).returncode == 6
