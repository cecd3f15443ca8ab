"""The API's JSON as types: what is sent and what comes back. No behaviour."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict


class FollowUpRequest(TypedDict):
    """What shall follow; `result_as` is the payload's field that takes the earlier result."""

    task_type: str
    payload: NotRequired[Mapping[str, Any]]
    result_as: NotRequired[str]
    labels: NotRequired[Mapping[str, str]]
    concurrency_key: NotRequired[str]
    delay_seconds: NotRequired[float]
    expires_in_seconds: NotRequired[float]
    then: NotRequired["FollowUpRequest"]
    on_failure: NotRequired["FollowUpRequest"]


class TaskRequest(TypedDict):
    """What to enqueue. `payload` must fit the task type's model."""

    task_type: str
    payload: Mapping[str, Any]
    idempotency_key: NotRequired[str]
    ordering_key: NotRequired[str]
    labels: NotRequired[Mapping[str, str]]
    concurrency_key: NotRequired[str]
    run_at: NotRequired[str]
    delay_seconds: NotRequired[float]
    expires_in_seconds: NotRequired[float]
    then: NotRequired[FollowUpRequest]
    on_failure: NotRequired[FollowUpRequest]


class Receipt(TypedDict):
    """An accepted task: it is stored, and will run.

    `replayed` says that it is the earlier task of the same idempotency key.
    """

    task_id: str
    task_type: str
    state: str
    created_at: str
    replayed: bool


class AttemptJson(TypedDict):
    """One run of the handler; times are RFC 3339 in UTC, null while it runs."""

    number: int
    generation: int
    started_at: str
    finished_at: str | None
    outcome: str
    error: dict[str, str] | None


class ProgressJson(TypedDict):
    """How far a run has come, as its handler last said it."""

    percent: float
    text: str
    at: str


class TaskSummary(TypedDict):
    """A task as listings show it; times are RFC 3339 in UTC, null when they are not yet."""

    task_id: str
    task_type: str
    state: str
    error: dict[str, str] | None
    labels: dict[str, str]
    ordering_key: str
    idempotency_key: str | None
    generation: int
    attempt: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    due_at: str | None
    concurrency_key: str | None
    not_before: str | None
    expires_at: str | None
    progress: ProgressJson | None
    cancel_requested_at: str | None
    parent_id: str | None
    group_id: str | None
    follow_ups: dict[str, str]


class BlobJson(TypedDict):
    """Where a payload above 256 KB stands in the blob store."""

    key: str
    bytes: int
    sha256: str


class TaskJson(TaskSummary):
    """A task with everything that is known of it; attempts are oldest first."""

    payload: dict[str, Any]
    payload_blob: BlobJson | None
    result: Any
    attempts: list[AttemptJson]


class TaskTypeJson(TypedDict):
    """A task type: its limits as in `task.yaml`, and the JSON Schema of its payload."""

    name: str
    description: str
    limits: dict[str, Any]
    payload_schema: dict[str, Any]
    example: NotRequired[dict[str, Any] | None]
