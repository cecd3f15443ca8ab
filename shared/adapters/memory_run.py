"""The part of the ledger in memory that a run uses between its claim and its finish."""

from collections.abc import Collection, Sequence
from uuid import UUID

from shared.adapters.memory_tables import MemoryTables, Row
from shared.domain.task import CANCELLABLE, Claim, Effect, Glimpse, Progress, State, glimpse_of


class MemoryRunMoves(MemoryTables):
    """See `Runs` and `Ledger.cancel_all`."""

    async def cancel_all(self, task_ids: Sequence[UUID]) -> list[State | None]:
        """See `Ledger.cancel_all`."""
        return [self._cancel(self._rows.get(task_id)) for task_id in task_ids]

    def _cancel(self, row: Row | None) -> State | None:
        if row and row.task.state is State.RUNNING:
            row.change(cancel_requested_at=row.task.cancel_requested_at or self._now())
            row.on_cancel()
            return State.RUNNING
        if row is None or row.task.state not in CANCELLABLE:
            return None
        row.not_before = None
        row.change(state=State.CANCELLED, due_at=None, finished_at=self._now())
        return State.CANCELLED

    async def glimpse(self, task_ids: Collection[UUID]) -> dict[UUID, Glimpse]:
        """See `Watched.glimpse`."""
        rows = {task_id: self._rows.get(task_id) for task_id in task_ids}
        return {task_id: glimpse_of(row.task) for task_id, row in rows.items() if row}

    async def say_progress(self, claim: Claim, percent: float, text: str) -> None:
        """See `Runs.say_progress`."""
        self._held(claim).change(progress=Progress(percent, text, self._now()))

    async def recall(self, claim: Claim, key: str) -> Effect | None:
        """See `Runs.recall`."""
        return self.effects.get((self._held(claim).task.id, key))

    async def record(self, claim: Claim, key: str, effect: Effect) -> None:
        """See `Runs.record`."""
        self.effects.setdefault((self._held(claim).task.id, key), effect)
