"""The calls of the dead-letter desk, bulk operations, queues and the audit; part of `Client`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from shared.client.asking import Asking
from shared.client.desk_shapes import (
    AuditLine,
    DeadTask,
    ErrorGroups,
    OperationFilter,
    OperationItem,
    OperationJson,
    Preview,
    Queue,
    RawDelivery,
)
from shared.client.shapes import TaskJson


class DeskCalls(Asking):
    """What `Client` has of these. Raises: ApiError, ServiceUnreachable, each of them."""

    async def error_groups(self, task_type: str | None = None) -> ErrorGroups:
        """Groups of like errors over the newest 1,000 dead tasks, the largest first."""
        groups: ErrorGroups = await self._ask(
            "GET", "/dead-letters/groups", params=_given(task_type=task_type)
        )
        return groups

    async def group_members(self, group: str, task_type: str | None = None) -> list[DeadTask]:
        """The members of a group among the newest 1,000 dead tasks, newest first."""
        answer = await self._ask(
            "GET", f"/dead-letters/groups/{_part(group)}", params=_given(task_type=task_type)
        )
        tasks: list[DeadTask] = answer["tasks"]
        return tasks

    async def dead_tasks(self, task_type: str | None = None) -> list[DeadTask]:
        """The newest 1,000 dead tasks, each with its group, newest first."""
        answer = await self._ask("GET", "/dead-letters", params=_given(task_type=task_type))
        tasks: list[DeadTask] = answer["tasks"]
        return tasks

    async def redrive(self, task_id: str, payload: Mapping[str, Any] | None = None) -> TaskJson:
        """Put a dead task back to work, perhaps with another payload. Raises: ApiError too."""
        content: dict[str, Any] = {} if payload is None else {"json": {"payload": payload}}
        task: TaskJson = await self._ask("POST", f"/tasks/{_part(task_id)}/redrive", **content)
        return task

    async def raw_deliveries(self) -> AsyncIterator[RawDelivery]:
        """Deliveries that could not be understood, newest first."""
        async for one in self._paged("/dead-letters/raw", "deliveries", {}):
            yield one

    async def discard_raw(self, message_ids: Sequence[str]) -> int:
        """Forget raw deliveries; how many there were."""
        body = {"message_ids": list(message_ids)}
        answer = await self._ask("POST", "/dead-letters/raw/discard", json=body)
        return int(answer["discarded"])

    async def preview(self, kind: str, wanted: OperationFilter) -> Preview:
        """What an operation of this kind (redrive, cancel, discard) would concern now."""
        body = {"kind": kind, "filter": wanted, "dry_run": True}
        preview: Preview = await self._ask("POST", "/operations", json=body)
        return preview

    async def start_operation(
        self, kind: str, wanted: OperationFilter, *, per_second: float | None = None
    ) -> OperationJson:
        """Start it; the service works through it by itself."""
        body = {"kind": kind, "filter": wanted, "per_second": per_second}
        operation: OperationJson = await self._ask("POST", "/operations", json=body)
        return operation

    async def operation(self, operation_id: str) -> OperationJson:
        """The operation with its counts."""
        operation: OperationJson = await self._ask("GET", f"/operations/{_part(operation_id)}")
        return operation

    async def operations(self) -> AsyncIterator[OperationJson]:
        """Every operation that is kept, newest first."""
        async for one in self._paged("/operations", "operations", {}):
            yield one

    async def operation_items(
        self, operation_id: str, outcome: str | None = None
    ) -> AsyncIterator[OperationItem]:
        """What became of each task of an operation, in the order of their ids."""
        path = f"/operations/{_part(operation_id)}/items"
        async for one in self._paged(path, "items", _given(outcome=outcome)):
            yield one

    async def stop_operation(self, operation_id: str) -> OperationJson:
        """Let it take no more tasks; safe to repeat."""
        path = f"/operations/{_part(operation_id)}/stop"
        operation: OperationJson = await self._ask("POST", path)
        return operation

    async def queues(self) -> list[Queue]:
        """Every task type: whether it works, and what it has."""
        answer = await self._ask("GET", "/queues")
        queues: list[Queue] = answer["queues"]
        return queues

    async def queue(self, task_type: str) -> Queue:
        """One of them."""
        queue: Queue = await self._ask("GET", f"/queues/{_part(task_type)}")
        return queue

    async def pause(self, task_type: str, reason: str = "") -> Queue:
        """Begin no more tasks of a type; safe to repeat."""
        path = f"/queues/{_part(task_type)}/pause"
        queue: Queue = await self._ask("POST", path, json={"reason": reason})
        return queue

    async def resume(self, task_type: str) -> Queue:
        """Begin tasks of a type again; what was held comes back."""
        queue: Queue = await self._ask("POST", f"/queues/{_part(task_type)}/resume")
        return queue

    async def audit(self) -> AsyncIterator[AuditLine]:
        """Who did what, newest first."""
        params: dict[str, Any] = {}
        while True:
            page = await self._ask("GET", "/audit", params=params)
            for line in page["lines"]:
                yield line
            if not page["next_before"]:
                return
            params["before"] = page["next_before"]

    async def _paged(self, path: str, name: str, params: dict[str, Any]) -> AsyncIterator[Any]:
        while True:
            page = await self._ask("GET", path, params=params)
            for one in page[name]:
                yield one
            if not page["next_after"]:
                return
            params = {**params, "after": page["next_after"]}


def _given(**params: str | None) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _part(text: str) -> str:
    return quote(text, safe="")
