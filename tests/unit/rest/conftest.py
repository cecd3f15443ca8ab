"""The REST API in memory, and a client that holds every answer to the OpenAPI document."""

from collections.abc import AsyncIterator

import httpx
import pytest

from functions.enqueue.openapi import openapi
from tests.contract.api.rest_app import BASE_URL, rest_app
from tests.support.memory_api import MemoryApi, memory_api
from tests.support.task_types import catalogue
from tests.unit.rest.documented import Documented

DOCUMENTED = Documented(openapi(catalogue()))


async def _is_documented(answer: httpx.Response) -> None:
    await answer.aread()
    DOCUMENTED.check(answer)


def open_http(memory: MemoryApi) -> httpx.AsyncClient:
    """A client of the API on `memory`."""
    transport = httpx.ASGITransport(rest_app(memory.api), raise_app_exceptions=False)
    hooks = {"response": [_is_documented]}
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL, event_hooks=hooks)


@pytest.fixture
def memory() -> MemoryApi:
    return memory_api()


@pytest.fixture
async def http(memory: MemoryApi) -> AsyncIterator[httpx.AsyncClient]:
    async with open_http(memory) as client:
        yield client
    await memory.api.enqueue.settle()
