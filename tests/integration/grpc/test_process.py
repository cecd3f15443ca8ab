"""The gateway as it is started for real: its own process, a real Postgres, no Pub/Sub."""

import asyncio
import json
import re
import signal
import subprocess
import sys

import grpc
import pytest
from google.protobuf import json_format
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from protos.cloudtasker.v1 import task_service_pb2 as pb
from protos.cloudtasker.v1.task_service_pb2_grpc import TaskServiceStub
from tests.integration.grpc.process import ROOT, gateway_process
from tests.support.ports import free_port
from tests.support.postgres import fresh_database

README = (ROOT / "grpc_gateway" / "README.md").read_text()


def output_of(code):
    """What a Python of its own prints when it runs `code`."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def database(postgres):
    return fresh_database(postgres, "grpc_gateway")


@pytest.fixture
def environ(database):
    """No Pub/Sub listens at its address: tasks are stored, and the relay would publish them."""
    return {
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "CLOUDTASKER_DATABASE_URL": database,
        "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{free_port()}",
    }


async def test_it_serves_until_sigterm_and_says_what_it_does(environ):
    async with gateway_process(environ) as gateway:
        ready = await gateway.line("process_ready")
        assert ready["address"] == f"127.0.0.1:{environ['PORT']}"

        async with grpc.aio.insecure_channel(ready["address"]) as channel:
            tasks = TaskServiceStub(channel)
            asked = pb.EnqueueTaskRequest(task_type="noop", payload_json="{}")
            accepted = await tasks.EnqueueTask(asked)
            task = await tasks.GetTask(pb.GetTaskRequest(task_id=accepted.task_id))
            assert (task.state, task.task_type) == (pb.Task.QUEUED, "noop")

        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.line("process_stopping")
        assert await gateway.ended() == 0
        assert await gateway.process.stderr.read() == b""


async def test_on_sigterm_it_says_goodbye_before_it_goes(environ):
    async with gateway_process(environ) as gateway:
        address = (await gateway.line("process_ready"))["address"]
        async with grpc.aio.insecure_channel(address) as channel:
            changes = aiter(HealthStub(channel).Watch(HealthCheckRequest(service="liveness")))
            assert (await anext(changes)).status == HealthCheckResponse.SERVING

            gateway.process.send_signal(signal.SIGTERM)
            assert (await anext(changes)).status == HealthCheckResponse.NOT_SERVING


async def test_without_a_port_it_takes_50051_or_says_that_it_is_taken(environ):
    del environ["PORT"]
    async with gateway_process(environ) as gateway:
        said = await gateway.line("process_ready", "misconfigured")

    assert "127.0.0.1:50051" in said.get("address", said["message"])


async def test_without_pubsub_it_lives_and_is_not_ready(environ):
    async with gateway_process(environ) as gateway:
        ready = await gateway.line("process_ready")
        async with grpc.aio.insecure_channel(ready["address"]) as channel:
            health = HealthStub(channel)
            live = await health.Check(HealthCheckRequest(service="liveness"))
            whole = await health.Check(HealthCheckRequest())

    assert live.status == HealthCheckResponse.SERVING
    assert whole.status == HealthCheckResponse.NOT_SERVING


async def test_a_start_that_cannot_work_says_why_and_fails(environ):
    async with gateway_process({**environ, "HOST": "0.0.0.0"}) as gateway:  # noqa: S104
        said = await gateway.line("misconfigured")
        assert "set HOST=127.0.0.1" in said["message"]
        assert await gateway.ended() == 1


async def test_all_wrong_settings_are_named_at_once(environ):
    wrong = {**environ, "PORT": "many", "CLOUDTASKER_GRPC_REFLECTION": "maybe"}
    async with gateway_process(wrong) as gateway:
        said = await gateway.line("misconfigured")
        assert "PORT is 'many'" in said["message"]
        assert "CLOUDTASKER_GRPC_REFLECTION is 'maybe'" in said["message"]


async def test_the_examples_of_the_readme_work(environ):
    [example] = re.findall(r"```python\n(.+?)```", README, re.DOTALL)
    [sent] = re.findall(r"-d '(.+?)' \\\n.+EnqueueTask\n", README, re.DOTALL)
    async with gateway_process(environ) as gateway:
        address = (await gateway.line("process_ready"))["address"]
        here = example.replace("127.0.0.1:50051", address)
        printed = await asyncio.to_thread(output_of, here)
        async with grpc.aio.insecure_channel(address) as channel:
            request = json_format.Parse(sent, pb.EnqueueTaskRequest())
            accepted = await TaskServiceStub(channel).EnqueueTask(request)

    assert "QUEUED" in printed
    assert "payload.subject" in printed
    assert accepted.task_type == "send_email"


def test_it_imports_nothing_that_it_does_not_need():
    code = "import sys, json, grpc_gateway.__main__; print(json.dumps(sorted(sys.modules)))"
    needless = {
        "alembic",
        "functions_framework",
        "google.cloud.logging",
        "google.pubsub_v1",
        "grpc_reflection.v1alpha",
        "httpx",
        "redis",
        "sqlalchemy",
        "starlette",
        "emulators",
    }
    assert needless.isdisjoint(json.loads(output_of(code)))
