"""Whatever comes over the wire, and whenever it stops: no call fails by a fault of ours."""

import asyncio

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.ports import TaskFilter
from tests.integration.grpc.refused import refusal

SERVICE = "/cloudtasker.v1.TaskService"
METHODS = ("EnqueueTask", "EnqueueTasks", "GetTask", "ListTasks", "CancelTask", "ListTaskTypes")
ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
GREET = pb.EnqueueTaskRequest(task_type="greet", payload_json='{"name": "Ada"}')


def delimited(number, content):
    """One field of `content` as it stands on the wire."""
    return bytes([number << 3 | 2, len(content)]) + content


fields = st.builds(delimited, st.integers(1, 7), st.binary(max_size=100))
messages = st.binary(max_size=100) | st.lists(fields, max_size=5).map(b"".join)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=messages)
async def test_no_bytes_make_a_method_fail_by_itself(running, method, raw):
    call = running.channel.unary_unary(f"{SERVICE}/{method}")
    code = await call(raw).code()

    assert code in ALLOWED


async def test_a_caller_that_gives_up_leaves_a_stored_task_to_the_relay(running, caplog):
    arrived = asyncio.Event()

    async def never_confirms(messages):
        arrived.set()
        await asyncio.Event().wait()

    running.memory.publisher.publish = never_confirms
    call = running.tasks.EnqueueTask(GREET, timeout=0.1)
    await arrived.wait()

    assert (await refusal(call)).code is grpc.StatusCode.DEADLINE_EXCEEDED
    [task] = await running.memory.ledger.find(TaskFilter(), after=None, limit=9)
    assert task.due_at is not None
    assert [one for one in caplog.records if getattr(one, "event", "") == "fault"] == []
