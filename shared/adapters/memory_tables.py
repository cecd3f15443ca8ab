"""The tables of the ledger in memory, and the moves that several of its parts share."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.domain.errors import LeaseLost
from shared.domain.follow_up import FollowUps
from shared.domain.ledger_rules import GIVEN_UP
from shared.domain.ports import DeskEntry, nothing
from shared.domain.task import FINAL, Attempt, Claim, DeadLetterCopy, Effect, Outgoing, State, Task


def later(moment: datetime, seconds: float) -> datetime:
    """The moment so many seconds after another."""
    return moment + timedelta(seconds=seconds)


@dataclass
class Row:
    """A task and what its row holds beside it."""

    task: Task
    fingerprint: str
    token: int = 0
    returns: int = 0
    published: bool = False
    lease_expires_at: datetime | None = None
    published_at: datetime | None = None
    attempts: list[Attempt] = field(default_factory=list)
    on_cancel: Callable[[], object] = nothing
    follow_ups: FollowUps | None = None
    on_end: "Callable[[Row], object] | None" = None

    @property
    def not_before(self) -> datetime | None:
        return self.task.not_before

    @not_before.setter
    def not_before(self, moment: datetime | None) -> None:
        self.change(not_before=moment)

    @property
    def expires_at(self) -> datetime | None:
        return self.task.expires_at

    def change(self, **fields: object) -> None:
        """Change columns that a reader sees."""
        before = self.task.state
        self.task = replace(self.task, **fields)  # type: ignore[arg-type]
        if self.on_end and self.task.state in FINAL and self.task.state is not before:
            self.on_end(self)

    def end_attempt(self, now: datetime, outcome: str, error: dict[str, str] | None) -> None:
        """Write the attempt that ran."""
        started = self.task.started_at or now
        number, generation = self.task.attempt, self.task.generation
        self.attempts.append(Attempt(generation, number, started, now, outcome, error))

    def outgoing(self) -> Outgoing:
        """What the task's message must carry."""
        t = self.task
        return Outgoing(
            t.id, t.generation, t.task_type, t.created_at, t.traceparent, t.ordering_key
        )


class MemoryTables:
    """What Postgres keeps in its tables; `now` is the database clock."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self.leader: object | None = None
        self._rows: dict[UUID, Row] = {}
        self._keys: dict[str, tuple[UUID, datetime]] = {}
        self._copies: dict[tuple[UUID, int], tuple[DeadLetterCopy, datetime]] = {}
        self.desk: dict[str, DeskEntry] = {}
        self.kept_at: dict[str, datetime] = {}
        self.paused: set[str] = set()
        self.effects: dict[tuple[UUID, str], Effect] = {}

    @property
    def rows(self) -> dict[UUID, Row]:
        """For the other ports in memory, which are tables beside this one."""
        return self._rows

    @property
    def keys(self) -> dict[str, tuple[UUID, datetime]]:
        """Each idempotency key's task, and since when."""
        return self._keys

    @property
    def copies(self) -> dict[tuple[UUID, int], tuple[DeadLetterCopy, datetime]]:
        """The dead-letter copies that are not confirmed, and when each is due."""
        return self._copies

    def forget(self, task_id: UUID) -> None:
        """Delete a task with what hangs on it."""
        task = self._rows.pop(task_id).task
        for generation in range(task.generation + 1):
            self._copies.pop((task_id, generation), None)

    def now(self) -> datetime:
        """The database's clock."""
        return self._now()

    def _held(self, claim: Claim) -> Row:
        """The row that the claim still holds. Raises: LeaseLost."""
        row = self._rows.get(claim.task_id)
        if not row or row.token != claim.token or row.task.state is not State.RUNNING:
            raise LeaseLost(claim.task_id, claim.token)
        return row

    def _bury(self, row: Row, now: datetime, kind: str) -> None:
        error = {"kind": kind, "message": GIVEN_UP[kind]}
        row.lease_expires_at, row.not_before = None, None
        row.token += 1
        row.change(state=State.DEAD, due_at=None, finished_at=now, error=row.task.error or error)
        self._copy(row)

    def _copy(self, row: Row) -> None:
        copy = DeadLetterCopy(row.outgoing(), row.task.attempt)
        self._copies.setdefault((row.task.id, row.task.generation), (copy, self._now()))
