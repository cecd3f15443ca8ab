"""Whatever arrives: never a 5xx, and nothing stored that a model would refuse."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory_api import memory_api
from tests.support.task_types import Greeting
from tests.unit.rest.conftest import open_http

JSON = {"content-type": "application/json"}
PATHS = st.sampled_from(["/enqueue-task", "/enqueue-tasks"])
KEYS = st.sampled_from(["task_type", "payload", "idempotency_key", "ordering_key", "labels", "x"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PAYLOADS = st.fixed_dictionaries({"name": SCALARS}, optional={"times": SCALARS, "more": SCALARS})
REQUESTS = st.fixed_dictionaries(
    {"task_type": st.sampled_from(["greet", "greet_in_order"]), "payload": PAYLOADS | VALUES},
    optional={
        "idempotency_key": SCALARS,
        "ordering_key": SCALARS,
        "labels": VALUES | st.dictionaries(st.sampled_from(["a", "B"]), st.text(max_size=9)),
    },
)
ANYTHING = REQUESTS | st.dictionaries(KEYS, VALUES) | VALUES


async def check(path: str, body: bytes, headers) -> None:
    """Send `body` to a fresh API, and look at the answer and at what was stored."""
    memory = memory_api()
    async with open_http(memory) as http:
        answer = await http.post(path, content=body, headers=headers)
        assert answer.status_code < 500
        stored = (await http.get("/tasks?page_size=500")).json()["tasks"]
        for task in stored:
            Greeting.model_validate((await http.get(f"/tasks/{task['task_id']}")).json()["payload"])
    await memory.api.enqueue.settle()
    assert len(memory.publisher.messages) == len(stored)
    if answer.is_error:
        assert stored == []


@settings(deadline=None)
@given(PATHS, st.binary(max_size=200))
async def test_any_bytes(path, body):
    await check(path, body, JSON)


@settings(deadline=None)
@given(ANYTHING)
async def test_any_json_as_a_task(value):
    await check("/enqueue-task", json.dumps(value).encode(), JSON)


@settings(deadline=None)
@given(st.lists(ANYTHING, max_size=4) | VALUES)
async def test_any_json_as_a_batch(value):
    await check("/enqueue-tasks", json.dumps({"tasks": value}).encode(), JSON)


HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "content-encoding", "idempotency-key", "traceparent", "host", "accept"]
    ),
    st.binary(max_size=40),
)


@settings(deadline=None)
@given(PATHS, HEADERS)
async def test_any_headers(path, headers):
    body = b'{"task_type": "greet", "payload": {"name": "Ada"}}'
    await check(path, body, {**JSON, **headers})
