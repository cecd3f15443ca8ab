"""What a `record` task is told."""

from typing import Annotated

from pydantic import Field

from shared.domain.payload import Payload


class Record(Payload):
    """Where to write, how long to take, how many attempts fail."""

    file: str
    sleep_seconds: Annotated[float, Field(ge=0, le=50)] = 0
    fail_times: Annotated[int, Field(ge=0, le=3)] = 0
