"""Bulk operations as a person asks for them: look first, start, watch, stop. The relay works."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from shared.domain.desk import DeadTask, group_id_of
from shared.domain.desk_ports import Desk, Operations
from shared.domain.errors import InvalidField, InvalidRequest, OperationNotFound
from shared.domain.operation import (
    MAX_ITEMS,
    NewOperation,
    Operation,
    OperationItem,
    OperationKind,
    Outcome,
    Preview,
    Selection,
)
from shared.domain.operation_request import OperationRequest
from shared.domain.task_type import problems_of
from shared.services.desk import checked_size

_READ: Final = 5000


class OperationsService:
    """Makes, shows and stops operations."""

    def __init__(self, *, desk: Desk, operations: Operations, new_id: Callable[[], UUID]) -> None:
        self._desk = desk
        self._operations = operations
        self._new_id = new_id

    async def start(self, asked: Any, *, actor: str) -> Operation | Preview:
        """Make the operation that the decoded JSON `asked` asks for; a dry run only counts.

        Which tasks it concerns is decided here, once; the relay changes them item by item.
        Raises: InvalidRequest, also when it would concern more than 100,000 tasks.
        """
        request = _read(asked)
        kind, selection = OperationKind(request.kind), request.filter.selection()
        if selection.group:
            selection = replace(selection, task_ids=tuple(await self._members(selection)))
        preview = await self._operations.preview(kind, selection)
        if request.dry_run:
            return preview
        if preview.total > MAX_ITEMS:
            raise _invalid(
                "filter",
                f"it fits {preview.total} tasks, over {MAX_ITEMS}; narrow it, by "
                "created_before for instance, and repeat it for the rest",
            )
        new = NewOperation(self._new_id(), kind, selection, actor, request.per_second)
        return await self._operations.create(new)

    async def _members(self, selection: Selection) -> list[UUID]:
        """The ids of a group: how errors are likened is not the database's to know."""
        members: list[UUID] = []
        after: UUID | None = None
        while tasks := await self._desk.dead(selection.task_type, after=after, limit=_READ):
            members += await asyncio.to_thread(_members_of, selection, tasks)
            after = tasks[-1].id
        return members

    async def get(self, operation_id: str) -> Operation:
        """Raises: OperationNotFound, also for an id that is none."""
        operation = await self._operations.get(_uuid_of(operation_id))
        if operation is None:
            raise OperationNotFound(operation_id)
        return operation

    async def all(self, *, after: str, page_size: int) -> list[Operation]:
        """Operations, newest first, older than `after` when it is given."""
        last = _uuid_of(after) if after else None
        return await self._operations.all(after=last, limit=checked_size(page_size))

    async def items(
        self, operation_id: str, outcome: str, *, after: str, page_size: int
    ) -> list[OperationItem]:
        """The operation's items in the order of their ids, past `after` when it is given.

        Raises: OperationNotFound, InvalidRequest.
        """
        operation = await self.get(operation_id)
        try:
            wanted = Outcome(outcome) if outcome else None
            last = UUID(after) if after else None
        except ValueError:
            wrong = "outcome" if outcome and outcome not in set(Outcome) else "after"
            raise _invalid(wrong, "it is not one that there is") from None
        size = checked_size(page_size)
        return await self._operations.items(operation.id, wanted, after=last, limit=size)

    async def stop(self, operation_id: str, *, actor: str) -> Operation:
        """Take no more items. Safe to repeat. Raises: OperationNotFound."""
        operation = await self._operations.stop(_uuid_of(operation_id), actor=actor)
        if operation is None:
            raise OperationNotFound(operation_id)
        return operation


def _read(asked: Any) -> OperationRequest:
    try:
        return OperationRequest.model_validate(asked)
    except ValidationError as refused:
        problems = problems_of(refused, prefix="")
        said = "; ".join(f"{p.field or 'body'}: {p.problem}" for p in problems)
        raise InvalidRequest(f"operation rejected: {said}", problems) from None


def _members_of(selection: Selection, tasks: list[DeadTask]) -> list[UUID]:
    return [
        task.id
        for task in tasks
        if (selection.until is None or task.finished_at <= selection.until)
        and group_id_of(task) == selection.group
    ]


def _uuid_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise OperationNotFound(text[:100]) from None


def _invalid(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {problem}", [InvalidField(field, problem)])
