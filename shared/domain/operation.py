"""Bulk operations: a change of many tasks that the service makes by itself, item by item. Pure.

Which tasks it concerns is frozen when it is made; each item is decided once, by its row.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from shared.domain.task import State

MAX_ITEMS: Final = 100_000
MAX_IDS: Final = 1000
MAX_PER_SECOND: Final = 10_000


class OperationKind(StrEnum):
    """What is done to each task."""

    REDRIVE = "redrive"
    """Dead tasks go back to work."""
    CANCEL = "cancel"
    """Unfinished tasks are cancelled."""
    DISCARD = "discard"
    """Dead tasks leave the desk: they become cancelled, with their error."""


class OperationState(StrEnum):
    """Where an operation stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


class Outcome(StrEnum):
    """What became of an item."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tasks an operation concerns: all conditions hold, or else exactly `task_ids`.

    A `group` comes with the ids of its members, who are then not said again.
    `until` freezes the window: who died (for a cancel: was stored) after it is not concerned.
    """

    task_type: str | None = None
    state: State | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    created_after: datetime | None = None
    created_before: datetime | None = None
    group: str | None = None
    task_ids: tuple[UUID, ...] | None = None
    until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """What is set, as a row and an answer hold it."""
        said = {name: value for name, value in asdict(self).items() if value}
        for name in ("created_after", "created_before", "until"):
            if name in said:
                said[name] = said[name].isoformat()
        said.pop("task_ids", None)
        if self.task_ids and not self.group:
            said["task_ids"] = [str(one) for one in self.task_ids]
        return said


@dataclass(frozen=True, slots=True)
class NewOperation:
    """An operation that is about to be made."""

    id: UUID
    kind: OperationKind
    selection: Selection
    actor: str
    per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an operation would concern now: how many of each type, and the moment of the count."""

    by_type: dict[str, int]
    skipped: int
    until: datetime

    @property
    def total(self) -> int:
        """How many tasks would be changed."""
        return sum(self.by_type.values())


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the operations. `total` counts every item, also those skipped at the start."""

    id: UUID
    kind: OperationKind
    state: OperationState
    filter: dict[str, Any]
    actor: str
    per_second: float | None
    total: int
    succeeded: int
    skipped: int
    failed: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class OperationItem:
    """One task of an operation; `outcome` is None until it is decided."""

    task_id: UUID
    generation: int
    outcome: Outcome | None = None
    reason: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The next items of an operation that may be done now."""

    operation_id: UUID
    kind: OperationKind
    items: list[OperationItem]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a row says after its item was tried."""

    task_type: str
    state: State
    generation: int
    cancel_requested: bool


def concerned(kind: OperationKind) -> frozenset[State]:
    """The states that an operation of this kind can change."""
    if kind is OperationKind.CANCEL:
        return frozenset({State.SCHEDULED, State.QUEUED, State.RUNNING, State.RETRYING})
    return frozenset({State.DEAD})


def judged(kind: OperationKind, item: OperationItem, row: Seen | None) -> tuple[Outcome, str]:
    """What became of an item, from its row alone: judging it again gives the same.

    So an item whose step was killed half-way is done again without harm.
    """
    if row is None:
        return Outcome.SKIPPED, "there is no such task any more"
    if kind is OperationKind.REDRIVE and row.generation > item.generation:
        return Outcome.SUCCEEDED, ""
    if kind is not OperationKind.REDRIVE and row.state is State.CANCELLED:
        return Outcome.SUCCEEDED, ""
    if kind is OperationKind.CANCEL and row.cancel_requested and row.state is State.RUNNING:
        return Outcome.SUCCEEDED, "it runs, and was asked to stop"
    return Outcome.SKIPPED, f"it is {row.state}"
