"""What a caller may ask for, as models: REST, gRPC, OpenAPI and the client all use these."""

import re
from typing import Annotated, Any, Final, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

MAX_BATCH: Final = 1000
MAX_PAGE: Final = 500
DEFAULT_PAGE: Final = 50
MAX_BODY_BYTES: Final = 1_000_000

MAX_DELAY_SECONDS: Final = 31_536_000
"""A year, in seconds: how far ahead a task may be scheduled."""

RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _rfc3339(said: Any) -> Any:
    """Nothing else is a time: a number could be seconds or milliseconds."""
    if not isinstance(said, str) or not RFC3339.fullmatch(said):
        raise ValueError("it must be an RFC 3339 time such as 2026-11-24T12:00:00Z")
    return said


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
Seconds = Annotated[float, Field(strict=True, le=MAX_DELAY_SECONDS, allow_inf_nan=False)]
LabelKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
LabelValue = Annotated[str, Field(max_length=255)]
ConcurrencyKey = Annotated[str, Field(min_length=1, max_length=255)]
IdempotencyKey = Annotated[str, Field(min_length=1, max_length=255)]


class FollowUpRequest(BaseModel):
    """A task that is stored when the one before it has ended, in the same commit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task_type: Annotated[str, Field(min_length=1, max_length=64, description="The kind of work.")]
    payload: Annotated[dict[str, Any], Field(description="The task type's own input.")] = {}
    result_as: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=255,
            description="The field of the payload that takes what the task before ended with: for "
            "`then` its result; for `on_failure` its `task_id`, `state`, and the error's `kind` "
            "and `message`; after a group its `group_id`, `total` and `failed`.",
        ),
    ] = None
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=16)] = {}
    concurrency_key: ConcurrencyKey | None = None
    delay_seconds: Annotated[Seconds, Field(ge=0)] | None = None
    expires_in_seconds: Annotated[Seconds, Field(gt=0)] | None = None
    then: "FollowUpRequest | None" = None
    on_failure: "FollowUpRequest | None" = None


class EnqueueRequest(BaseModel):
    """One task to accept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task_type: Annotated[
        str,
        Field(
            min_length=1, max_length=64, description="The kind of work.", examples=["send_email"]
        ),
    ]
    payload: Annotated[
        dict[str, Any], Field(description="The task type's own input; see GET /task-types.")
    ]
    idempotency_key: Annotated[
        IdempotencyKey | None,
        Field(description="The same key within 24 h gives the same task, whatever the retries."),
    ] = None
    ordering_key: Annotated[
        str,
        Field(
            max_length=1024,
            description="Tasks of one key run in order; only for types with `ordering: true`.",
        ),
    ] = ""
    labels: Annotated[
        dict[LabelKey, LabelValue],
        Field(max_length=16, description="Shown and filtered by; never interpreted."),
    ] = {}
    concurrency_key: Annotated[
        ConcurrencyKey | None,
        Field(description="Of one key only the type's `max_concurrent_per_key` run at once."),
    ] = None
    run_at: Annotated[
        Moment | None,
        Field(
            description="Start no sooner: RFC 3339 with an offset, at most a year ahead; one that "
            "is past means now. Not with delay_seconds."
        ),
    ] = None
    delay_seconds: Annotated[
        Annotated[Seconds, Field(ge=0)] | None,
        Field(description="Start no sooner than so long after it was accepted; up to a year."),
    ] = None
    expires_in_seconds: Annotated[
        Annotated[Seconds, Field(gt=0)] | None,
        Field(
            description="Do not start an attempt later than this, counted from its time: run_at, "
            "or the end of its delay, or its acceptance. Then it is `expired`.",
        ),
    ] = None

    then: Annotated[
        FollowUpRequest | None, Field(description="The task that follows when this one succeeded.")
    ] = None
    on_failure: Annotated[
        FollowUpRequest | None,
        Field(description="The task that follows when this one is dead, cancelled or expired."),
    ] = None

    @model_validator(mode="after")
    def _has_one_time(self) -> Self:
        if self.run_at is not None and self.delay_seconds is not None:
            raise ValueError("run_at and delay_seconds are both given; give one of them")
        return self


class GroupRequest(BaseModel):
    """Up to 1,000 tasks, and what follows when the last of them has ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: Annotated[
        list[Any], Field(min_length=1, max_length=MAX_BATCH, description="As for a batch.")
    ]
    then: Annotated[
        FollowUpRequest | None, Field(description="Follows when every task succeeded.")
    ] = None
    on_failure: Annotated[
        FollowUpRequest | None,
        Field(description="Follows when all have ended and one did not succeed."),
    ] = None
    idempotency_key: Annotated[
        IdempotencyKey | None,
        Field(description="The same key gives the same group for as long as the group is kept."),
    ] = None
