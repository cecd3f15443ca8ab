"""The dead-letter desk, pauses and the audit in memory, on the rows of a `MemoryLedger`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.desk import DeadTask, RawDelivery, Redrive
from shared.domain.desk_ports import AuditLine, Chores, Counts, Pause
from shared.domain.ledger_rules import PUBLISH_GRACE_SECONDS
from shared.domain.task import Outgoing, State


class MemoryAudit:
    """See `Audit`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._now = ledger.now
        self._lines: list[AuditLine] = []
        self._written = 0

    def add(self, actor: str, action: str, detail: dict[str, object]) -> None:
        """Write a line."""
        self._written += 1
        self._lines.append(AuditLine(self._written, self._now(), actor, action, detail))

    def prune(self, older_than_seconds: float, limit: int) -> int:
        """Forget at most `limit` of the lines older than so long; how many went."""
        kept_since = self._now() - timedelta(seconds=older_than_seconds)
        old = {line.id for line in self._lines if line.at <= kept_since}
        gone = set(sorted(old)[:limit])
        self._lines = [line for line in self._lines if line.id not in gone]
        return len(gone)

    async def lines(self, *, before: int | None, limit: int) -> list[AuditLine]:
        """See `Audit.lines`."""
        older = [line for line in self._lines if before is None or line.id < before]
        return older[::-1][:limit]


class MemoryDesk:
    """See `Desk`."""

    def __init__(self, ledger: MemoryLedger, audit: MemoryAudit) -> None:
        self._ledger = ledger
        self._audit = audit

    async def dead(
        self, task_type: str | None, *, after: UUID | None, limit: int
    ) -> list[DeadTask]:
        """See `Desk.dead`."""
        tasks = sorted((row.task for row in self._ledger.rows.values()), key=lambda t: -t.id.int)
        return [
            DeadTask(t.id, t.task_type, t.generation, t.error, t.finished_at or t.created_at)
            for t in tasks
            if t.state is State.DEAD
            and task_type in (None, t.task_type)
            and (after is None or t.id < after)
        ][:limit]

    async def redrive(
        self, tasks: Sequence[Redrive], *, actor: str | None = None
    ) -> list[Outgoing]:
        """See `Desk.redrive`."""
        moved = []
        for asked in tasks:
            row = self._ledger.rows.get(asked.id)
            if row is None or row.task.state is not State.DEAD:
                continue
            if row.task.generation != asked.generation:
                continue
            row.returns, row.published, row.not_before = 0, False, None
            row.change(
                state=State.QUEUED,
                generation=row.task.generation + 1,
                attempt=0,
                due_at=self._ledger.now() + timedelta(seconds=PUBLISH_GRACE_SECONDS),
                started_at=None,
                finished_at=None,
                error=None,
                expires_at=None,
            )
            if asked.payload is not None:
                row.change(payload=asked.payload, payload_blob=None)
            if actor is not None:
                changed = asked.payload is not None
                detail = {"task_id": str(asked.id), "payload_changed": changed}
                self._audit.add(actor, "redrive", detail)
            moved.append(row.outgoing())
        return moved

    async def discard(self, tasks: Sequence[Redrive]) -> None:
        """See `Desk.discard`."""
        for asked in tasks:
            row = self._ledger.rows.get(asked.id)
            if row and row.task.state is State.DEAD and row.task.generation == asked.generation:
                row.change(state=State.CANCELLED)

    async def raw(self, *, after: str | None, limit: int) -> list[RawDelivery]:
        """See `Desk.raw`."""
        kept = sorted(self._raw(), key=lambda one: (one.received_at, one.message_id), reverse=True)
        ids = [one.message_id for one in kept]
        start = ids.index(after) + 1 if after in ids else 0
        return kept[start : start + limit]

    def _raw(self) -> list[RawDelivery]:
        return [
            RawDelivery(
                entry.delivery.message_id,
                entry.delivery.subscription,
                entry.reason,
                self._ledger.kept_at[message_id],
                entry.delivery.delivery_attempt,
                entry.delivery.ordering_key,
                dict(entry.delivery.attributes),
                entry.delivery.data,
            )
            for message_id, entry in self._ledger.desk.items()
        ]

    async def discard_raw(self, message_ids: Sequence[str], *, actor: str) -> int:
        """See `Desk.discard_raw`."""
        gone = [one for one in message_ids if self._ledger.desk.pop(one, None)]
        if gone:
            self._audit.add(actor, "discard_raw", {"message_ids": gone})
        return len(gone)


class MemoryPauses:
    """See `Pauses`."""

    def __init__(self, ledger: MemoryLedger, audit: MemoryAudit) -> None:
        self._ledger = ledger
        self._audit = audit
        self._pauses: dict[str, Pause] = {}
        self.operations_running: Callable[[], bool] = lambda: False

    async def all(self) -> list[Pause]:
        """See `Pauses.all`."""
        return [self._pauses[name] for name in sorted(self._pauses)]

    async def pause(self, task_type: str, *, reason: str, actor: str) -> Pause:
        """See `Pauses.pause`."""
        if task_type not in self._pauses:
            self._pauses[task_type] = Pause(task_type, reason, actor, self._ledger.now())
            self._ledger.paused.add(task_type)
            self._audit.add(actor, "pause", {"task_type": task_type, "reason": reason})
        return self._pauses[task_type]

    async def resume(self, task_type: str, *, actor: str) -> bool:
        """See `Pauses.resume`."""
        self._ledger.paused.discard(task_type)
        if self._pauses.pop(task_type, None) is None:
            return False
        self._audit.add(actor, "resume", {"task_type": task_type})
        return True

    async def counts(self, task_types: Sequence[str], limit: int) -> Mapping[str, Counts]:
        """See `Pauses.counts`."""
        return {name: self._counts(name, limit) for name in task_types}

    def _counts(self, name: str, limit: int) -> Counts:
        tasks = [r.task for r in self._ledger.rows.values() if r.task.task_type == name]
        kinds = (
            [t for t in tasks if t.state is State.RUNNING],
            [t for t in tasks if t.state is State.SCHEDULED and t.due_at is None],
            [t for t in tasks if t.state is State.DEAD],
        )
        return Counts(*(min(len(kind), limit) for kind in kinds))

    def _held(self, task_types: Sequence[str]) -> list[UUID]:
        return [
            row.task.id
            for row in self._ledger.rows.values()
            if row.task.state is State.SCHEDULED
            and row.task.due_at is None
            and row.task.task_type in task_types
            and row.task.task_type not in self._pauses
        ]

    async def release(self, task_types: Sequence[str], limit: int) -> list[Outgoing]:
        """See `Pauses.release`."""
        due_at = self._ledger.now() + timedelta(seconds=PUBLISH_GRACE_SECONDS)
        rows = [self._ledger.rows[task_id] for task_id in self._held(task_types)[:limit]]
        for row in rows:
            row.published, row.not_before = False, None
            row.change(state=State.QUEUED, due_at=due_at)
        return [row.outgoing() for row in rows]

    async def chores(self, task_types: Sequence[str]) -> Chores:
        """See `Pauses.chores`."""
        return Chores(self.operations_running(), bool(self._held(task_types)))
