"""The relay's own moves in memory, on the rows of a `MemoryLedger`."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from shared.adapters.memory_desk import MemoryAudit
from shared.adapters.memory_ledger import MemoryLedger
from shared.adapters.memory_tables import Row
from shared.domain.ledger_rules import IDEMPOTENCY_WINDOW_SECONDS
from shared.domain.task import State
from shared.domain.upkeep import (
    DAY_SECONDS,
    LEAST_AUDIT_DAYS,
    LOST_AFTER_SECONDS,
    Glance,
    Retention,
    Swept,
)

_LIKE_SUCCEEDED = (State.SUCCEEDED, State.CANCELLED, State.EXPIRED)


class HasNext(Protocol):
    """What knows when its next thing is due."""

    def next_at(self) -> datetime | None:
        """The earliest moment, if there is one."""
        ...


class MemoryUpkeep:
    """See `Upkeep`; those of one ledger share its lead."""

    def __init__(
        self,
        ledger: MemoryLedger,
        schedules: HasNext | None = None,
        audit: MemoryAudit | None = None,
    ) -> None:
        self._ledger = ledger
        self._schedules = schedules
        self._audit = audit or MemoryAudit(ledger)

    async def lead(self) -> bool:
        """See `Upkeep.lead`."""
        if self._ledger.leader is None:
            self._ledger.leader = self
        return self._ledger.leader is self

    async def resign(self) -> None:
        """See `Upkeep.resign`."""
        if self._ledger.leader is self:
            self._ledger.leader = None

    async def glance(self) -> Glance:
        """See `Upkeep.glance`."""
        tasks = [row.task.due_at for row in self._ledger.rows.values() if row.task.due_at]
        copies = [due for _, due in self._ledger.copies.values()]
        next_run = self._schedules.next_at() if self._schedules else None
        return Glance(
            self._until(min(tasks, default=None)),
            self._until(min(copies, default=None)),
            self._until(next_run),
        )

    def _until(self, moment: datetime | None) -> float | None:
        return (moment - self._ledger.now()).total_seconds() if moment else None

    async def sweep(self, retention: Retention, *, after: UUID | None, limit: int) -> Swept:
        """See `Upkeep.sweep`; every id is old enough here, since clocks are moved by hand."""
        walked = self._walk(None, after, limit)
        gone = [row for row in walked if self._is_over(row, retention)]
        for row in gone:
            self._ledger.forget(row.task.id)
        lost = [row for row in walked if self._is_older(row, LOST_AFTER_SECONDS)]
        self._make_due(lost)
        blobs = [row.task.payload_blob.as_json() for row in gone if row.task.payload_blob]
        return Swept(_last(walked, limit), len(gone), len(lost), blobs)

    async def prune(self, retention: Retention, *, limit: int) -> int:
        """See `Upkeep.prune`; memory has keys and the audit."""
        keys, now = self._ledger.keys, self._ledger.now()
        window = timedelta(seconds=IDEMPOTENCY_WINDOW_SECONDS)
        old = [key for key, (_, since) in keys.items() if since + window <= now][:limit]
        for key in old:
            del keys[key]
        audit_seconds = max(retention.audit_seconds, LEAST_AUDIT_DAYS * DAY_SECONDS)
        return len(old) + self._audit.prune(audit_seconds, limit)

    async def republish(
        self,
        task_type: str,
        older_than_seconds: float,
        *,
        actor: str,
        after: UUID | None,
        limit: int,
    ) -> Swept:
        """See `Upkeep.republish`."""
        walked = self._walk(task_type, after, limit)
        found = [row for row in walked if self._is_older(row, older_than_seconds)]
        self._make_due(found)
        if found:
            said = {"task_type": task_type, "older_than_seconds": older_than_seconds}
            self._audit.add(actor, "republish", {**said, "republished": len(found)})
        return Swept(_last(walked, limit), lost=len(found))

    def _walk(self, task_type: str | None, after: UUID | None, limit: int) -> list[Row]:
        rows = (self._ledger.rows[key] for key in sorted(self._ledger.rows))
        return [
            row
            for row in rows
            if (after is None or row.task.id > after)
            and (task_type is None or row.task.task_type == task_type)
        ][:limit]

    def _is_over(self, row: Row, retention: Retention) -> bool:
        if row.task.finished_at is None:
            return False
        age = (self._ledger.now() - row.task.finished_at).total_seconds()
        if row.task.state in _LIKE_SUCCEEDED:
            return age >= retention.succeeded_seconds
        return row.task.state is State.DEAD and age >= retention.dead_seconds

    def _is_older(self, row: Row, seconds: float) -> bool:
        since = row.published_at
        if row.task.state is not State.QUEUED or not row.published or since is None:
            return False
        waits = row.task.due_at == row.expires_at
        return waits and (self._ledger.now() - since).total_seconds() >= seconds

    def _make_due(self, rows: list[Row]) -> None:
        for row in rows:
            row.change(due_at=self._ledger.now())


def _last(walked: list[Row], limit: int) -> UUID | None:
    return walked[-1].task.id if walked and len(walked) == limit else None
