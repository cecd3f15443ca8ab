"""What the services need from the outside: the ledger, the publisher, the cache.

Each port has an in-memory implementation in `shared.adapters.memory` and one contract suite that
every implementation passes. Anything that cannot reach its server raises `LedgerUnavailable`
(ledger) or answers as if empty (cache): Postgres decides, Redis only remembers.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.domain.api_key import ApiKey
from shared.domain.envelope import Delivery, Message
from shared.domain.errors import IdempotencyConflict
from shared.domain.settlement import Settlement
from shared.domain.task import (
    Claim,
    DeadLetterCopy,
    Effect,
    Glimpse,
    NewTask,
    Outgoing,
    Refusal,
    State,
    Stored,
    Task,
)
from shared.domain.task_type import TaskType


def nothing() -> None:
    """For whoever need not be told."""


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks a listing shows; every condition that is set must hold."""

    task_type: str | None = None
    state: State | None = None
    labels: dict[str, str] = field(default_factory=dict)
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """A delivery that no row answers for, kept raw for a person to look at."""

    delivery: Delivery
    reason: str


class Ledger(Protocol):
    """The record of every task. Each method is one atomic move, on the database's clock."""

    async def add(self, tasks: Sequence[NewTask]) -> list[Stored | IdempotencyConflict]:
        """Store `tasks` as queued in one commit; one outcome each, in order.

        A task whose idempotency key is younger than 24 h is not stored: its outcome is the
        earlier task, or a conflict when the fingerprints differ.
        """
        ...

    async def mark_published(self, tasks: Sequence[Outgoing]) -> None:
        """Note that Pub/Sub has confirmed the messages of `tasks`. Safe to repeat."""
        ...

    async def claim(self, task_id: UUID, generation: int, task_type: TaskType) -> Claim | Refusal:
        """Take the next attempt of the task with a fresh lease and fencing token, or say why not.

        A lease that ended on the last attempt makes the task dead here (`Refusal.SPENT`).
        """
        ...

    async def hold(self, task_id: UUID, generation: int) -> bool:
        """Keep a task of a paused type back until the type is resumed; whether this call did it.

        It becomes scheduled without a time: nobody looks at it, nothing is spent.
        """
        ...

    async def put_back(self, claim: Claim, seconds: float) -> None:
        """Give a claim back at no cost: the task may be claimed again in `seconds`.

        Raises: LeaseLost when the claim's token is no longer the row's; nothing was written.
        """
        ...

    def renewing(
        self, claim: Claim, time_limit_seconds: float, on_cancel: Callable[[], object] = nothing
    ) -> AbstractAsyncContextManager[None]:
        """Keep the claim's lease alive inside the block, never past the time limit + 15 s.

        `on_cancel` is called, on the event loop and perhaps more than once, when the run is asked
        to stop.
        """
        ...

    async def finish(self, claim: Claim, settlement: Settlement) -> State:
        """Record how the attempt ended, and return the state that the task is in then.

        That is `cancelled` when the run was asked to stop, unless it succeeded or rejected.

        Raises: LeaseLost when the claim's token is no longer the row's; nothing was written.
        """
        ...

    async def get(self, task_id: UUID) -> Task | None:
        """The task with its attempts, oldest first."""
        ...

    async def find(self, wanted: TaskFilter, *, after: UUID | None, limit: int) -> list[Task]:
        """At most `limit` tasks (without attempts), newest first, older than id `after`."""
        ...

    async def cancel_all(self, task_ids: Sequence[UUID]) -> list[State | None]:
        """Cancel each task that waits; ask each that runs to stop. In one commit; safe to repeat.

        For each task `cancelled`, `running` (asked), or None: it was final, or there is none.
        """
        ...

    async def cancel(self, task_id: UUID) -> tuple[Task | None, bool]:
        """As `cancel_all`, for one: the task as it then is, and whether it can be cancelled."""
        ...

    async def take_due(self, attempts: dict[str, int], limit: int) -> list[Outgoing]:
        """Move at most `limit` due rows to `queued` (or `dead`, when spent); those to publish.

        `attempts` maps the known task types to their `max_attempts`; other types stay due.
        """
        ...

    async def take_copies(self, limit: int) -> list[DeadLetterCopy]:
        """Dead-letter copies that are not confirmed yet, each held from other relays for 30 s."""
        ...

    async def drop_copies(self, copies: Sequence[DeadLetterCopy]) -> None:
        """Forget copies that Pub/Sub has confirmed."""
        ...

    async def give_back(self, task_id: UUID, generation: int, max_attempts: int) -> State | None:
        """Answer a dead letter: a row with attempts left works again later, at most three times.

        Returns the state that the row is in afterwards; None when there is no such task.
        """
        ...

    async def keep_on_desk(self, entry: DeskEntry) -> None:
        """Keep a delivery that cannot be understood. Safe to repeat: one entry per message id."""
        ...

    async def ping(self) -> None:
        """Raises: LedgerUnavailable, also when the schema is not the one this code needs."""
        ...


