"""The REST API in memory under a real uvicorn, on a free port of 127.0.0.1."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from tests.contract.api.rest_app import rest_app
from tests.support.memory_api import MemoryApi, memory_api
from tests.support.ports import free_port


@asynccontextmanager
async def served(memory: MemoryApi) -> AsyncIterator[int]:
    """The port on which the API of `memory` answers as long as the block lasts."""
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        config = uvicorn.Config(
            rest_app(memory.api), http="httptools", lifespan="off", log_config=None
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


@pytest.fixture
def memory() -> MemoryApi:
    return memory_api()


@pytest.fixture
async def port(memory: MemoryApi) -> AsyncIterator[int]:
    async with served(memory) as port:
        yield port
