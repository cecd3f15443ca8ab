"""What a `noop` task may be told to do. Knows no handler."""

from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from shared.domain.payload import Payload


class Noop(Payload):
    """How the task shall behave; by default it succeeds at once."""

    sleep_seconds: Annotated[
        float, Field(ge=0, le=600, description="Wait so long without using the CPU.")
    ] = 0
    cpu_seconds: Annotated[
        float, Field(ge=0, le=60, description="Then keep the CPU, and the event loop, busy.")
    ] = 0
    fail_times: Annotated[
        int, Field(ge=0, le=100, description="So many attempts fail; the next one works.")
    ] = 0
    retry_after_seconds: Annotated[
        float | None,
        Field(ge=0, le=86_400, description="Those attempts ask to run again after this time."),
    ] = None
    reject: Annotated[bool, Field(description="Reject the task: dead at once.")] = False
    result: Annotated[JsonValue, Field(description="Comes back in the task's result.")] = None

    @model_validator(mode="after")
    def _retrying_needs_a_failure(self) -> Self:
        if self.retry_after_seconds is not None and self.fail_times == 0:
            raise ValueError("retry_after_seconds needs fail_times of at least 1")
        return self
