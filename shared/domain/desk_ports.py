"""What the dead-letter desk, bulk operations, pauses and the audit need from the outside.

As in `ports`: an in-memory implementation each, one contract suite, `LedgerUnavailable` when the
database does not answer. What a person does is written into the audit by the very statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from shared.domain.desk import DeadTask, RawDelivery, Redrive
from shared.domain.operation import (
    NewOperation,
    Operation,
    OperationItem,
    OperationKind,
    Outcome,
    Preview,
    Seen,
    Selection,
    Step,
)
from shared.domain.task import Outgoing


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what, when, to how much."""

    id: int
    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a task type is paused, who did it, since when."""

    task_type: str
    reason: str
    actor: str
    paused_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """What a task type has of each kind; a number at the limit means "at least so many"."""

    running: int = 0
    held: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Chores:
    """What the relay has to do for people: step operations, release what was held."""

    operations: bool = False
    held: bool = False


class Desk(Protocol):
    """What was given up on."""

    async def dead(
        self, task_type: str | None, *, after: UUID | None, limit: int
    ) -> list[DeadTask]:
        """At most `limit` dead tasks, newest (by id) first, older than `after`."""
        ...

    async def redrive(
        self, tasks: Sequence[Redrive], *, actor: str | None = None
    ) -> list[Outgoing]:
        """Put dead tasks back to work at their next generation; those that it moved, to publish.

        A task that is not dead, or not of the generation given, is left alone. With another payload
        its recorded effects are forgotten: they were of the old one. With an `actor`, audited.
        """
        ...

    async def discard(self, tasks: Sequence[Redrive]) -> None:
        """Make dead tasks cancelled; their error stays. Others are left alone. Safe to repeat."""
        ...

    async def raw(self, *, after: str | None, limit: int) -> list[RawDelivery]:
        """Deliveries that were kept raw, newest first, older than message `after`."""
        ...

    async def discard_raw(self, message_ids: Sequence[str], *, actor: str) -> int:
        """Forget raw deliveries; how many there were. Audited."""
        ...


class Operations(Protocol):
    """Bulk operations and their items."""

    async def preview(self, kind: OperationKind, selection: Selection) -> Preview:
        """What the operation would concern now. Changes nothing."""
        ...

    async def create(self, new: NewOperation) -> Operation:
        """Make the operation with all its items, in one commit. Audited.

        Tasks named by id that it cannot change are items that are skipped already.
        """
        ...

    async def get(self, operation_id: UUID) -> Operation | None:
        """The operation with its counts."""
        ...

    async def all(self, *, after: UUID | None, limit: int) -> list[Operation]:
        """At most `limit` operations, newest first, older than `after`."""
        ...

    async def items(
        self, operation_id: UUID, outcome: Outcome | None, *, after: UUID | None, limit: int
    ) -> list[OperationItem]:
        """At most `limit` items in the order of their ids, past `after`."""
        ...

    async def stop(self, operation_id: UUID, *, actor: str) -> Operation | None:
        """Take no more items of a running operation; the operation as it then is. Audited."""
        ...

    async def next_step(self, limit: int) -> Step | None:
        """The next items of an operation whose rate allows some, or None. Ends one without any."""
        ...

    async def seen(self, task_ids: Sequence[UUID]) -> Mapping[UUID, Seen]:
        """What the rows say; ids without a row are missing."""
        ...

    async def record(self, operation_id: UUID, items: Sequence[OperationItem]) -> None:
        """Note the outcome of each item once, and count it. Safe to repeat."""
        ...


class Pauses(Protocol):
    """Task types that take no deliveries, and what they hold back."""

    async def all(self) -> list[Pause]:
        """Every paused type, by name."""
        ...

    async def pause(self, task_type: str, *, reason: str, actor: str) -> Pause:
        """Refuse claims of this type from now on. Pausing again keeps the first. Audited."""
        ...

    async def resume(self, task_type: str, *, actor: str) -> bool:
        """Let the type work again; whether it was paused. The relay brings back what was held."""
        ...

    async def counts(self, task_types: Sequence[str], limit: int) -> Mapping[str, Counts]:
        """What each type has; counting ends at `limit`."""
        ...

    async def release(self, task_types: Sequence[str], limit: int) -> list[Outgoing]:
        """Queue at most `limit` held tasks of those types that are not paused; those to publish."""
        ...

    async def chores(self, task_types: Sequence[str]) -> Chores:
        """Whether there is anything to step or to release: one cheap question."""
        ...


class Audit(Protocol):
    """Who did what."""

    async def lines(self, *, before: int | None, limit: int) -> list[AuditLine]:
        """At most `limit` lines, newest first, older than line `before`."""
        ...
