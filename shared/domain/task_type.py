"""A task type: its limits (`task.yaml`), its payload model, and its names on Pub/Sub."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.domain.errors import InvalidField, InvalidPayload
from shared.domain.payload import Payload
from shared.domain.schedule import ScheduleSpec

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

NAME_PATTERN: Final = r"^[a-z][a-z0-9_]{1,22}[a-z0-9]$"
TAKEN_NAMES: Final = frozenset(
    {"enqueue", "relay", "dead_letter", "grpc_gateway"}
    | {"migrate", "build", "push", "scheduler", "api_gateway"}
)
"""Functions and services of the system itself, and accounts that work for it in the cloud."""
MAX_PROBLEMS: Final = 100
MAX_SHORT_SECONDS: Final = 570
"""A push waits 600 s at most for its answer."""
MAX_LONG_SECONDS: Final = 86_400
MAX_ACK_DEADLINE_SECONDS: Final = 600
LONG_ACK_DEADLINE_SECONDS: Final = 60
ACK_MARGIN_SECONDS: Final = 30
"""An ack deadline leaves a run this long to record its outcome after its time limit."""


MEMORY_OF_CPU: Final = (
    (0.08, 128, 512),
    (0.5, 128, 1024),
    (1, 128, 4096),
    (2, 128, 8192),
    (4, 2048, 16384),
    (6, 4096, 24576),
    (8, 4096, 32768),
)
"""From so many CPUs on: the least and the most memory in MiB. Source: Cloud Run, "vCPU and memory
table"; a CPU that stays on needs a whole one and 512 MiB."""
ClassName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Retry(BaseModel):
    """Who brings a failed task back, and how long the back-off between two attempts is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["pubsub", "ledger"] = "pubsub"
    min_seconds: Annotated[float, Field(ge=0, le=600)] = 10
    max_seconds: Annotated[float, Field(ge=0, le=600)] = 600

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError(
                f"min_seconds ({self.min_seconds:g}) is above max_seconds ({self.max_seconds:g})"
            )
        return self


class Limits(BaseModel):
    """What `task.yaml` says; each field has its default and range (DESIGN, section 6)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = ""
    labels: dict[str, str] = {}
    time_limit_seconds: Annotated[int, Field(ge=1, le=MAX_LONG_SECONDS)] = 60
    ack_deadline_seconds: Annotated[int, Field(ge=10, le=600)] = 0
    max_attempts: Annotated[int, Field(ge=5, le=100)] = 5
    retry: Retry = Retry()
    mode: Literal["short", "long"] = "short"
    cpu: Annotated[float, Field(ge=0.08, le=8)] = 1
    memory_mb: Annotated[int, Field(ge=128, le=32768)] = 512
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 80
    max_instances: Annotated[int, Field(ge=1, le=1000)] = 100
    ordering: bool = False
    non_retryable: list[ClassName] = []
    schedules: Annotated[tuple[ScheduleSpec, ...], Field(max_length=100)] = ()
    max_concurrent: Annotated[int, Field(ge=1, le=10000)] | None = None
    max_concurrent_per_key: Annotated[int, Field(ge=1, le=10000)] | None = None
    rate_per_second: Annotated[float, Field(ge=0.01, le=10000)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _ack_deadline_follows_the_time_limit(cls, given: Any) -> Any:
        """A long run is acked at its beginning, so it needs no more than a claim's time."""
        if isinstance(given, dict) and "ack_deadline_seconds" not in given:
            limit = given.get("time_limit_seconds", 60)
            if given.get("mode") == "long":
                given = {**given, "ack_deadline_seconds": LONG_ACK_DEADLINE_SECONDS}
            elif isinstance(limit, int) and limit <= MAX_SHORT_SECONDS:
                given = {**given, "ack_deadline_seconds": max(limit + ACK_MARGIN_SECONDS, 10)}
            else:
                given = {**given, "ack_deadline_seconds": MAX_ACK_DEADLINE_SECONDS}
        return given

    @model_validator(mode="before")
    @classmethod
    def _a_long_run_is_retried_by_the_ledger(cls, given: Any) -> Any:
        """Its delivery is acked before anybody knows how it ends."""
        if isinstance(given, dict) and given.get("mode") == "long":
            retry = given.get("retry", {})
            if isinstance(retry, dict) and "by" not in retry:
                return {**given, "retry": {**retry, "by": "ledger"}}
        return given

    @model_validator(mode="after")
    def _limits_fit_together(self) -> Self:
        if self.mode == "long":
            if self.retry.by != "ledger":
                raise ValueError("mode: long needs retry.by: ledger")
        elif self.time_limit_seconds > MAX_SHORT_SECONDS:
            raise ValueError(
                f"time_limit_seconds ({self.time_limit_seconds}) above {MAX_SHORT_SECONDS} "
                "needs mode: long"
            )
        elif self.ack_deadline_seconds < self.time_limit_seconds + ACK_MARGIN_SECONDS:
            raise ValueError(
                f"ack_deadline_seconds ({self.ack_deadline_seconds}) must be at least "
                f"time_limit_seconds + {ACK_MARGIN_SECONDS} "
                f"({self.time_limit_seconds + ACK_MARGIN_SECONDS})"
            )
        if self.concurrency > 1 and self.cpu < 1:
            raise ValueError(f"concurrency ({self.concurrency}) above 1 needs cpu of at least 1")
        if self.cpu > 1 and self.cpu not in (row[0] for row in MEMORY_OF_CPU):
            raise ValueError(f"cpu ({self.cpu:g}) above 1 must be 2, 4, 6 or 8")
        least, most = next(row[1:] for row in reversed(MEMORY_OF_CPU) if row[0] <= self.cpu)
        if not least <= self.memory_mb <= most:
            raise ValueError(
                f"memory_mb ({self.memory_mb}) must be {least} to {most} with cpu {self.cpu:g}"
            )
        if self.mode == "long" and (self.cpu < 1 or self.memory_mb < 512):
            raise ValueError(
                f"mode long needs cpu ({self.cpu:g}) of at least 1 and memory_mb "
                f"({self.memory_mb}) of at least 512: its CPU stays on"
            )
        return self


@dataclass(frozen=True, slots=True)
class TaskType:
    """One kind of work: everything that the path of a task needs to know about it."""

    name: str
    limits: Limits
    payload_model: type[Payload]

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME_PATTERN, self.name):
            raise ValueError(f"task type name {self.name!r} does not match {NAME_PATTERN}")
        if self.name in TAKEN_NAMES:
            raise ValueError(
                f"task type name {self.name!r} is taken: the system has a function or an account "
                "of that name; choose another"
            )
        if self.name.endswith("_dead"):
            raise ValueError(
                f"task type name {self.name!r} ends in _dead: its topic would be the dead-letter "
                f"topic of {self.name.removesuffix('_dead')!r}"
            )

    @property
    def topic(self) -> str:
        """Short id of the topic that carries this type's messages."""
        return f"tasks-{self.name.replace('_', '-')}"

    @property
    def push_subscription(self) -> str:
        """Short id of the subscription that pushes to this type's function."""
        return f"{self.topic}-push"

    @property
    def dead_letter_topic(self) -> str:
        """Short id of the topic that keeps what was given up on."""
        return f"{self.topic}-dead"

    def check(self, payload: dict[str, Any]) -> Payload:
        """Return `payload` as this type's model.

        Raises: InvalidPayload with every problem at once, each with its field.
        """
        try:
            return self.payload_model.model_validate(payload)
        except ValidationError as refused:
            raise InvalidPayload(self.name, problems_of(refused)) from None


def problems_of(refused: ValidationError, prefix: str = "payload") -> tuple[InvalidField, ...]:
    """The problems that the validating library found, each with the path of its field.

    At most 100: who sends more gets the rest after mending these.
    """
    found = refused.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        InvalidField(".".join((prefix, *map(str, problem["loc"]))).lstrip("."), _said(problem))
        for problem in found[:MAX_PROBLEMS]
    )


def _said(problem: "ErrorDetails") -> str:
    """The library's words, without what only a reader of this code could understand."""
    if problem["type"] in ("model_type", "dict_type"):
        return "Input should be an object"
    return problem["msg"].removeprefix("Value error, ")
