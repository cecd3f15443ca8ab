"""A task type as JSON: its limits, the schema of its payload, and a payload that it accepts."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.errors import InvalidPayload
from shared.domain.task_type import TaskType
from shared.edges.sample import sample_of


class TaskTypeJson(TypedDict):
    """One kind of work."""

    name: str
    description: str
    limits: Annotated[dict[str, Any], Field(description="As in its task.yaml, with the defaults.")]
    payload_schema: Annotated[dict[str, Any], Field(description="JSON Schema of the payload.")]
    example: Annotated[dict[str, Any] | None, Field(description="A payload that is accepted.")]


class TaskTypesJson(TypedDict):
    """The task types that are deployed, by name."""

    task_types: list[TaskTypeJson]


def task_type_json(task_type: TaskType) -> TaskTypeJson:
    """What a caller needs to know to enqueue tasks of this type."""
    return {
        "name": task_type.name,
        "description": task_type.limits.description,
        "limits": task_type.limits.model_dump(mode="json", exclude={"description", "schedules"}),
        "payload_schema": task_type.payload_model.model_json_schema(),
        "example": example_of(task_type),
    }


def example_of(task_type: TaskType) -> dict[str, Any] | None:
    """A payload that the type accepts, made from its schema; None when the schema does not tell
    enough: an `examples` at the model's fields helps."""
    schema = task_type.payload_model.model_json_schema()
    example = sample_of(schema, schema.get("$defs", {}))
    try:
        task_type.check(example)
    except InvalidPayload:
        return None
    return dict(example)
