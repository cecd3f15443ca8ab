"""This API as an OpenAPI 3.1 document, made from the models that check requests and the types of
the answers. Pure; `operations.py` says what each route does."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from functions.enqueue.accepting import ResultsJson
from functions.enqueue.desk_operations import desk_requests
from functions.enqueue.lookups import TaskPageJson
from functions.enqueue.operations import operations, problem_responses, security_schemes
from functions.enqueue.probes import HealthJson, ReadyJson
from shared.domain.operation_request import OperationRequest
from shared.domain.requests import MAX_BATCH, EnqueueRequest, GroupRequest
from shared.domain.schedule import NewSchedule
from shared.domain.task_type import TaskType
from shared.edges.audit_json import AuditJson
from shared.edges.desk_json import DeadTasksJson, DiscardedJson, ErrorGroupsJson, RawDeliveriesJson
from shared.edges.group_json import GroupJson, StartedGroupJson
from shared.edges.http_errors import ProblemJson
from shared.edges.operation_json import (
    OperationItemsJson,
    OperationJson,
    OperationsJson,
    PreviewJson,
)
from shared.edges.queue_json import QueueJson, QueuesJson
from shared.edges.schedule_json import RepublishedJson, SchedulesJson
from shared.edges.task_json import AcceptedJson, TaskJson
from shared.edges.task_type_json import TaskTypesJson, example_of
from shared.services.republish import RepublishRequest

VERSION: Final = "1.0.0"
"""Of the API, not of the product: it grows with what callers can see."""
_ANSWERS: Final[tuple[type, ...]] = (
    AcceptedJson,
    HealthJson,
    ProblemJson,
    ReadyJson,
    ResultsJson,
    TaskJson,
    TaskPageJson,
    TaskTypesJson,
    AuditJson,
    DeadTasksJson,
    DiscardedJson,
    ErrorGroupsJson,
    OperationItemsJson,
    OperationJson,
    OperationsJson,
    PreviewJson,
    QueueJson,
    QueuesJson,
    RawDeliveriesJson,
    RepublishedJson,
    SchedulesJson,
    StartedGroupJson,
    GroupJson,
)
_REFERENCE: Final = "#/components/schemas/{model}"


class _Strict(GenerateJsonSchema):
    """Says of a dictionary whose keys have a pattern that there are no other keys."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        said = super().dict_schema(schema)
        return {**said, "additionalProperties": False} if "patternProperties" in said else said


def openapi(catalogue: Mapping[str, TaskType]) -> dict[str, Any]:
    """The document, with one request schema for each task type of `catalogue`."""
    schemas, payloads = _schemas(catalogue)
    request = _enqueue_request(schemas.pop("EnqueueRequest"), payloads, schemas)
    schemas["EnqueueRequest"] = request
    schemas["EnqueueBatch"] = _batch()
    members = _batch()["properties"]["tasks"]
    schemas["GroupRequest"]["properties"]["tasks"] = members
    schemas.update(desk_requests())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CloudTasker",
            "version": VERSION,
            "description": "Accepts tasks, and tells what became of them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": operations(_examples(catalogue)),
        # Nothing is needed where the service serves its own machine only.
        "security": [{"bearer": []}, {"key": []}, {}],
        "components": {
            "schemas": schemas,
            "responses": problem_responses(),
            "securitySchemes": security_schemes(),
        },
    }


def _schemas(catalogue: Mapping[str, TaskType]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of requests and answers by name, and a reference to each type's payload."""
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (kind.__name__, "serialization", TypeAdapter(kind)) for kind in _ANSWERS
    ]
    wanted.append(("EnqueueRequest", "validation", TypeAdapter(EnqueueRequest)))
    wanted.append(("GroupRequest", "validation", TypeAdapter(GroupRequest)))
    wanted.append(("OperationRequest", "validation", TypeAdapter(OperationRequest)))
    wanted.append(("NewSchedule", "validation", TypeAdapter(NewSchedule)))
    wanted.append(("RepublishRequest", "validation", TypeAdapter(RepublishRequest)))
    for name, task_type in catalogue.items():
        wanted.append((f"payload {name}", "validation", TypeAdapter(task_type.payload_model)))
    references, holder = TypeAdapter.json_schemas(
        wanted, ref_template=_REFERENCE, schema_generator=_Strict
    )
    payloads = {name: references[(f"payload {name}", "validation")] for name in catalogue}
    return holder["$defs"], payloads


def _enqueue_request(
    general: dict[str, Any], payloads: Mapping[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    """One request schema a task type, told apart by `task_type`; adds them to `schemas`."""
    if not payloads:
        return general
    mapping = {}
    for name, payload in payloads.items():
        key = f"EnqueueRequest.{name}"
        fields = {**general["properties"], "task_type": {"const": name}, "payload": payload}
        schemas[key] = {**general, "title": key, "properties": fields}
        mapping[name] = _REFERENCE.format(model=key)
    return {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "task_type", "mapping": mapping},
    }


def _batch() -> dict[str, Any]:
    one = {"$ref": _REFERENCE.format(model="EnqueueRequest")}
    tasks = {"type": "array", "minItems": 1, "maxItems": MAX_BATCH, "items": one}
    return {
        "type": "object",
        "required": ["tasks"],
        "additionalProperties": False,
        "properties": {"tasks": tasks},
    }


def _examples(catalogue: Mapping[str, TaskType]) -> dict[str, Any]:
    """A body that is accepted, for each task type that has an example."""
    bodies = {
        name: {"task_type": name, "payload": example_of(one)} for name, one in catalogue.items()
    }
    return {name: {"value": body} for name, body in bodies.items() if body["payload"] is not None}
