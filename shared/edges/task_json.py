"""A task as JSON: the shapes that REST answers, which are also where OpenAPI reads them from.

Plain dictionaries with types, so that an answer costs no validation. No protocol is known here.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.blob import Blob
from shared.domain.task import Attempt, Progress, State, Stored, Task

Time = Annotated[
    str,
    Field(
        description="RFC 3339, UTC.",
        json_schema_extra={"format": "date-time"},
        examples=["2026-11-24T12:00:00.000000Z"],
    ),
]
TaskId = Annotated[str, Field(description="UUIDv7.", json_schema_extra={"format": "uuid"})]
Failure = Annotated[
    dict[str, str], Field(description="`kind` and `message` of what went wrong last.")
]


class AcceptedJson(TypedDict):
    """A task that was accepted: it is stored, and will be run."""

    task_id: TaskId
    task_type: str
    state: State
    created_at: Time


class AttemptJson(TypedDict):
    """One run of the handler."""

    number: Annotated[int, Field(ge=1, description="Counts from 1 in each generation.")]
    generation: Annotated[int, Field(ge=0)]
    started_at: Time
    finished_at: Time | None
    outcome: str
    error: Failure | None


class ProgressJson(TypedDict):
    """How far a run has come, as its handler last said it."""

    percent: Annotated[float, Field(ge=0, le=100)]
    text: str
    at: Time


class TaskSummaryJson(TypedDict):
    """A task as listings show it: without payload, result and attempts, which may be large."""

    task_id: TaskId
    task_type: str
    state: State
    error: Failure | None
    labels: dict[str, str]
    ordering_key: str
    idempotency_key: str | None
    generation: Annotated[int, Field(ge=0, description="How often the task was redriven.")]
    attempt: Annotated[int, Field(ge=0, description="Attempts begun in this generation.")]
    created_at: Time
    started_at: Annotated[Time | None, Field(description="Start of the newest attempt.")]
    finished_at: Annotated[Time | None, Field(description="Set once the state is final.")]
    due_at: Annotated[
        Time | None, Field(description="When the relay looks at the task next, at the earliest.")
    ]
    not_before: Annotated[
        Time | None, Field(description="No attempt starts sooner; null: it may start.")
    ]
    expires_at: Annotated[
        Time | None, Field(description="No attempt starts later; null: it does not expire.")
    ]

    concurrency_key: str | None
    progress: Annotated[ProgressJson | None, Field(description="Of the newest attempt.")]
    cancel_requested_at: Annotated[
        Time | None, Field(description="When the run was asked to stop, because of a cancel.")
    ]
    parent_id: Annotated[TaskId | None, Field(description="The task that this one follows.")]
    group_id: Annotated[TaskId | None, Field(description="The group that this is a member of.")]
    follow_ups: Annotated[
        dict[str, TaskId],
        Field(description="The ids of `then` and `on_failure`; each exists once it follows."),
    ]


class BlobJson(TypedDict):
    """Where a payload stands that is too large for the ledger."""

    key: str
    bytes: int
    sha256: str


class TaskJson(TaskSummaryJson):
    """A task with everything that is known of it."""

    payload: Annotated[dict[str, Any], Field(description="Empty when `payload_blob` is set.")]
    payload_blob: Annotated[
        BlobJson | None,
        Field(description="Where a payload above 256 KB stands in the blob store."),
    ]
    result: Annotated[Any, Field(description="What the handler returned; null until then.")]
    attempts: Annotated[list[AttemptJson], Field(description="Oldest first.")]


def accepted_json(stored: Stored) -> AcceptedJson:
    """What a caller learns when its task was accepted."""
    return {
        "task_id": str(stored.id),
        "task_type": stored.task_type,
        "state": stored.state,
        "created_at": time_json(stored.created_at),
    }


def task_summary_json(task: Task) -> TaskSummaryJson:
    """The task without its payload, result and attempts."""
    return {
        "task_id": str(task.id),
        "task_type": task.task_type,
        "state": task.state,
        "error": task.error,
        "labels": task.labels,
        "ordering_key": task.ordering_key,
        "idempotency_key": task.idempotency_key,
        "generation": task.generation,
        "attempt": task.attempt,
        "created_at": time_json(task.created_at),
        "started_at": maybe_time_json(task.started_at),
        "finished_at": maybe_time_json(task.finished_at),
        "due_at": maybe_time_json(task.due_at),
        "concurrency_key": task.concurrency_key,
        "not_before": maybe_time_json(task.not_before),
        "expires_at": maybe_time_json(task.expires_at),
        "progress": progress_json(task.progress) if task.progress else None,
        "cancel_requested_at": maybe_time_json(task.cancel_requested_at),
        "parent_id": str(task.parent_id) if task.parent_id else None,
        "group_id": str(task.group_id) if task.group_id else None,
        "follow_ups": {name: str(one) for name, one in task.follow_ups.items()},
    }


def task_json(task: Task) -> TaskJson:
    """The task with payload, result and attempts."""
    return {
        **task_summary_json(task),
        "payload": task.payload,
        "payload_blob": blob_json(task.payload_blob) if task.payload_blob else None,
        "result": task.result,
        "attempts": [attempt_json(attempt) for attempt in task.attempts],
    }


def blob_json(blob: Blob) -> BlobJson:
    """Where the payload stands."""
    return {"key": blob.key, "bytes": blob.size, "sha256": blob.sha256}


def progress_json(progress: Progress) -> ProgressJson:
    """The last word of the handler."""
    return {"percent": progress.percent, "text": progress.text, "at": time_json(progress.at)}


def attempt_json(attempt: Attempt) -> AttemptJson:
    """One attempt; `finished_at` is null while it runs."""
    return {
        "number": attempt.number,
        "generation": attempt.generation,
        "started_at": time_json(attempt.started_at),
        "finished_at": maybe_time_json(attempt.finished_at),
        "outcome": attempt.outcome,
        "error": attempt.error,
    }


def time_json(moment: datetime) -> str:
    """An aware UTC time as RFC 3339, always with microseconds: such texts sort by time."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def maybe_time_json(moment: datetime | None) -> str | None:
    """As `time_json`, and null for no time."""
    return time_json(moment) if moment else None
