"""Pause, drain and resume task types, and what each of them has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.desk_ports import Counts, Pause, Pauses
from shared.domain.errors import InvalidField, InvalidRequest, UnknownTaskType
from shared.domain.json_value import unstorable
from shared.domain.task_type import TaskType

COUNTED: Final = 10_000
"""Counting ends here: nobody needs the exact size of a pile, and it would cost."""
MAX_REASON: Final = 500


class QueueState(StrEnum):
    """Whether a type's tasks are begun."""

    ACTIVE = "active"
    DRAINING = "draining"
    """Paused, and what was begun before still runs."""
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Queue:
    """One task type as an operator sees it; counts end at 10,000."""

    task_type: str
    state: QueueState
    running: int
    held: int
    dead: int
    reason: str = ""
    actor: str = ""
    paused_at: datetime | None = None


class QueueService:
    """Changes what is begun, never what runs. Every change is audited under `actor`."""

    def __init__(self, catalogue: Mapping[str, TaskType], pauses: Pauses) -> None:
        self._catalogue = catalogue
        self._pauses = pauses

    async def all(self) -> list[Queue]:
        """Every task type, by name; also one that is paused and no longer deployed."""
        pauses = {pause.task_type: pause for pause in await self._pauses.all()}
        names = sorted({*self._catalogue, *pauses})
        counts = await self._pauses.counts(names, COUNTED)
        return [_queue(name, counts[name], pauses.get(name)) for name in names]

    async def get(self, task_type: str) -> Queue:
        """One of them. Raises: UnknownTaskType."""
        for queue in await self.all():
            if queue.task_type == task_type:
                return queue
        raise UnknownTaskType(task_type, sorted(self._catalogue))

    async def pause(self, task_type: str, *, reason: str, actor: str) -> Queue:
        """Begin no more tasks of this type: from now on its deliveries are held, at no cost.

        What runs goes on: the queue is draining until it has ended. Safe to repeat.
        Raises: UnknownTaskType, InvalidRequest.
        """
        if task_type not in self._catalogue:
            raise UnknownTaskType(task_type, sorted(self._catalogue))
        if len(reason) > MAX_REASON or unstorable(reason):
            problem = f"it must be a text of at most {MAX_REASON} characters"
            raise InvalidRequest(f"reason: {problem}", [InvalidField("reason", problem)])
        await self._pauses.pause(task_type, reason=reason, actor=actor)
        return await self.get(task_type)

    async def resume(self, task_type: str, *, actor: str) -> Queue:
        """Begin tasks again; what was held comes back in batches. Safe to repeat.

        Raises: UnknownTaskType, when it is neither deployed nor paused.
        """
        was_paused = await self._pauses.resume(task_type, actor=actor)
        if task_type not in self._catalogue and not was_paused:
            raise UnknownTaskType(task_type, sorted(self._catalogue))
        counts = await self._pauses.counts([task_type], COUNTED)
        return _queue(task_type, counts[task_type], None)


def _queue(name: str, counts: Counts, pause: Pause | None) -> Queue:
    if pause is None:
        return Queue(name, QueueState.ACTIVE, counts.running, counts.held, counts.dead)
    state = QueueState.DRAINING if counts.running else QueueState.PAUSED
    return Queue(
        name,
        state,
        counts.running,
        counts.held,
        counts.dead,
        pause.reason,
        pause.actor,
        pause.paused_at,
    )
