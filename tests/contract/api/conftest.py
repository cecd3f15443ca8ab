"""The API in memory, and a client of it over each protocol."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.api import grpc_client, rest_client
from tests.contract.api.client import ApiClient
from tests.support.memory_api import MemoryApi, memory_api


@pytest.fixture
def memory() -> MemoryApi:
    return memory_api()


@pytest.fixture(params=[rest_client, grpc_client], ids=["rest", "grpc"])
async def client(request: pytest.FixtureRequest, memory: MemoryApi) -> AsyncIterator[ApiClient]:
    async with request.param.open_client(memory.api) as client:
        yield client
    await memory.api.enqueue.settle()
