"""What the relay takes and brings back in memory, and what becomes of dead letters."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.adapters.memory_tables import MemoryTables, Row, later
from shared.domain.ledger_rules import (
    COPY_HOLD_SECONDS,
    GIVEN_UP,
    PUBLISH_GRACE_SECONDS,
    RETURN_DELAYS_SECONDS,
)
from shared.domain.ports import DeskEntry
from shared.domain.task import DeadLetterCopy, Outgoing, State


class MemoryDueMoves(MemoryTables):
    """The part of `Ledger` that the relay and the dead-letter function use."""

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
        row.change(state=State.QUEUED, due_at=later(now, PUBLISH_GRACE_SECONDS))
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
            self._copies[key] = (self._copies[key][0], later(now, COPY_HOLD_SECONDS))
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
            due_at = later(now, RETURN_DELAYS_SECONDS[row.returns])
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
