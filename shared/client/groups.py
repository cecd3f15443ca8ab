"""The client's calls about groups."""

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

from shared.client.asking import Asking
from shared.client.shapes import FollowUpRequest, TaskRequest


class GroupRequest(TypedDict):
    """1 to 1,000 tasks without idempotency keys, and what follows when all have ended."""

    tasks: Sequence[TaskRequest]
    then: NotRequired[FollowUpRequest]
    on_failure: NotRequired[FollowUpRequest]
    idempotency_key: NotRequired[str]


class StartedGroup(TypedDict):
    """A group that was accepted: its members in the request's order."""

    group_id: str
    task_ids: list[str]
    replayed: bool


class GroupJson(TypedDict):
    """How a group stands: `running`, then `succeeded` or `failed`. Times are RFC 3339 in UTC."""

    group_id: str
    state: str
    total: int
    succeeded: int
    failed: int
    follow_ups: dict[str, str]
    created_at: str
    finished_at: str | None


class GroupCalls(Asking):
    """Part of `Client`. Each call raises ApiError when refused, else ServiceUnreachable."""

    async def start_group(self, request: GroupRequest) -> StartedGroup:
        """Accept a group, all of it or nothing. After ServiceUnreachable it may be stored: an
        idempotency key makes a repeat safe."""
        body: Mapping[str, Any] = {**request, "tasks": list(request["tasks"])}
        started: StartedGroup = await self._ask("POST", "/groups", json=body)
        return started

    async def group(self, group_id: str) -> GroupJson:
        """How the group stands (`not_found` when there is none)."""
        group: GroupJson = await self._ask("GET", f"/groups/{quote(group_id, safe='')}")
        return group

    async def wait_for_group(self, group_id: str, timeout_seconds: float = math.inf) -> GroupJson:
        """The group once it has ended, or as it stands when the time is over."""
        deadline = self._deadline(timeout_seconds)
        group = await self.group(group_id)
        while group["state"] == "running" and await self._pause_until(deadline):
            group = await self.group(group_id)
        return group

    async def watch_group(self, group_id: str) -> AsyncGenerator[GroupJson]:
        """The group as it stands, then after each change that was seen, until it has ended.

        It is asked for twice a second, so of changes in between only the last is given.
        """
        seen = None
        while seen is None or seen["state"] == "running":
            group = await self.group(group_id)
            if group != seen:
                yield group
            seen = group
            if seen["state"] == "running":
                await self._pause_until(math.inf)
