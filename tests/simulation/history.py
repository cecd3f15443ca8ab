"""What happened in one run: what clients were told, what the rows did, what the handlers did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.domain.envelope import Delivery, Message
from shared.domain.task import State, Task


@dataclass(frozen=True, slots=True)
class Told:
    """A client has this answer: the task is accepted."""

    task_id: UUID
    key: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """A row went from one state to another; `before` is None for a new row."""

    at: datetime
    task_id: UUID
    before: State | None
    after: State
    generation: int
    attempt: int


@dataclass(slots=True)
class Run:
    """One run of a handler, as the handler itself wrote it down; `returned` is its result."""

    task_id: UUID
    generation: int
    attempt: int
    token: int
    returned: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """The ledger gave out the right to run a task, at this place in the list of moves."""

    at: datetime
    task_id: UUID
    token: int
    moves_before: int


@dataclass(slots=True)
class History:
    """Everything that the invariants look at."""

    seed: int
    told: list[Told] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    claims: list[Claimed] = field(default_factory=list)
    delays: dict[UUID, float] = field(default_factory=dict)
    born: dict[UUID, datetime] = field(default_factory=dict)
    """When a row was first seen, and how long it was to wait from then."""
    defects: list[str] = field(default_factory=list)
    """Errors that no code expected."""
    runs: list[Run] = field(default_factory=list)
    pauses: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    payments: list[tuple[Run, int]] = field(default_factory=list)
    """Who paid, and how many had been told by then that they need not."""
    paid: list[tuple[Run, int]] = field(default_factory=list)
    """Who was told that it is paid, and by the run of which token."""
    dead_letters: list[Delivery] = field(default_factory=list)
    published: Sequence[Message] = ()
    faults: list[str] = field(default_factory=list)
    rows: dict[UUID, Task] = field(default_factory=dict)
    outstanding: int = 0
