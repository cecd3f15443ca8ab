"""Schedules in memory, whose runs go to a `MemoryLedger`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.adapters.memory_desk import MemoryAudit
from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.schedule import NewSchedule, Origin, Schedule, Step
from shared.domain.task import NewTask


class MemorySchedules:
    """See `Schedules`."""

    def __init__(self, ledger: MemoryLedger, audit: MemoryAudit | None = None) -> None:
        self._ledger = ledger
        self._audit = audit or MemoryAudit(ledger)
        self._all: dict[str, Schedule] = {}

    def next_at(self) -> datetime | None:
        """When the first of those that are not paused is due."""
        waiting = (one.next_at for one in self._all.values() if not one.paused)
        return min((moment for moment in waiting if moment), default=None)

    async def now(self) -> datetime:
        """See `Schedules.now`."""
        return self._ledger.now()

    async def all(self) -> list[Schedule]:
        """See `Schedules.all`."""
        return [self._all[name] for name in sorted(self._all)]

    async def get(self, name: str) -> Schedule | None:
        """See `Schedules.get`."""
        return self._all.get(name)

    async def add(
        self, new: NewSchedule, next_at: datetime | None, *, actor: str
    ) -> Schedule | None:
        """See `Schedules.add`."""
        if new.name in self._all:
            return None
        self._all[new.name] = self._made(new, Origin.API, next_at)
        self._audit.add(actor, "create_schedule", new.audited())
        return self._all[new.name]

    async def delete(self, name: str, *, actor: str) -> bool:
        """See `Schedules.delete`."""
        found = self._all.get(name)
        if found is None or found.origin is not Origin.API:
            return False
        del self._all[name]
        self._audit.add(actor, "delete_schedule", {"name": name})
        return True

    async def pause(self, name: str, *, actor: str) -> Schedule | None:
        """See `Schedules.pause`."""
        found = self._all.get(name)
        if found and not found.paused:
            self._all[name] = replace(found, paused=True, updated_at=self._ledger.now())
            self._audit.add(actor, "pause_schedule", {"name": name})
        return self._all.get(name)

    async def resume(self, name: str, next_at: datetime | None, *, actor: str) -> Schedule | None:
        """See `Schedules.resume`."""
        found = self._all.get(name)
        if found and found.paused:
            now = self._ledger.now()
            self._all[name] = replace(found, paused=False, next_at=next_at, updated_at=now)
            self._audit.add(actor, "resume_schedule", {"name": name})
        return self._all.get(name)

    async def due(self, limit: int) -> list[Schedule]:
        """See `Schedules.due`."""
        now = self._ledger.now()
        found = [
            (one.next_at, one)
            for one in self._all.values()
            if not one.paused and one.next_at and one.next_at <= now
        ]
        return [one for _, one in sorted(found, key=lambda pair: pair[0])][:limit]

    async def fire(self, seen: Schedule, step: Step, runs: Sequence[NewTask]) -> bool:
        """See `Schedules.fire`."""
        found = self._all.get(seen.name)
        if found is None or found.paused or found.next_at != seen.next_at:
            return False
        last_at = step.moments[-1] if step.moments else found.last_at
        self._all[seen.name] = replace(found, next_at=step.next_at, last_at=last_at)
        new = [run for run in runs if run.id not in self._ledger.rows]
        await self._ledger.add(new)
        for run in new:
            self._ledger.rows[run.id].change(due_at=self._ledger.now())
        return True

    async def sync(self, wanted: Sequence[tuple[NewSchedule, datetime | None]]) -> None:
        """See `Schedules.sync`."""
        names = {new.name for new, _ in wanted}
        stale = [o.name for o in self._all.values() if o.origin is Origin.FILE]
        for name in set(stale) - names:
            del self._all[name]
        for new, next_at in wanted:
            made = self._made(new, Origin.FILE, next_at)
            before = self._all.get(new.name)
            if before:
                same = (before.cron, before.time_zone) == (new.cron, new.time_zone)
                kept = before.next_at if same else next_at
                made = replace(made, paused=before.paused, last_at=before.last_at, next_at=kept)
                unchanged = replace(made, updated_at=before.updated_at)
                made = unchanged if unchanged == before else made
            self._all[new.name] = made

    def _made(self, new: NewSchedule, origin: Origin, next_at: datetime | None) -> Schedule:
        return Schedule(
            **new.model_dump(),
            origin=origin,
            paused=False,
            next_at=next_at,
            last_at=None,
            updated_at=self._ledger.now(),
        )
