"""The dead-letter desk: like errors as groups, dead tasks and raw deliveries, redrive of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.desk import (
    GROUPED,
    DeadTask,
    ErrorGroup,
    RawDelivery,
    Redrive,
    group_id_of,
    groups_of,
)
from shared.domain.desk_ports import Audit, AuditLine, Desk
from shared.domain.errors import (
    InvalidField,
    InvalidRequest,
    LedgerUnavailable,
    TaskNotFound,
    UnknownTaskType,
    WrongState,
)
from shared.domain.ports import Ledger, Publisher
from shared.domain.requests import DEFAULT_PAGE, MAX_PAGE
from shared.domain.task import State, Task
from shared.domain.task_type import TaskType
from shared.services.lookup import uuid_of
from shared.services.outgoing import publish

MAX_DISCARDED: Final = 1000


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups among the newest dead tasks; `looked_at` says how many those were."""

    groups: list[ErrorGroup]
    looked_at: int


class DeskService:
    """What a person does at the desk. Every move is audited under `actor`."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        ledger: Ledger,
        publisher: Publisher,
        *,
        desk: Desk,
        audit: Audit,
    ) -> None:
        self._catalogue = catalogue
        self._ledger = ledger
        self._publisher = publisher
        self._desk = desk
        self._audit = audit

    async def groups(self, task_type: str | None) -> Groups:
        """Groups of like errors over the newest 1,000 dead tasks, the largest first."""
        tasks = await self._desk.dead(task_type, after=None, limit=GROUPED)
        return Groups(groups_of(tasks), len(tasks))

    async def dead(self, group: str | None, task_type: str | None) -> list[DeadTask]:
        """The newest 1,000 dead tasks, or the members of a group among them, newest first."""
        tasks = await self._desk.dead(task_type, after=None, limit=GROUPED)
        return [task for task in tasks if group in (None, group_id_of(task))]

    async def redrive(
        self, task_id: str, *, actor: str, payload: dict[str, Any] | None = None
    ) -> Task:
        """Put one dead task back to work, perhaps with another payload; the task as it then is.

        Raises: TaskNotFound; WrongState when it is not dead; InvalidPayload; UnknownTaskType.
        """
        key = uuid_of(task_id)
        task = await self._ledger.get(key)
        if task is None:
            raise TaskNotFound(task_id)
        self._check(task, payload)
        moved = await self._desk.redrive([Redrive(key, task.generation, payload)], actor=actor)
        if not moved:
            raise WrongState(key, "no longer dead", "redriven")
        await self._publish(moved)
        return await self._ledger.get(key) or task

    def _check(self, task: Task, payload: dict[str, Any] | None) -> None:
        if task.state is not State.DEAD:
            raise WrongState(task.id, task.state, "redriven")
        if task.task_type not in self._catalogue:
            raise UnknownTaskType(task.task_type, sorted(self._catalogue))
        if payload is not None:
            self._catalogue[task.task_type].check(payload)

    async def _publish(self, moved: Sequence[Any]) -> None:
        try:
            await publish(moved, self._catalogue, self._ledger, self._publisher)
        except LedgerUnavailable:
            # It is redriven and its message is sent; unmarked it is sent once more by the relay.
            return

    async def raw(self, *, after: str | None, page_size: int) -> list[RawDelivery]:
        """Deliveries that could not be understood, newest first."""
        return await self._desk.raw(after=after, limit=checked_size(page_size))

    async def discard_raw(self, message_ids: Any, *, actor: str) -> int:
        """Forget raw deliveries; how many of them there were.

        Raises: InvalidRequest.
        """
        if (
            not isinstance(message_ids, list)
            or not 1 <= len(message_ids) <= MAX_DISCARDED
            or not all(isinstance(one, str) and "\0" not in one for one in message_ids)
        ):
            problem = f"it must be a list of 1 to {MAX_DISCARDED} texts"
            raise InvalidRequest(f"message_ids: {problem}", [InvalidField("message_ids", problem)])
        return await self._desk.discard_raw(message_ids, actor=actor)

    async def audit(self, *, before: int | None, page_size: int) -> list[AuditLine]:
        """Who did what, newest first."""
        return await self._audit.lines(before=before, limit=checked_size(page_size))


def checked_size(page_size: int) -> int:
    """The size of a page; 0 means the default. Raises: InvalidRequest when it is out of range."""
    if not 0 <= page_size <= MAX_PAGE:
        problem = f"{page_size} is not between 1 and {MAX_PAGE}"
        raise InvalidRequest(f"page_size: {problem}", [InvalidField("page_size", problem)])
    return page_size or DEFAULT_PAGE
