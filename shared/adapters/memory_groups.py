"""Groups in memory, beside the rows of a `MemoryLedger`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.errors import IdempotencyConflict
from shared.domain.follow_up import Group, NewGroup, StartedGroup, ids_of
from shared.domain.task import FINAL, NewTask, State, Stored


@dataclass
class _Kept:
    new: NewGroup
    created_at: datetime
    finished_at: datetime | None = None
    failed: int = 0


class MemoryGroups:
    """See `Groups`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._groups: dict[UUID, _Kept] = {}

    async def open(self, group: NewGroup, members: Sequence[NewTask]) -> StartedGroup:
        """See `Groups.open`."""
        if group.idempotency_key:
            for kept in self._groups.values():
                if kept.new.idempotency_key == group.idempotency_key:
                    return self._earlier(kept.new, group)
        self._groups[group.id] = _Kept(group, self._ledger.now())
        stored = [one for one in await self._ledger.add(members) if isinstance(one, Stored)]
        return StartedGroup(group.id, stored)

    def _earlier(self, known: NewGroup, asked: NewGroup) -> StartedGroup:
        if known.fingerprint != asked.fingerprint:
            raise IdempotencyConflict(asked.idempotency_key or "", known.id, "group")
        tasks = [row.task for row in self._ledger.rows.values() if row.task.group_id == known.id]
        members = [
            Stored(t.id, t.task_type, t.state, t.created_at, is_new=False)
            for t in sorted(tasks, key=lambda task: task.id)
        ]
        return StartedGroup(known.id, members, is_new=False)

    async def get(self, group_id: UUID) -> Group | None:
        """See `Groups.get`."""
        kept = self._groups.get(group_id)
        if kept is None:
            return None
        states = self._states(group_id)
        failed = len([s for s in states if s in FINAL and s is not State.SUCCEEDED])
        succeeded = states.count(State.SUCCEEDED)
        if kept.finished_at:
            succeeded, failed = kept.new.total - kept.failed, kept.failed
        follow_ups = ids_of(kept.new.follow_ups.as_json())
        times = (kept.created_at, kept.finished_at)
        return Group(group_id, kept.new.total, succeeded, failed, follow_ups, *times)

    async def join(self, limit: int) -> int:
        """See `Groups.join`."""
        ready = [kept for kept in self._groups.values() if self._is_ready(kept)][:limit]
        for kept in ready:
            self._end(kept)
        return len(ready)

    def _is_ready(self, kept: _Kept) -> bool:
        states = self._states(kept.new.id)
        return kept.finished_at is None and bool(states) and all(s in FINAL for s in states)

    def _end(self, kept: _Kept) -> None:
        new, states = kept.new, self._states(kept.new.id)
        kept.finished_at = self._ledger.now()
        kept.failed = len(states) - states.count(State.SUCCEEDED)
        one = new.follow_ups.on_failure if kept.failed else new.follow_ups.then
        if one:
            said = {"group_id": str(new.id), "total": new.total, "failed": kept.failed}
            self._ledger.add_follow_up(one, said, new.traceparent)

    def _states(self, group_id: UUID) -> Sequence[State]:
        rows = self._ledger.rows.values()
        return [row.task.state for row in rows if row.task.group_id == group_id]
