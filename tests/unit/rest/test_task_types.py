"""What callers are told of task types, and the sample payloads that are made from schemas."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, HttpUrl

from shared.domain.payload import Payload
from shared.domain.task_type import Limits, TaskType
from shared.edges.task_type_json import example_of, task_type_json
from tests.support.task_types import greeting_type


class Inner(BaseModel):
    code: Annotated[str, Field(min_length=12, max_length=12)]


class Everything(Payload):
    inner: Inner
    many: Annotated[list[Inner], Field(min_length=2)]
    url: HttpUrl
    at: datetime
    id: UUID
    kind: Literal["b", "a"]
    one: Literal[1]
    number: Annotated[float, Field(gt=3)]
    count: Annotated[int, Field(ge=5)]
    maybe: str | None
    said: Annotated[str, Field(examples=["as told"])]
    yes: bool
    optional: int = 3


class Picky(Payload):
    word: Annotated[str, Field(pattern="^swordfish$")]


def type_of(model: type[Payload]) -> TaskType:
    return TaskType("some_type", Limits(), model)


def test_a_sample_has_the_required_fields_and_fits():
    example = example_of(type_of(Everything))

    assert example["said"] == "as told"
    assert example["kind"] == "b"
    assert len(example["many"]) == 2
    assert "optional" not in example
    assert Everything.model_validate(example).at == datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_model_that_no_sample_fits_has_none():
    assert example_of(type_of(Picky)) is None


def test_a_task_type_shows_its_limits_with_their_defaults():
    told = task_type_json(greeting_type(description="Greets.", max_attempts=7))

    assert told["description"] == "Greets."
    assert (told["limits"]["max_attempts"], told["limits"]["ack_deadline_seconds"]) == (7, 90)
    assert told["example"] == {"name": "text"}


async def test_the_types_are_listed(http):
    answer = (await http.get("/task-types")).json()

    assert [one["name"] for one in answer["task_types"]] == ["greet", "greet_in_order"]


@pytest.mark.parametrize("field", ["name", "description", "limits", "payload_schema", "example"])
def test_a_task_type_has_every_member_that_is_promised(field):
    assert field in task_type_json(greeting_type())