class Watched(Protocol):
    """What it takes to watch tasks. Both raise LedgerUnavailable."""

    async def get(self, task_id: UUID) -> Task | None:
        """See `Ledger.get`."""
        ...

    async def glimpse(self, task_ids: Collection[UUID]) -> dict[UUID, Glimpse]:
        """How each of the tasks stands, in one read; those that are gone are missing."""
        ...


class Runs(Protocol):
    """What a run records while it runs, each in one statement that is fenced by its token.

    Every method raises LeaseLost, and has written nothing, when the token is no longer the task's.
    """

    async def say_progress(self, claim: Claim, percent: float, text: str) -> None:
        """Keep how far the run has come; the last word stays until the next attempt."""
        ...

    async def recall(self, claim: Claim, key: str) -> Effect | None:
        """The outcome that this or an earlier attempt recorded under `key`, or None."""
        ...

    async def record(self, claim: Claim, key: str, effect: Effect) -> None:
        """Record the outcome of the effect `key`; the first record stays."""
        ...


class RunLedger(Ledger, Runs, Watched, Protocol):
    """What it takes to run tasks, and to watch them."""


class Publisher(Protocol):
    """Sends messages to topics."""

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Publish in batches; for each message whether Pub/Sub confirmed it. Never raises."""
        ...

    async def ping(self) -> None:
        """Raises: ConnectionError when Pub/Sub cannot be reached."""
        ...


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What an idempotency key stands for."""

    task_id: UUID
    fingerprint: str


class TaskCache(Protocol):
    """Remembers final rows and recent idempotency keys; may be empty or gone at any time.

    A row that may still change is never cached: a reader that was slow could put it back after the
    move that changed it. That goes for dead ones too, which may be redriven. No method
    but `ping` raises when the cache is away.
    """

    async def get(self, task_id: UUID) -> Task | None:
        """The cached task, or None."""
        ...

    async def put(self, task: Task) -> None:
        """Remember a task for a while, when nothing can change it any more."""
        ...

    async def drop(self, task_id: UUID) -> None:
        """Forget a task whose final row has changed."""
        ...

    async def get_key(self, key: str) -> KeyRecord | None:
        """What the idempotency key stands for, or None when it is not known here."""
        ...

    async def put_key(self, key: str, record: KeyRecord) -> None:
        """Remember a key whose task is committed, for less than its window of 24 h."""
        ...

    async def ping(self) -> None:
        """Raises: ConnectionError when the cache cannot be reached."""
        ...


class KeyStore(Protocol):
    """The API keys. Raises LedgerUnavailable when the database does not answer."""

    async def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        ...

    async def find(self, key_id: str) -> ApiKey | None:
        """The key of this id, whatever its state."""
        ...

    async def all(self) -> list[ApiKey]:
        """Every key, oldest first."""
        ...

    async def revoke(self, key_id: str) -> ApiKey | None:
        """End a key from now on, and return it; None when there is none. Safe to repeat."""
        ...

    async def used(self, key_id: str) -> None:
        """Note that a key admits somebody now."""
        ...
