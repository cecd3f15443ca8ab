"""The ledger in memory: the port's rules on a dictionary, for tests of what stands on them.

Same contract suite as Postgres. One process, no durability.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from shared.adapters.memory_claim import MemoryClaimMoves
from shared.adapters.memory_due import MemoryDueMoves
from shared.adapters.memory_run import MemoryRunMoves
from shared.adapters.memory_tables import Row, later
from shared.domain.errors import IdempotencyConflict
from shared.domain.follow_up import FollowUp, ending_of, ids_of
from shared.domain.ledger_rules import IDEMPOTENCY_WINDOW_SECONDS, PUBLISH_GRACE_SECONDS
from shared.domain.ports import TaskFilter
from shared.domain.task import Attempt, NewTask, Outgoing, State, Stored, Task


class MemoryLedger(MemoryClaimMoves, MemoryRunMoves, MemoryDueMoves):
    """See `Ledger` and `Runs`; `now` is its database clock."""

    async def add(self, tasks: Sequence[NewTask]) -> list[Stored | IdempotencyConflict]:
        """See `Ledger.add`."""
        return [self._add(task) for task in tasks]

    def _add(self, new: NewTask) -> Stored | IdempotencyConflict:
        now = self._now()
        key = new.idempotency_key
        if key and key in self._keys:
            earlier, since = self._keys[key]
            if later(since, IDEMPOTENCY_WINDOW_SECONDS) > now:
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
            due_at=start_at or later(now, PUBLISH_GRACE_SECONDS),
            traceparent=new.traceparent,
            concurrency_key=new.concurrency_key,
            not_before=start_at,
            expires_at=later(start_at or now, new.expires_in_seconds)
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

    async def ping(self) -> None:
        """Memory is always there."""


def _start_of(new: NewTask, now: datetime) -> datetime | None:
    """When the task may start, if that is not now."""
    start_at = new.run_at
    if new.delay_seconds is not None:
        start_at = later(now, new.delay_seconds)
    return start_at if start_at and start_at > now else None


def shows(wanted: TaskFilter, task: Task) -> bool:
    """Whether every condition of the filter holds for the task."""
    return (
        (wanted.task_type is None or task.task_type == wanted.task_type)
        and (wanted.state is None or task.state is wanted.state)
        and wanted.labels.items() <= task.labels.items()
        and (wanted.created_after is None or task.created_at > wanted.created_after)
        and (wanted.created_before is None or task.created_at < wanted.created_before)
    )
