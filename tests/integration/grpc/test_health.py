"""The standard health service, and reflection."""

import asyncio

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from grpc_gateway.health import Health
from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.errors import Misconfigured
from shared.readiness import Readiness
from tests.integration.grpc.refused import refusal

TASK_SERVICE = "cloudtasker.v1.TaskService"
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


async def status(running, service):
    answer = await HealthStub(running.channel).Check(HealthCheckRequest(service=service))
    return answer.status


@pytest.mark.parametrize("service", ["", TASK_SERVICE, "liveness"])
async def test_a_gateway_that_can_work_is_serving(running, service):
    assert await status(running, service) == SERVING


@pytest.mark.parametrize("service", ["", TASK_SERVICE])
async def test_without_pubsub_it_is_not_serving_and_again_once_it_is_back(running, service):
    running.memory.publisher.reachable = False
    assert await status(running, service) == NOT_SERVING

    running.memory.publisher.reachable = True
    assert await status(running, service) == SERVING


async def test_liveness_does_not_depend_on_other_servers(running):
    running.memory.publisher.reachable = False

    assert await status(running, "liveness") == SERVING


async def test_the_health_of_another_service_is_not_found_and_no_fault_of_ours(running, caplog):
    check = HealthStub(running.channel).Check(HealthCheckRequest(service="other"))

    assert (await refusal(check)).code is grpc.StatusCode.NOT_FOUND
    assert caplog.records == []


def watch(health, service=""):
    return aiter(health.Watch(HealthCheckRequest(service=service), None))


async def test_a_watcher_hears_of_each_change(running):
    health = Health(running.memory.api.readiness, watch_seconds=0.01)
    changes = watch(health)
    assert (await anext(changes)).status == SERVING

    running.memory.publisher.reachable = False
    assert (await anext(changes)).status == NOT_SERVING


async def test_a_watcher_of_an_unknown_service_is_told_so():
    first = await anext(watch(Health(Readiness()), "other"))

    assert first.status == HealthCheckResponse.SERVICE_UNKNOWN


async def test_a_stopping_gateway_tells_its_watchers_and_lets_them_go(running):
    changes = aiter(HealthStub(running.channel).Watch(HealthCheckRequest()))
    assert (await anext(changes)).status == SERVING

    async with asyncio.timeout(30):  # less than the grace, which a watcher must not use up
        await running.gateway.stop(60)
        assert [answer.status async for answer in changes] == [NOT_SERVING]


async def test_a_call_that_runs_when_the_gateway_stops_still_gets_its_answer(running):
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly():
        arrived.set()
        await go_on.wait()

    running.memory.ledger.ping = slowly
    running.memory.api.readiness.checks["postgres"] = slowly
    call = HealthStub(running.channel).Check(HealthCheckRequest())
    await arrived.wait()
    stopping = asyncio.create_task(running.gateway.stop(5))
    go_on.set()

    assert (await call).status == SERVING
    await stopping


async def test_a_stopped_gateway_has_noted_what_pubsub_confirmed(running):
    confirm = asyncio.Event()
    publish = running.memory.publisher.publish

    async def slowly(messages):
        await confirm.wait()
        return await publish(messages)

    running.memory.publisher.publish = slowly
    asked = pb.EnqueueTaskRequest(task_type="greet", payload_json='{"name": "Ada"}')
    accepted = await running.tasks.EnqueueTask(asked)
    stopping = asyncio.create_task(running.gateway.stop(0))
    await asyncio.wait({stopping}, timeout=0.3)  # if it did not wait, it would be done by then
    assert not stopping.done()
    confirm.set()
    await stopping

    task = await running.memory.api.lookup.get(accepted.task_id)
    assert task.due_at is None


async def services(running):
    asked = ServerReflectionRequest(list_services="")
    stream = ServerReflectionStub(running.channel).ServerReflectionInfo(iter([asked]))
    answer = await anext(aiter(stream))
    return {one.name for one in answer.list_services_response.service}


async def test_reflection_is_off_by_default(running):
    assert (await refusal(services(running))).code is grpc.StatusCode.UNIMPLEMENTED


async def test_reflection_lists_the_services_when_it_is_wanted(start_gateway):
    running = await start_gateway(reflection=True)

    assert {TASK_SERVICE, "grpc.health.v1.Health"} < await services(running)


@pytest.mark.parametrize("host", ["::", "192.0.2.1"])
async def test_without_credentials_only_loopback_is_served(start_gateway, host):
    with pytest.raises(Misconfigured, match="set HOST="):
        await start_gateway(host=host)


@pytest.mark.parametrize("auth", ["", "keys"])
async def test_an_access_policy_that_is_not_there_is_never_taken_for_open(start_gateway, auth):
    with pytest.raises(Misconfigured, match="CLOUDTASKER_AUTH"):
        await start_gateway(auth=auth)


async def test_a_taken_port_is_named(start_gateway, running):
    with pytest.raises(Misconfigured, match=f"cannot listen on {running.gateway.address}"):
        await start_gateway(port=int(running.gateway.address.rpartition(":")[2]))
