"""Task types for tests that need none of the real ones."""

from typing import Annotated, Any

from pydantic import Field

from shared.domain.payload import Payload
from shared.domain.task_type import Limits, TaskType


class Greeting(Payload):
    """A payload with a required field and two optional ones, one of which may be large."""

    name: Annotated[str, Field(min_length=1, max_length=20)]
    times: Annotated[int, Field(ge=1, le=10)] = 1
    note: Annotated[str, Field(max_length=9_999_000)] = ""


def greeting_type(name: str = "greet", **limits: Any) -> TaskType:
    """A task type whose limits a test may set."""
    return TaskType(name, Limits.model_validate(limits), Greeting)


def catalogue() -> dict[str, TaskType]:
    """Two task types: `greet`, and `greet_in_order`, which takes ordering keys."""
    types = [greeting_type(), greeting_type("greet_in_order", ordering=True)]
    return {one.name: one for one in types}
