"""The ledger in memory: the port's rules on a dictionary, for tests of what stands on them.

Same contract suite as Postgres. One process, no durability.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.adapters.memory_run import MemoryRunMoves
from shared.domain.errors import IdempotencyConflict
from shared.domain.follow_up import FollowUp, FollowUps, ending_of, ids_of
from shared.domain.ledger_rules import (
    COPY_HOLD_SECONDS,
    GIVEN_UP,
    IDEMPOTENCY_WINDOW_SECONDS,
    LEASE_SECONDS,
    PUBLISH_GRACE_SECONDS,
    RETURN_DELAYS_SECONDS,
)
from shared.domain.ports import DeskEntry, TaskFilter, nothing
from shared.domain.settlement import Settlement
from shared.domain.task import (
    FINAL,
    Attempt,
    Claim,
    DeadLetterCopy,
    Effect,
    NewTask,
    Outgoing,
    Refusal,
    State,
    Stored,
    Task,
)
from shared.domain.task_type import TaskType


def _start_of(new: NewTask, now: datetime) -> datetime | None:
    """When the task may start, if that is not now."""
    start_at = new.run_at
    if new.delay_seconds is not None:
        start_at = _later(now, new.delay_seconds)
    return start_at if start_at and start_at > now else None


def _later(moment: datetime, seconds: float) -> datetime:
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


class MemoryLedger(MemoryRunMoves):
    """The ledger's rules on a dictionary; `now` is its database clock."""

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

    async def add(self, tasks: Sequence[NewTask]) -> list[Stored | IdempotencyConflict]:
        """See `Ledger.add`."""
        return [self._add(task) for task in tasks]

    def _add(self, new: NewTask) -> Stored | IdempotencyConflict:
        now = self._now()
        key = new.idempotency_key
        if key and key in self._keys:
            earlier, since = self._keys[key]
            if _later(since, IDEMPOTENCY_WINDOW_SECONDS) > now:
                row = self._rows[earlier]
                if row.fingerprint != new.fingerprint:
                    return IdempotencyConflict(key, earlier)
                t = row.task
                return Stored(t.id, t.task_type, t.state, t.created_at, is_new=False)
        if key:
            self._keys[key] = (new.id, now)
        start_at = _start_of(new, now)
        task = Task(
            id=new.id,
            task_type=new.task_type,
            state=State.SCHEDULED if start_at else State.QUEUED,
            payload=new.payload,
            result=None,
            error=None,
            labels=new.labels,
            ordering_key=new.ordering_key,
            idempotency_key=key,
            generation=0,
            attempt=0,
            created_at=now,
            started_at=None,
            finished_at=None,
            due_at=start_at or _later(now, PUBLISH_GRACE_SECONDS),
            traceparent=new.traceparent,
            concurrency_key=new.concurrency_key,
            not_before=start_at,
            expires_at=_later(start_at or now, new.expires_in_seconds)
            if new.expires_in_seconds is not None
            else None,
            group_id=new.group_id,
            follow_ups=ids_of(new.follow_ups.as_json()) if new.follow_ups else {},
            payload_blob=new.payload_blob,
        )
        self._rows[new.id] = Row(
            task, new.fingerprint, follow_ups=new.follow_ups, on_end=self._follow
        )
        return Stored(new.id, new.task_type, task.state, now, is_new=True)

    def _follow(self, row: Row) -> None:
        """Store what follows a task that has ended."""
        t = row.task
        one = row.follow_ups.after(t.state) if row.follow_ups else None
        if one:
            succeeded = t.state is State.SUCCEEDED
            given = t.result if succeeded else ending_of(t.id, t.state, t.error)
            self.add_follow_up(one, given, t.traceparent, parent_id=t.id)

    def add_follow_up(
        self, one: FollowUp, given: object, traceparent: str, *, parent_id: UUID | None = None
    ) -> None:
        """Store a follow-up, due at once; one that is stored stays as it is."""
        if one.id in self._rows:
            return
        taken = {one.result_as: given} if one.result_as else {}
        self._add(
            NewTask(
                one.id,
                one.task_type,
                one.payload | taken,
                traceparent,
                labels=one.labels,
                concurrency_key=one.concurrency_key,
                delay_seconds=one.delay_seconds,
                expires_in_seconds=one.expires_in_seconds,
                follow_ups=one.after,
            )
        )
        row = self._rows[one.id]
        row.change(parent_id=parent_id)
        if row.task.state is State.QUEUED:
            row.change(due_at=self._now())

    async def mark_published(self, tasks: Sequence[Outgoing]) -> None:
        """See `Ledger.mark_published`."""
        for sent in tasks:
            row = self._rows.get(sent.id)
            if row and row.task.generation == sent.generation and not row.published:
                row.published, row.published_at = True, self._now()
                if row.task.state is State.QUEUED:
                    row.change(due_at=row.task.expires_at)

    async def claim(self, task_id: UUID, generation: int, task_type: TaskType) -> Claim | Refusal:
        """See `Ledger.claim`."""
        row, now = self._rows.get(task_id), self._now()
        refusal = self._refusal(row, generation, now)
        if row is None or refusal:
            return refusal or Refusal.UNKNOWN
        if row.task.state is State.RUNNING:
            row.end_attempt(now, "abandoned", None)
        if row.task.attempt >= task_type.limits.max_attempts:
            self._bury(row, now, "abandoned" if row.task.state is State.RUNNING else "spent")
            return Refusal.SPENT
        lease_end = _later(now, LEASE_SECONDS)
        row.token += 1
        row.published = True
        row.lease_expires_at, row.not_before = lease_end, None
        row.change(
            state=State.RUNNING,
            attempt=row.task.attempt + 1,
            started_at=now,
            due_at=lease_end,
            progress=None,
        )
        t = row.task
        return Claim(
            t.id,
            t.generation,
            t.task_type,
            t.attempt,
            row.token,
            t.payload,
            t.labels,
            t.created_at,
            t.traceparent,
            t.concurrency_key,
            t.payload_blob,
        )

    def _refusal(self, row: Row | None, generation: int, now: datetime) -> Refusal | None:
        if row is None:
            return Refusal.UNKNOWN
        if row.task.generation != generation:
            return Refusal.STALE_GENERATION
        if row.task.state in FINAL:
            return Refusal.FINAL
        if row.lease_expires_at and (row.lease_expires_at > now or row.task.cancel_requested_at):
            return Refusal.RUNNING
        if row.expires_at and row.expires_at <= now:
            return Refusal.EXPIRED
        if row.task.state is State.SCHEDULED or (row.not_before and row.not_before > now):
            return Refusal.NOT_YET
        if row.task.task_type in self.paused:
            return Refusal.PAUSED
        return None

    async def hold(self, task_id: UUID, generation: int) -> bool:
        """See `Ledger.hold`."""
        row = self._rows.get(task_id)
        if row is None or row.task.generation != generation:
            return False
        waits = row.task.state in (State.QUEUED, State.RETRYING)
        if not waits or row.task.task_type not in self.paused:
            return False
        row.published, row.not_before = True, None
        row.change(state=State.SCHEDULED, due_at=None)
        return True

    async def put_back(self, claim: Claim, seconds: float) -> None:
        """See `Ledger.put_back`."""
        row = self._held(claim)
        if row.task.cancel_requested_at:
            row.lease_expires_at = None
            row.change(state=State.CANCELLED, due_at=None, finished_at=self._now())
            row.change(attempt=row.task.attempt - 1)
            return
        due_at = _later(self._now(), seconds)
        row.lease_expires_at, row.not_before = None, due_at
        attempt = row.task.attempt - 1
        started = row.task.started_at if attempt else None
        looked_at = min(due_at, row.expires_at or due_at)
        row.change(state=State.SCHEDULED, due_at=looked_at, attempt=attempt, started_at=started)

    def _bury(self, row: Row, now: datetime, kind: str) -> None:
        error = {"kind": kind, "message": GIVEN_UP[kind]}
        row.lease_expires_at, row.not_before = None, None
        row.token += 1
        row.change(state=State.DEAD, due_at=None, finished_at=now, error=row.task.error or error)
        self._copy(row)

    def _copy(self, row: Row) -> None:
        copy = DeadLetterCopy(row.outgoing(), row.task.attempt)
        self._copies.setdefault((row.task.id, row.task.generation), (copy, self._now()))

    @asynccontextmanager
    async def renewing(
        self, claim: Claim, time_limit_seconds: float, on_cancel: Callable[[], object] = nothing
    ) -> AsyncIterator[None]:
        """See `Ledger.renewing`; nothing renews by itself where time is passed by hand."""
        row = self._rows[claim.task_id]
        row.on_cancel = on_cancel
        if row.task.cancel_requested_at:
            on_cancel()
        try:
            yield
        finally:
            row.on_cancel = nothing

    async def renew(self, claim: Claim) -> None:
        """Lengthen the claim's lease, as `renewing` does by itself on Postgres."""
        row, end = self._rows[claim.task_id], _later(self._now(), LEASE_SECONDS)
        if row.token == claim.token and row.task.state is State.RUNNING:
            row.lease_expires_at = end
            row.change(due_at=end)

    async def finish(self, claim: Claim, settlement: Settlement) -> State:
        """See `Ledger.finish`."""
        row = self._held(claim)
        now, s = self._now(), settlement
        if row.task.cancel_requested_at and s.outcome not in ("succeeded", "rejected"):
            s = replace(s, state=State.CANCELLED, outcome="cancelled", hold=False, copy=False)
            s = replace(s, due_at=None, due_in_seconds=None)
        error = s.failure.as_json() if s.failure else None
        row.end_attempt(now, s.outcome, error)
        due_at = s.due_at if s.due_in_seconds is None else _later(now, s.due_in_seconds)
        looked_at = min(due_at, row.expires_at or due_at) if due_at else None
        row.lease_expires_at = None
        row.not_before = due_at if s.hold else None
        row.change(
            state=s.state,
            result=s.result,
            error=error,
            due_at=looked_at,
            attempt=row.task.attempt - (0 if s.costs_attempt else 1),
            finished_at=now if s.state in FINAL else None,
        )
        if s.copy:
            self._copy(row)
        return row.task.state

    async def get(self, task_id: UUID) -> Task | None:
        """See `Ledger.get`."""
        row = self._rows.get(task_id)
        if row is None:
            return None
        attempts = list(row.attempts)
        if row.task.state is State.RUNNING and row.task.started_at:
            t = row.task
            attempts.append(Attempt(t.generation, t.attempt, row.task.started_at, None, "running"))
        return replace(row.task, attempts=tuple(attempts))

    async def find(self, wanted: TaskFilter, *, after: UUID | None, limit: int) -> list[Task]:
        """See `Ledger.find`."""
        newest_first = sorted((row.task for row in self._rows.values()), key=lambda t: -t.id.int)
        shown = (t for t in newest_first if shows(wanted, t) and (not after or t.id < after))
        return [task for _, task in zip(range(limit), shown, strict=False)]

    async def cancel(self, task_id: UUID) -> tuple[Task | None, bool]:
        """See `Ledger.cancel`."""
        [state] = await self.cancel_all([task_id])
        return await self.get(task_id), state is not None

    async def take_due(self, attempts: dict[str, int], limit: int) -> list[Outgoing]:
        """See `Ledger.take_due`."""
        now = self._now()
        due = [
            (row.task.due_at, row)
            for row in self._rows.values()
            if row.task.due_at and row.task.due_at <= now and row.task.task_type in attempts
        ]
        due.sort(key=lambda pair: pair[0])
        taken = [row for _, row in due[:limit]]
        return [row.outgoing() for row in taken if self._bring_back(row, attempts, now)]

    def _bring_back(self, row: Row, attempts: dict[str, int], now: datetime) -> bool:
        if row.task.state is State.RUNNING:
            row.end_attempt(now, "abandoned", None)
            if row.task.cancel_requested_at:
                row.token, row.lease_expires_at = row.token + 1, None
                row.change(state=State.CANCELLED, due_at=None, finished_at=now)
                return False
            if row.task.attempt >= attempts[row.task.task_type]:
                self._bury(row, now, "abandoned")
                return False
            row.token += 1
        if row.expires_at and row.expires_at <= now:
            self._expire(row, now)
            return False
        row.published, row.lease_expires_at, row.not_before = False, None, None
        row.change(state=State.QUEUED, due_at=_later(now, PUBLISH_GRACE_SECONDS))
        return True

    def _expire(self, row: Row, now: datetime) -> None:
        error = {"kind": "expired", "message": GIVEN_UP["expired"]}
        row.published, row.lease_expires_at, row.not_before = False, None, None
        row.change(state=State.EXPIRED, due_at=None, finished_at=now, error=row.task.error or error)

    async def take_copies(self, limit: int) -> list[DeadLetterCopy]:
        """See `Ledger.take_copies`."""
        now = self._now()
        ready = [key for key, (_, due) in self._copies.items() if due <= now][:limit]
        for key in ready:
            self._copies[key] = (self._copies[key][0], _later(now, COPY_HOLD_SECONDS))
        return [self._copies[key][0] for key in ready]

    async def drop_copies(self, copies: Sequence[DeadLetterCopy]) -> None:
        """See `Ledger.drop_copies`."""
        for copy in copies:
            self._copies.pop((copy.task.id, copy.task.generation), None)

    async def give_back(self, task_id: UUID, generation: int, max_attempts: int) -> State | None:
        """See `Ledger.give_back`."""
        row, now = self._rows.get(task_id), self._now()
        if row is None:
            return None
        waiting = row.task.state in (State.QUEUED, State.RETRYING)
        if row.task.generation != generation or not waiting:
            return row.task.state
        if row.task.attempt < max_attempts and row.returns < len(RETURN_DELAYS_SECONDS):
            due_at = _later(now, RETURN_DELAYS_SECONDS[row.returns])
            row.returns += 1
            row.not_before = due_at
            row.change(state=State.SCHEDULED, due_at=min(due_at, row.expires_at or due_at))
        else:
            kind = "spent" if row.task.attempt >= max_attempts else "never_started"
            error = row.task.error or {"kind": kind, "message": GIVEN_UP[kind]}
            row.change(state=State.DEAD, due_at=None, finished_at=now, error=error)
        return row.task.state

    async def keep_on_desk(self, entry: DeskEntry) -> None:
        """See `Ledger.keep_on_desk`."""
        self.desk.setdefault(entry.delivery.message_id, entry)
        self.kept_at.setdefault(entry.delivery.message_id, self._now())

    async def ping(self) -> None:
        """Memory is always there."""


def shows(wanted: TaskFilter, task: Task) -> bool:
    """Whether every condition of the filter holds for the task."""
    return (
        (wanted.task_type is None or task.task_type == wanted.task_type)
        and (wanted.state is None or task.state is wanted.state)
        and wanted.labels.items() <= task.labels.items()
        and (wanted.created_after is None or task.created_at > wanted.created_after)
        and (wanted.created_before is None or task.created_at < wanted.created_before)
    )
