"""A task as the ledger keeps it: its states, its row, its attempts."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from shared.domain.blob import Blob
    from shared.domain.follow_up import FollowUps


class State(StrEnum):
    """Where a task stands (DESIGN, states)."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


FINAL: Final = frozenset({State.SUCCEEDED, State.DEAD, State.CANCELLED, State.EXPIRED})
SETTLED: Final = FINAL - {State.DEAD}
"""Nothing leads out of these; a dead task may be redriven."""
CANCELLABLE: Final = frozenset({State.SCHEDULED, State.QUEUED, State.RETRYING})


@dataclass(frozen=True, slots=True)
class NewTask:
    """A checked task that is about to be stored."""

    id: UUID
    task_type: str
    payload: dict[str, Any]
    traceparent: str
    fingerprint: str = ""
    idempotency_key: str | None = None
    ordering_key: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    concurrency_key: str | None = None
    run_at: datetime | None = None
    delay_seconds: float | None = None
    expires_in_seconds: float | None = None
    follow_ups: "FollowUps | None" = None
    group_id: UUID | None = None
    payload_blob: "Blob | None" = None
    """Where the payload stands when it is too large for the row; `payload` is empty then."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the ledger did with a new task: a row of its own, or the earlier one of its key."""

    id: UUID
    task_type: str
    state: State
    created_at: datetime
    is_new: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a handler, numbered from 1 in each generation; unfinished while it runs."""

    generation: int
    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    error: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come, as its handler last said it: 0 to 100 percent, and a few words."""

    percent: float
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """The recorded outcome of a side effect: a JSON value."""

    result: Any


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the ledger, as it is read. Times are aware UTC."""

    id: UUID
    task_type: str
    state: State
    payload: dict[str, Any]
    result: Any
    error: dict[str, str] | None
    labels: dict[str, str]
    ordering_key: str
    idempotency_key: str | None
    generation: int
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    due_at: datetime | None
    traceparent: str
    not_before: datetime | None = None
    expires_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    concurrency_key: str | None = None
    progress: Progress | None = None
    cancel_requested_at: datetime | None = None
    parent_id: UUID | None = None
    group_id: UUID | None = None
    follow_ups: dict[str, UUID] = field(default_factory=dict)
    payload_blob: "Blob | None" = None


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a watcher of a task waits for a change of."""

    state: State
    generation: int
    attempt: int
    started_at: datetime | None
    cancel_requested_at: datetime | None
    progress: Progress | None

    @property
    def mark(self) -> str:
        """Sixteen characters that are another's when anything differs."""
        whole = [*self.key, self.progress and self.progress.at.timestamp()]
        return hashlib.blake2s(repr(whole).encode(), digest_size=8).hexdigest()

    @property
    def key(self) -> list[Any]:
        """All but the progress."""
        started, asked = self.started_at, self.cancel_requested_at
        times = [moment and moment.timestamp() for moment in (started, asked)]
        return [self.state.value, self.generation, self.attempt, *times]


def glimpse_of(task: Task) -> Glimpse:
    """What a watcher sees of `task`."""
    return Glimpse(
        task.state,
        task.generation,
        task.attempt,
        task.started_at,
        task.cancel_requested_at,
        task.progress,
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a message about a task must carry: enough to publish it, now or later."""

    id: UUID
    generation: int
    task_type: str
    created_at: datetime
    traceparent: str
    ordering_key: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetterCopy:
    """A dead task whose message Pub/Sub will not forward: we publish it as a dead letter."""

    task: Outgoing
    attempt: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one attempt of a task until its lease ends, and what the run needs."""

    task_id: UUID
    generation: int
    task_type: str
    attempt: int
    token: int
    payload: dict[str, Any]
    labels: dict[str, str]
    created_at: datetime
    traceparent: str
    concurrency_key: str | None = None
    payload_blob: "Blob | None" = None


class Refusal(StrEnum):
    """Why a delivery did not get its task."""

    UNKNOWN = "unknown"
    STALE_GENERATION = "stale_generation"
    FINAL = "final"
    RUNNING = "running"
    NOT_YET = "not_yet"
    PAUSED = "paused"
    EXPIRED = "expired"
    SPENT = "spent"
    CONTENDED = "contended"
