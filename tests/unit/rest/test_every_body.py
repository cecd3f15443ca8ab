"""R20 of the reliability table, for every route that the OpenAPI document gives a body: oversized,
malformed, deep and non-UTF-8 bodies and duplicate keys are 4xx, never 5xx, and nothing is stored.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.enqueue.openapi import openapi
from shared.domain.requests import MAX_BODY_BYTES
from tests.support.memory_api import memory_api
from tests.support.task_types import catalogue
from tests.unit.rest.conftest import open_http
from tests.unit.rest.test_bad_input import BODIES, JSON

DOCUMENT = openapi(catalogue())
NO_TASK = "019aae00-0000-7000-8000-000000000000"
NAMES = {"task_id": NO_TASK, "task_type": "greet"}
ROUTES = {
    path.format_map(NAMES): operations["post"]["requestBody"]["content"]["application/json"]
    for path, operations in DOCUMENT["paths"].items()
    if "requestBody" in operations.get("post", {})
}
NO_JSON = {
    name: BODIES[name]
    for name in (
        "broken",
        "two values",
        "NaN",
        "beyond a double",
        "too many digits",
        "a duplicate key",
        "a duplicate key inside",
        "invalid UTF-8",
        "a surrogate in UTF-8",
        "a byte order mark",
        "UTF-16",
        "a NUL escape",
        "a lone surrogate",
        "10,000 levels",
        "10,000 levels of objects",
        "only opening brackets",
        "65 levels",
    )
}


def test_every_route_with_a_body_is_walked():
    new = {"/groups", "/operations", "/schedules", f"/tasks/{NO_TASK}/redrive"}
    assert new | {"/enqueue-task", "/enqueue-tasks"} <= set(ROUTES)
    with_body = [
        (method, path)
        for path, operations in DOCUMENT["paths"].items()
        for method, one in operations.items()
        if isinstance(one, dict) and "requestBody" in one
    ]
    assert len(with_body) == len(ROUTES), "a method other than POST has a body: walk it too"


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
async def test_what_is_no_json_of_ours_is_400_with_a_reason(http, memory, path, body):
    answer = await http.post(path, content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert await nothing_is_stored(http, memory)


@pytest.mark.parametrize("path", ROUTES)
async def test_one_byte_more_than_the_limit_is_413(http, memory, path):
    answer = await http.post(path, content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert await nothing_is_stored(http, memory)


async def nothing_is_stored(http, memory) -> bool:
    reads = [("/tasks", "tasks"), ("/operations", "operations"), ("/schedules", "schedules")]
    kept = [(await http.get(path)).json()[name] for path, name in reads]
    return not any(kept) and not memory.publisher.messages


def fields_of(schema: dict[str, Any]) -> set[str]:
    """The names that stand in a schema of the document, at any depth of one reference."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", {}))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
FIELDS = sorted(set().union(*(fields_of(one["schema"]) for one in ROUTES.values())) | {"x"})
VALUES = st.recursive(
    SCALARS | st.sampled_from(["greet", NO_TASK, "redrive", "2026-11-24T12:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def bodies(path: str) -> st.SearchStrategy[Any]:
    """Any JSON, most of it with the route's own fields."""
    fields = sorted(fields_of(ROUTES[path]["schema"]))
    own = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, VALUES))
    return own | VALUES


@pytest.mark.parametrize("path", ROUTES)
@settings(deadline=None, max_examples=40)
@given(st.data())
async def test_no_json_makes_a_route_fail(path, data):
    body = json.dumps(data.draw(bodies(path))).encode()
    async with open_http(memory_api()) as http:
        answer = await http.post(path, content=body, headers=JSON)

    assert answer.status_code < 500


@pytest.mark.parametrize("path", ROUTES)
@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=200))
async def test_no_bytes_make_a_route_fail(path, body):
    async with open_http(memory_api()) as http:
        answer = await http.post(path, content=body, headers=JSON)

    assert answer.status_code < 500
