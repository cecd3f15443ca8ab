"""What a caller may ask for, as models: REST, gRPC, OpenAPI and the client all use these."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

MAX_BATCH: Final = 1000
MAX_PAGE: Final = 500
DEFAULT_PAGE: Final = 50
MAX_BODY_BYTES: Final = 1_000_000

LabelKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
LabelValue = Annotated[str, Field(max_length=255)]
ConcurrencyKey = Annotated[str, Field(min_length=1, max_length=255)]
IdempotencyKey = Annotated[str, Field(min_length=1, max_length=255)]


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
