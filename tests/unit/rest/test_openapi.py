"""The OpenAPI document: valid, complete, and true. That every answer fits it is checked by the
client that all tests here use."""

import copy

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.enqueue.openapi import openapi
from functions.enqueue.routes import routes
from shared.adapters.catalogue import load_catalogue
from shared.settings import ROOT
from tests.support.task_types import catalogue

REAL = load_catalogue(ROOT)
DOCUMENTS = {"two types": openapi(catalogue()), "none": openapi({}), "the real": openapi(REAL)}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_document_is_valid_openapi(document):
    OpenAPIV31SpecValidator(copy.deepcopy(document)).validate()


def test_every_route_is_described_and_nothing_else(memory):
    described = {
        (method.upper(), path)
        for path, operations in DOCUMENTS["two types"]["paths"].items()
        for method in operations
    }

    assert described == {(route.method, route.path) for route in routes(memory.api)}


async def test_the_document_is_served(http):
    assert (await http.get("/openapi.json")).json() == DOCUMENTS["two types"]


def bodies_of(document, path):
    content = document["paths"][path]["post"]["requestBody"]["content"]
    return [example["value"] for example in content["application/json"]["examples"].values()]


async def test_every_example_is_accepted(http):
    for body in bodies_of(DOCUMENTS["two types"], "/enqueue-task"):
        assert (await http.post("/enqueue-task", json=body)).status_code == 202
    [batch] = bodies_of(DOCUMENTS["two types"], "/enqueue-tasks")
    results = (await http.post("/enqueue-tasks", json=batch)).json()["results"]
    assert [set(result) for result in results] == [set(results[0])] * 2


def fits(document, body) -> bool:
    schema = {"$ref": "#/components/schemas/EnqueueRequest", "components": document["components"]}
    return bool(Draft202012Validator(schema).is_valid(body))


@pytest.mark.parametrize("name", REAL)
def test_every_real_task_type_has_an_example_that_its_model_and_its_schema_accept(name):
    document = DOCUMENTS["the real"]
    [body] = [b for b in bodies_of(document, "/enqueue-task") if b["task_type"] == name]

    REAL[name].check(body["payload"])
    assert fits(document, body)


@pytest.mark.parametrize(
    "body",
    [
        {"task_type": "greet", "payload": {"name": "Ada", "more": 1}},
        {"task_type": "greet", "payload": {"name": ""}},
        {"task_type": "greet", "payload": {}},
        {"task_type": "gret", "payload": {"name": "Ada"}},
        {"task_type": "greet", "payload": {"name": "Ada"}, "more": 1},
        {"task_type": "greet", "payload": {"name": "Ada"}, "labels": {"A": "x"}},
    ],
)
async def test_the_schema_refuses_what_the_api_refuses(http, body):
    assert not fits(DOCUMENTS["two types"], body)
    assert (await http.post("/enqueue-task", json=body)).status_code == 400


async def test_the_schema_accepts_what_the_api_accepts(http):
    body = {
        "task_type": "greet_in_order",
        "payload": {"name": "Ada", "times": 10},
        "idempotency_key": "one",
        "ordering_key": "k",
        "labels": {"team.x": ""},
    }

    assert fits(DOCUMENTS["two types"], body)
    assert (await http.post("/enqueue-task", json=body)).status_code == 202
