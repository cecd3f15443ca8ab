"""Groups: tasks that are stored together, and what follows when the last of them has ended."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.domain.errors import InvalidField, InvalidRequest, NotFound, UnknownTaskType
from shared.domain.failpoint import Point, reach
from shared.domain.follow_up import Group, Groups, NewGroup, StartedGroup
from shared.domain.requests import GroupRequest
from shared.domain.task import NewTask
from shared.domain.task_type import problems_of
from shared.services.checking import TaskChecker, rejection
from shared.services.enqueue import EnqueueService


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

        All of it or nothing, in one commit. Raises: InvalidRequest with the problems of all
        members; IdempotencyConflict; LedgerUnavailable: it may have been stored, and an
        idempotency key makes a repeat safe.
        """
        try:
            request = GroupRequest.model_validate(asked)
        except ValidationError as refused:
            raise rejection(problems_of(refused, prefix="")) from None
        follow_ups = self._checker.follow_ups(request)
        members = self._members(request.tasks, traceparent)
        key = request.idempotency_key
        print_ = _fingerprint(request) if key else ""
        group = NewGroup(self._new_id(), len(members), follow_ups, traceparent, key, print_)
        return await self._store(group, _in_order(group.id, members))

    async def _store(self, group: NewGroup, members: Sequence[NewTask]) -> StartedGroup:
        reach(Point.API_BEFORE_COMMIT)
        started = await self._enqueue.patiently(self._groups.open(group, members))
        reach(Point.API_AFTER_COMMIT)
        if started.is_new:
            await self._enqueue.publish(members, started.members)
        return started

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


def _in_order(group_id: UUID, members: Sequence[NewTask]) -> list[NewTask]:
    """The members with ascending ids: so their order can be read again."""
    ids = sorted(task.id for task in members)
    return [
        replace(task, id=one, group_id=group_id) for task, one in zip(members, ids, strict=True)
    ]


def _fingerprint(request: GroupRequest) -> str:
    """What must be equal for two requests of one idempotency key to be the same request."""
    said = request.model_dump(mode="json", exclude={"idempotency_key"}, exclude_none=True)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _at(n: int, field: str) -> str:
    return f"tasks.{n}.{field}".rstrip(".")
