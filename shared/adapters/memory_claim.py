"""How a run begins and ends in memory: claim, hold, put back, renew, finish."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from shared.adapters.memory_tables import MemoryTables, Row, later
from shared.domain.ledger_rules import LEASE_SECONDS
from shared.domain.ports import nothing
from shared.domain.settlement import Settlement
from shared.domain.task import FINAL, Claim, Refusal, State
from shared.domain.task_type import TaskType


class MemoryClaimMoves(MemoryTables):
    """The part of `Ledger` that begins and ends a run."""

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
        lease_end = later(now, LEASE_SECONDS)
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
        due_at = later(self._now(), seconds)
        row.lease_expires_at, row.not_before = None, due_at
        attempt = row.task.attempt - 1
        started = row.task.started_at if attempt else None
        looked_at = min(due_at, row.expires_at or due_at)
        row.change(state=State.SCHEDULED, due_at=looked_at, attempt=attempt, started_at=started)

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
        row, end = self._rows[claim.task_id], later(self._now(), LEASE_SECONDS)
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
        due_at = s.due_at if s.due_in_seconds is None else later(now, s.due_in_seconds)
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
