"""`functions/enqueue` under the plain framework command, as the cloud starts it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from shared.settings import ROOT
from tests.support.ports import free_port

COMMAND = [str(Path(sys.executable).with_name("functions-framework")), "--asgi"]
ARGUMENTS = ["--target", "enqueue", "--source", "functions/enqueue/main.py", "--host", "127.0.0.1"]
NOWHERE = "postgresql+pg8000://nobody@127.0.0.1:9/nothing"


def environment(**changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PUBSUB_EMULATOR_HOST": "127.0.0.1:9", **changes}


async def started(port: int, **changes: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *ARGUMENTS,
        "--port",
        str(port),
        cwd=ROOT,
        env=environment(**changes),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@asynccontextmanager
async def running(**changes: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the function's own process."""
    port = free_port()
    process = await started(port, **changes)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            await listening(http, process)
            yield http
    finally:
        process.terminate()
        await process.communicate()


async def listening(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while process.returncode is None:
            try:
                await http.get("/health")
                return
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
    raise AssertionError((await process.communicate())[0].decode())


async def test_it_lives_without_postgres_and_says_what_is_not_ready():
    async with running(CLOUDTASKER_DATABASE_URL=NOWHERE) as http:
        health, ready = await http.get("/health"), await http.get("/ready")
        task = {"task_type": "noop", "payload": {}}
        refused = await http.post("/enqueue-task", json=task)

    assert health.status_code == 200
    assert ready.status_code == 503
    assert "postgres" in ready.json()["problems"]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "9" not in refused.json()["detail"]


async def test_it_lists_every_task_type_of_the_checkout():
    async with running(CLOUDTASKER_DATABASE_URL=NOWHERE) as http:
        types = (await http.get("/task-types")).json()["task_types"]

    folders = sorted(file.parent.name for file in ROOT.glob("functions/*/task.yaml"))
    assert [one["name"] for one in types] == folders


async def test_without_a_database_url_callers_are_told_nothing_but_that():
    async with running() as http:
        answer = await http.get("/health")

    assert answer.status_code == 500
    assert answer.json()["code"] == "misconfigured"
    assert "DATABASE" not in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "CLOUDTASKER_AUTH must be chosen in production"),
        ({"CLOUDTASKER_AUTH": "google"}, "CLOUDTASKER_AUTH=google needs CLOUDTASKER_AUTH_CALLERS"),
    ],
)
async def test_a_production_start_without_an_access_choice_is_refused(changes, said):
    production = {"K_SERVICE": "enqueue", "GOOGLE_CLOUD_PROJECT": "p", "PUBSUB_EMULATOR_HOST": ""}
    process = await started(free_port(), **production, **changes)
    async with asyncio.timeout(60):
        output = (await process.communicate())[0].decode()

    assert process.returncode != 0
    assert said in output


async def test_its_log_is_json_lines_without_payloads():
    port = free_port()
    process = await started(port, CLOUDTASKER_DATABASE_URL=NOWHERE)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        await listening(http, process)
        task = {"task_type": "noop", "payload": {"result": "canary-4711"}}
        await http.post("/enqueue-task", json=task, headers={"Idempotency-Key": "canary-4712"})
    process.terminate()
    output = (await process.communicate())[0].decode()

    lines = [json.loads(line) for line in output.splitlines()]
    assert "ledger_unavailable" in {line.get("event") for line in lines}
    assert "canary" not in output
