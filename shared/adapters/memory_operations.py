"""Bulk operations in memory, on the rows of a `MemoryLedger`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from shared.adapters.memory_desk import MemoryAudit
from shared.adapters.memory_ledger import MemoryLedger, shows
from shared.domain.operation import (
    NewOperation,
    Operation,
    OperationItem,
    OperationKind,
    OperationState,
    Outcome,
    Preview,
    Seen,
    Selection,
    Step,
    concerned,
)
from shared.domain.ports import TaskFilter
from shared.domain.task import Task


@dataclass
class _Kept:
    operation: Operation
    items: dict[UUID, OperationItem] = field(default_factory=dict)
    stepped_at: datetime | None = None

    def open_items(self) -> list[OperationItem]:
        """Those that are not decided, in the order of their ids."""
        return [self.items[key] for key in sorted(self.items) if not self.items[key].outcome]


class MemoryOperations:
    """See `Operations`."""

    def __init__(self, ledger: MemoryLedger, audit: MemoryAudit) -> None:
        self._ledger = ledger
        self._audit = audit
        self._kept: dict[UUID, _Kept] = {}

    def any_running(self) -> bool:
        """Whether there is something to step."""
        return any(k.operation.state is OperationState.RUNNING for k in self._kept.values())

    async def preview(self, kind: OperationKind, selection: Selection) -> Preview:
        """See `Operations.preview`."""
        items = self._items(kind, selection)
        by_type: dict[str, int] = {}
        for item in items:
            if not item.outcome:
                name = self._ledger.rows[item.task_id].task.task_type
                by_type[name] = by_type.get(name, 0) + 1
        return Preview(by_type, len(items) - sum(by_type.values()), self._ledger.now())

    def _items(self, kind: OperationKind, s: Selection) -> list[OperationItem]:
        if s.task_ids is not None:
            return [self._named(kind, task_id) for task_id in dict.fromkeys(s.task_ids)]
        wanted = TaskFilter(s.task_type, s.state, dict(s.labels), s.created_after, s.created_before)
        tasks = [row.task for row in self._ledger.rows.values()]
        return [
            OperationItem(t.id, t.generation)
            for t in tasks
            if t.state in concerned(kind) and shows(wanted, t) and _within(kind, s.until, t)
        ]

    def _named(self, kind: OperationKind, task_id: UUID) -> OperationItem:
        row = self._ledger.rows.get(task_id)
        if row is None:
            why, generation = "there is no such task", 0
        else:
            fits = row.task.state in concerned(kind)
            why, generation = "" if fits else f"it is {row.task.state}", row.task.generation
        item = OperationItem(task_id, generation)
        return replace(item, outcome=Outcome.SKIPPED, reason=why) if why else item

    async def create(self, new: NewOperation) -> Operation:
        """See `Operations.create`."""
        items = {item.task_id: item for item in self._items(new.kind, new.selection)}
        skipped = sum(item.outcome is not None for item in items.values())
        operation = Operation(
            id=new.id,
            kind=new.kind,
            state=OperationState.RUNNING,
            filter=new.selection.as_json(),
            actor=new.actor,
            per_second=new.per_second,
            total=len(items),
            succeeded=0,
            skipped=skipped,
            failed=0,
            created_at=self._ledger.now(),
            finished_at=None,
        )
        self._kept[new.id] = _Kept(operation, items)
        detail = {
            "operation_id": str(new.id),
            "filter": operation.filter,
            "tasks": len(items) - skipped,
        }
        self._audit.add(new.actor, new.kind, detail)
        self._end(self._kept[new.id])
        return self._kept[new.id].operation

    def _end(self, kept: _Kept) -> None:
        if kept.operation.state is OperationState.RUNNING and not kept.open_items():
            now = self._ledger.now()
            kept.operation = replace(kept.operation, state=OperationState.DONE, finished_at=now)

    async def get(self, operation_id: UUID) -> Operation | None:
        """See `Operations.get`."""
        kept = self._kept.get(operation_id)
        return kept.operation if kept else None

    async def all(self, *, after: UUID | None, limit: int) -> list[Operation]:
        """See `Operations.all`."""
        ids = sorted((i for i in self._kept if after is None or i < after), reverse=True)
        return [self._kept[one].operation for one in ids[:limit]]

    async def items(
        self, operation_id: UUID, outcome: Outcome | None, *, after: UUID | None, limit: int
    ) -> list[OperationItem]:
        """See `Operations.items`."""
        items = self._kept[operation_id].items if operation_id in self._kept else {}
        ids = sorted(one for one in items if after is None or one > after)
        return [items[one] for one in ids if outcome in (None, items[one].outcome)][:limit]

    async def stop(self, operation_id: UUID, *, actor: str) -> Operation | None:
        """See `Operations.stop`."""
        kept = self._kept.get(operation_id)
        if kept and kept.operation.state is OperationState.RUNNING:
            now = self._ledger.now()
            kept.operation = replace(kept.operation, state=OperationState.STOPPED, finished_at=now)
            self._audit.add(actor, "stop", {"operation_id": str(operation_id)})
        return kept.operation if kept else None

    async def next_step(self, limit: int) -> Step | None:
        """See `Operations.next_step`."""
        ready = [
            (kept.stepped_at or kept.operation.created_at, kept)
            for kept in self._kept.values()
            if kept.operation.state is OperationState.RUNNING and self._allowed(kept, limit)
        ]
        if not ready:
            return None
        _, kept = min(ready, key=lambda pair: pair[0])
        many = self._allowed(kept, limit)
        rate = kept.operation.per_second
        now = self._ledger.now()
        kept.stepped_at = self._since(kept) + timedelta(seconds=many / rate) if rate else now
        items = kept.open_items()[:many]
        self._end(kept)
        return Step(kept.operation.id, kept.operation.kind, items)

    def _since(self, kept: _Kept) -> datetime:
        """Up to when the rate is used up; at most two seconds' worth is caught up."""
        rate = kept.operation.per_second or 1
        back = self._ledger.now() - timedelta(seconds=max(2.0, 1 / rate))
        return max(kept.stepped_at or kept.operation.created_at, back)

    def _allowed(self, kept: _Kept, limit: int) -> int:
        rate = kept.operation.per_second
        if rate is None:
            return limit
        seconds = (self._ledger.now() - self._since(kept)).total_seconds()
        return min(limit, int(rate * seconds + 1e-6))

    async def seen(self, task_ids: Sequence[UUID]) -> Mapping[UUID, Seen]:
        """See `Operations.seen`."""
        rows = {one: self._ledger.rows[one] for one in task_ids if one in self._ledger.rows}
        return {
            one: Seen(
                row.task.task_type,
                row.task.state,
                row.task.generation,
                row.task.cancel_requested_at is not None,
            )
            for one, row in rows.items()
        }

    async def record(self, operation_id: UUID, items: Sequence[OperationItem]) -> None:
        """See `Operations.record`."""
        kept = self._kept[operation_id]
        for item in items:
            if item.outcome and not kept.items[item.task_id].outcome:
                kept.items[item.task_id] = replace(item, decided_at=self._ledger.now())
                count = {item.outcome.value: getattr(kept.operation, item.outcome) + 1}
                kept.operation = replace(kept.operation, **count)
        self._end(kept)


def _within(kind: OperationKind, until: datetime | None, task: Task) -> bool:
    moment = task.created_at if kind is OperationKind.CANCEL else task.finished_at
    return until is None or moment is None or moment <= until
