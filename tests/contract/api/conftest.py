"""The API in memory, and a client of it over each protocol."""

from collections.abc import AsyncIterator
from importlib import import_module
from importlib.util import find_spec

import pytest

from tests.contract.api.client import ApiClient
from tests.support.memory_api import MemoryApi, memory_api

_CLIENTS = ("rest_client", "grpc_client")
PROTOCOLS = [name for name in _CLIENTS if find_spec(f"tests.contract.api.{name}")]


@pytest.fixture
def memory() -> MemoryApi:
    return memory_api()


@pytest.fixture(params=PROTOCOLS)
async def client(request: pytest.FixtureRequest, memory: MemoryApi) -> AsyncIterator[ApiClient]:
    module = import_module(f"tests.contract.api.{request.param}")
    async with module.open_client(memory.api) as client:
        yield client
    await memory.api.enqueue.settle()
