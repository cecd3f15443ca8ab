"""What the relay does for people: bulk operations, what a pause held back, groups that ended.

A round is bounded. A process that is killed in it leaves rows that say how far it came: items are
judged by their rows, and what was moved and not published is due.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from shared.domain.desk import Redrive
from shared.domain.desk_ports import Desk, Operations, Pauses
from shared.domain.follow_up import Groups
from shared.domain.operation import OperationItem, OperationKind, Outcome, Seen, Step, judged
from shared.domain.ports import Ledger, Publisher
from shared.domain.task_type import TaskType
from shared.services.outgoing import publish

BATCH: Final = 500
"""Items a step, and held tasks released a round: so a long pause does not end in one burst."""


@dataclass(frozen=True, slots=True)
class Chored:
    """What one round did."""

    stepped: int = 0
    released: int = 0
    joined: int = 0


class ChoresService:
    """Steps operations and releases held tasks, of the types in `catalogue`."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        ledger: Ledger,
        publisher: Publisher,
        *,
        desk: Desk,
        operations: Operations,
        pauses: Pauses,
        groups: Groups,
    ) -> None:
        self._catalogue = catalogue
        self._ledger = ledger
        self._publisher = publisher
        self._desk = desk
        self._operations = operations
        self._pauses = pauses
        self._groups = groups

    async def round(self) -> Chored:
        """Groups that ended, one step of one operation, one batch of held tasks: what there is.

        Safe to run beside another. Raises: LedgerUnavailable; the next round goes on.
        """
        types = list(self._catalogue)
        joined = await self._groups.join(BATCH)
        there_is = await self._pauses.chores(types)
        stepped = await self._step() if there_is.operations else 0
        released = await self._release(types) if there_is.held else 0
        return Chored(stepped, released, joined)

    async def _release(self, types: list[str]) -> int:
        tasks = await self._pauses.release(types, BATCH)
        await publish(tasks, self._catalogue, self._ledger, self._publisher)
        return len(tasks)

    async def _step(self) -> int:
        step = await self._operations.next_step(BATCH)
        if step is None or not step.items:
            return 0
        ids = [item.task_id for item in step.items]
        before = await self._operations.seen(ids)
        unknown = [item for item in step.items if self._is_unknown(step.kind, item, before)]
        await self._apply(step, [item for item in step.items if item not in unknown])
        after = await self._operations.seen(ids)
        decided = [
            self._decided(step.kind, item, after, unknown=item in unknown) for item in step.items
        ]
        await self._operations.record(step.operation_id, decided)
        return len(decided)

    def _is_unknown(
        self, kind: OperationKind, item: OperationItem, rows: Mapping[UUID, Seen]
    ) -> bool:
        """A redriven task of a type that nobody deployed would wait for ever."""
        row = rows.get(item.task_id)
        is_redrive = kind is OperationKind.REDRIVE
        return is_redrive and row is not None and row.task_type not in self._catalogue

    async def _apply(self, step: Step, items: list[OperationItem]) -> None:
        asked = [Redrive(item.task_id, item.generation) for item in items]
        match step.kind:
            case OperationKind.REDRIVE:
                moved = await self._desk.redrive(asked)
                await publish(moved, self._catalogue, self._ledger, self._publisher)
            case OperationKind.CANCEL:
                await self._ledger.cancel_all([item.task_id for item in items])
            case OperationKind.DISCARD:
                await self._desk.discard(asked)

    def _decided(
        self, kind: OperationKind, item: OperationItem, rows: Mapping[UUID, Seen], *, unknown: bool
    ) -> OperationItem:
        row = rows.get(item.task_id)
        if unknown and row is not None:
            why = f"task type {row.task_type} is not deployed"
            return replace(item, outcome=Outcome.FAILED, reason=why)
        outcome, reason = judged(kind, item, row)
        return replace(item, outcome=outcome, reason=reason)
