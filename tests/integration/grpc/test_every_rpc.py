"""Every RPC of the gateway, walked: nobody gets in without credentials, or without the scope."""

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.adapters.memory_keys import MemoryKeys
from shared.domain.api_key import Scope
from tests.integration.grpc.refused import refusal
from tests.support.api_keys import kept_key
from tests.support.clock import FakeClock

# Written here by hand, never read from the gateway: a wrong scope there must turn this red.
SCOPES = {
    "EnqueueTask": Scope.ENQUEUE,
    "EnqueueTasks": Scope.ENQUEUE,
    "GetTask": Scope.READ,
    "ListTasks": Scope.READ,
    "CancelTask": Scope.MANAGE,
    "ListTaskTypes": None,
    "ListSchedules": Scope.READ,
    "GetSchedule": Scope.READ,
    "CreateSchedule": Scope.MANAGE,
    "DeleteSchedule": Scope.MANAGE,
    "PauseSchedule": Scope.MANAGE,
    "ResumeSchedule": Scope.MANAGE,
    "RunSchedule": Scope.MANAGE,
    "RepublishTasks": Scope.MANAGE,
    "WatchTask": Scope.READ,
    "StartGroup": Scope.ENQUEUE,
    "GetGroup": Scope.READ,
    "RedriveTask": Scope.MANAGE,
    "ListErrorGroups": Scope.READ,
    "ListDeadTasks": Scope.READ,
    "ListRawDeliveries": Scope.READ,
    "DiscardRawDeliveries": Scope.MANAGE,
    "StartOperation": Scope.MANAGE,
    "GetOperation": Scope.READ,
    "ListOperations": Scope.READ,
    "ListOperationItems": Scope.READ,
    "StopOperation": Scope.MANAGE,
    "ListQueues": Scope.READ,
    "PauseQueue": Scope.MANAGE,
    "ResumeQueue": Scope.MANAGE,
    "ListAuditLines": Scope.MANAGE,
}
METHODS = {method.name: method for method in pb.DESCRIPTOR.services_by_name["TaskService"].methods}


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys(FakeClock())


@pytest.fixture
async def guarded(start_gateway, keys):
    return await start_gateway(auth="keys", keys=keys, reflection=True)


def call(running, name: str, token: str = ""):
    """Call an RPC with an empty request."""
    request = pb.__dict__[METHODS[name].input_type.name]()
    metadata = [("authorization", f"Bearer {token}")] if token else []
    called = getattr(running.tasks, name)(request, metadata=metadata)
    return called.read() if METHODS[name].server_streaming else called


def test_every_rpc_has_its_scope_here():
    assert METHODS.keys() == SCOPES.keys()


@pytest.mark.parametrize("name", METHODS)
async def test_without_a_key_nothing_is_answered(guarded, name):
    refused = await refusal(call(guarded, name))

    assert refused.code is grpc.StatusCode.UNAUTHENTICATED
    assert "key" not in refused.message
    assert guarded.memory.publisher.messages == []


@pytest.mark.parametrize("name", [name for name, scope in SCOPES.items() if scope])
async def test_a_key_of_all_other_scopes_is_not_enough(guarded, keys, name):
    token = await kept_key(keys, "others", *(set(Scope) - {SCOPES[name]}))
    refused = await refusal(call(guarded, name, token))

    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert SCOPES[name].value in refused.message


@pytest.mark.parametrize("name", METHODS)
async def test_a_key_of_the_scope_is_enough(guarded, keys, name):
    token = await kept_key(keys, "right", *filter(None, [SCOPES[name]]))
    try:
        await call(guarded, name, token)
        code = grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        code = error.code()

    assert code in (
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
    )


async def test_health_is_open_to_probes(guarded):
    stub = HealthStub(guarded.channel)

    await stub.Check(HealthCheckRequest(service="liveness"))
    await anext(aiter(stub.Watch(HealthCheckRequest(service="liveness"))))


async def test_reflection_needs_a_key(guarded, keys):
    stub, asked = ServerReflectionStub(guarded.channel), ServerReflectionRequest(list_services="")
    token = await kept_key(keys, "a")

    refused = await refusal(anext(aiter(stub.ServerReflectionInfo(iter([asked])))))
    known = [("authorization", f"Bearer {token}")]
    await anext(aiter(stub.ServerReflectionInfo(iter([asked]), metadata=known)))

    assert refused.code is grpc.StatusCode.UNAUTHENTICATED


class BrokenKeys(MemoryKeys):
    """A store with a defect."""

    async def find(self, key_id):
        raise RuntimeError("postgres://user:password@host said no")


async def test_a_defect_in_the_check_is_a_status_with_a_request_id(start_gateway):
    keys = BrokenKeys(FakeClock())
    guarded = await start_gateway(auth="keys", keys=keys, reflection=True)
    token = await kept_key(keys, "a")
    known = [("authorization", f"Bearer {token}")]
    stub, asked = ServerReflectionStub(guarded.channel), ServerReflectionRequest(list_services="")

    for call_ in (
        call(guarded, "GetTask", token),
        anext(aiter(stub.ServerReflectionInfo(iter([asked]), metadata=known))),
    ):
        refused = await refusal(call_)
        assert refused.code is grpc.StatusCode.INTERNAL
        assert "request id" in refused.message
        assert "password" not in refused.message


async def test_with_keys_every_address_may_be_served(start_gateway, keys):
    await start_gateway(auth="keys", keys=keys, host="0.0.0.0")  # noqa: S104
