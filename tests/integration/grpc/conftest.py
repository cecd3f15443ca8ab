"""A gateway on a free port over in-memory ports, and a channel to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import grpc
import pytest

from grpc_gateway import server
from protos.cloudtasker.v1.task_service_pb2_grpc import TaskServiceStub
from tests.support.memory_api import MemoryApi, memory_api


@dataclass
class Running:
    """A gateway that serves `memory`, and what a client needs to talk to it."""

    memory: MemoryApi
    gateway: server.Gateway
    channel: grpc.aio.Channel
    tasks: TaskServiceStub


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start_gateway() -> AsyncIterator[Start]:
    """Start a gateway; keyword arguments change its settings, `keys` its store of keys."""
    async with AsyncExitStack() as stack:

        async def start(keys=None, **settings) -> Running:
            memory = memory_api()
            changed = replace(memory.api.settings, **{"port": 0, **settings})
            memory.api = replace(memory.api, settings=changed, keys=keys)
            gateway = await server.start(memory.api)
            stack.push_async_callback(gateway.stop, 0)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(gateway.address))
            return Running(memory, gateway, channel, TaskServiceStub(channel))

        yield start


@pytest.fixture
async def running(start_gateway: Start) -> Running:
    """A gateway with the settings of `memory_api`."""
    return await start_gateway()
