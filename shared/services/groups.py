"""Groups: tasks that are stored together, and what follows when the last of them has ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.domain.errors import InvalidField, InvalidRequest, NotFound, UnknownTaskType
from shared.domain.follow_up import Group, Groups, NewGroup
from shared.domain.requests import GroupRequest
from shared.domain.task import NewTask
from shared.domain.task_type import problems_of
from shared.services.checking import TaskChecker, rejection
from shared.services.enqueue import EnqueueService, Outcome


@dataclass(frozen=True, slots=True)
class StartedGroup:
    """A group that was accepted, and the outcome of each member, in order."""

    id: UUID
    members: Sequence[Outcome]


class GroupService:
    """Starts groups and tells how they stand."""

    def __init__(
        self,
        checker: TaskChecker,
        enqueue: EnqueueService,
        groups: Groups,
        *,
        new_id: Callable[[], UUID],
    ) -> None:
        self._checker = checker
        self._enqueue = enqueue
        self._groups = groups
        self._new_id = new_id

    async def start(self, asked: Any, *, traceparent: str) -> StartedGroup:
        """Accept a group; `asked` is the decoded JSON of a GroupRequest.

        All of it or nothing. Raises: InvalidRequest with the problems of all members;
        LedgerUnavailable: it may have been stored.
        """
        try:
            request = GroupRequest.model_validate(asked)
        except ValidationError as refused:
            raise rejection(problems_of(refused, prefix="")) from None
        follow_ups = self._checker.follow_ups(request)
        group_id = self._new_id()
        members = [
            replace(task, group_id=group_id) for task in self._members(request.tasks, traceparent)
        ]
        await self._groups.open(NewGroup(group_id, len(members), follow_ups, traceparent))
        return StartedGroup(group_id, await self._enqueue.store(members))

    async def get(self, group_id: str) -> Group:
        """Raises: NotFound when there is none; LedgerUnavailable."""
        try:
            group = await self._groups.get(UUID(group_id))
        except ValueError:
            group = None
        if group is None:
            raise NotFound(f"group {group_id}")
        return group

    def _members(self, asked: Sequence[Any], traceparent: str) -> list[NewTask]:
        members: list[NewTask] = []
        problems: list[InvalidField] = []
        for n, one in enumerate(asked):
            try:
                members.append(self._checker.check(one, traceparent))
            except InvalidRequest as refused:
                problems.extend(replace(p, field=_at(n, p.field)) for p in refused.fields)
            except UnknownTaskType as unknown:
                problems.append(InvalidField(_at(n, "task_type"), str(unknown)))
        problems.extend(
            InvalidField(_at(n, "idempotency_key"), "a member of a group takes none")
            for n, member in enumerate(members)
            if member.idempotency_key
        )
        if problems:
            raise rejection(problems)
        return members


def _at(n: int, field: str) -> str:
    return f"tasks.{n}.{field}".rstrip(".")
