"""The RPCs of the dead-letter desk, bulk operations, queues and the audit: translation only.

Answers are the shapes that REST answers, read into messages of the same names.
"""
# ruff: noqa: N802 - the methods have the names of their RPCs

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from grpc.aio import ServicerContext

from grpc_gateway import answers, requests
from grpc_gateway.listing import STATES
from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.bootstrap import Api
from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.json_value import unstorable
from shared.domain.operation import Preview
from shared.domain.requests import DEFAULT_PAGE
from shared.edges.actor import current_actor
from shared.edges.audit_json import audit_line_json
from shared.edges.desk_json import dead_task_json, groups_json, raw_json
from shared.edges.operation_json import item_json, operation_json, preview_json
from shared.edges.queue_json import queue_json
from shared.edges.redriven import note_redriven
from shared.services.queues import Queue
from shared.telemetry import Event, log

M = TypeVar("M", bound=Message)
Context = ServicerContext[Any, Any]
_ENUMS: Final = frozenset({"kind", "state", "outcome"})
_KINDS: Final[dict[int, str]] = {
    pb.Operation.REDRIVE: "redrive",
    pb.Operation.CANCEL: "cancel",
    pb.Operation.DISCARD: "discard",
}


class DeskRpcs:
    """Part of `TaskService`."""

    _api: Api

    async def RedriveTask(self, request: pb.RedriveTaskRequest, context: Context) -> pb.Task:
        """Put one dead task back to work."""
        payload = None
        if request.HasField("payload_json"):
            payload = requests.payload_object(request.payload_json)
        task = await self._api.desk.redrive(request.task_id, actor=current_actor(), payload=payload)
        note_redriven(task)
        return answers.whole(task)

    async def ListErrorGroups(
        self, request: pb.ListErrorGroupsRequest, context: Context
    ) -> pb.ListErrorGroupsResponse:
        """Group like errors."""
        found = await self._api.desk.groups(_text(request, "task_type"))
        return _read(groups_json(found), pb.ListErrorGroupsResponse())

    async def ListDeadTasks(
        self, request: pb.ListDeadTasksRequest, context: Context
    ) -> pb.ListDeadTasksResponse:
        """List dead tasks, or the members of a group."""
        tasks = await self._api.desk.dead(_text(request, "group"), _text(request, "task_type"))
        answer = pb.ListDeadTasksResponse()
        ParseDict({"tasks": [dead_task_json(task) for task in tasks]}, answer)
        return answer

    async def ListRawDeliveries(
        self, request: pb.ListRawDeliveriesRequest, context: Context
    ) -> pb.ListRawDeliveriesResponse:
        """List what could not be understood."""
        size = request.page_size
        found = await self._api.desk.raw(after=_text(request, "after"), page_size=size)
        answer = pb.ListRawDeliveriesResponse()
        ParseDict({"deliveries": [raw_json(one) for one in found]}, answer)
        answer.next_after = found[-1].message_id if _is_full(found, size) else ""
        return answer

    async def DiscardRawDeliveries(
        self, request: pb.DiscardRawDeliveriesRequest, context: Context
    ) -> pb.DiscardRawDeliveriesResponse:
        """Forget some of it."""
        ids = list(request.message_ids)
        gone = await self._api.desk.discard_raw(ids, actor=current_actor())
        return pb.DiscardRawDeliveriesResponse(discarded=gone)

    async def StartOperation(
        self, request: pb.StartOperationRequest, context: Context
    ) -> pb.StartOperationResponse:
        """Start a bulk operation, or only count."""
        made = await self._api.operations.start(_operation_of(request), actor=current_actor())
        if isinstance(made, Preview):
            said = preview_json(made)
            preview = {name: value for name, value in said.items() if name != "dry_run"}
            return pb.StartOperationResponse(preview=_read(preview, pb.OperationPreview()))
        operation = _read(operation_json(made), pb.Operation())
        return pb.StartOperationResponse(operation=operation)

    async def GetOperation(self, request: pb.GetOperationRequest, context: Context) -> pb.Operation:
        """Read one."""
        operation = await self._api.operations.get(request.operation_id)
        return _read(operation_json(operation), pb.Operation())

    async def ListOperations(
        self, request: pb.ListOperationsRequest, context: Context
    ) -> pb.ListOperationsResponse:
        """List them."""
        size = request.page_size
        found = await self._api.operations.all(after=request.after, page_size=size)
        return pb.ListOperationsResponse(
            operations=[_read(operation_json(one), pb.Operation()) for one in found],
            next_after=str(found[-1].id) if _is_full(found, size) else "",
        )

    async def ListOperationItems(
        self, request: pb.ListOperationItemsRequest, context: Context
    ) -> pb.ListOperationItemsResponse:
        """List what became of each task."""
        size = request.page_size
        items = await self._api.operations.items(
            request.operation_id, _outcome(request.outcome), after=request.after, page_size=size
        )
        return pb.ListOperationItemsResponse(
            items=[_read(item_json(one), pb.OperationItem()) for one in items],
            next_after=str(items[-1].task_id) if _is_full(items, size) else "",
        )

    async def StopOperation(
        self, request: pb.StopOperationRequest, context: Context
    ) -> pb.Operation:
        """Let one take no more tasks."""
        operation = await self._api.operations.stop(request.operation_id, actor=current_actor())
        return _read(operation_json(operation), pb.Operation())

    async def ListQueues(
        self, request: pb.ListQueuesRequest, context: Context
    ) -> pb.ListQueuesResponse:
        """List the task types as an operator sees them."""
        return pb.ListQueuesResponse(queues=map(_queue, await self._api.queues.all()))

    async def PauseQueue(self, request: pb.PauseQueueRequest, context: Context) -> pb.Queue:
        """Begin no more tasks of a type."""
        queue = await self._api.queues.pause(
            request.task_type, reason=request.reason, actor=current_actor()
        )
        log(Event.QUEUE_PAUSED, task_type=queue.task_type, actor=current_actor())
        return _queue(queue)

    async def ResumeQueue(self, request: pb.ResumeQueueRequest, context: Context) -> pb.Queue:
        """Begin tasks of it again."""
        queue = await self._api.queues.resume(request.task_type, actor=current_actor())
        log(Event.QUEUE_RESUMED, task_type=queue.task_type, actor=current_actor())
        return _queue(queue)

    async def ListAuditLines(
        self, request: pb.ListAuditLinesRequest, context: Context
    ) -> pb.ListAuditLinesResponse:
        """Who did what."""
        size = request.page_size
        lines = await self._api.desk.audit(before=request.before or None, page_size=size)
        return pb.ListAuditLinesResponse(
            lines=[_read(audit_line_json(one), pb.AuditLine()) for one in lines],
            next_before=lines[-1].id if _is_full(lines, size) else 0,
        )


def _read(said: Mapping[str, Any], message: M) -> M:
    """The JSON of REST as a message: enums by their names there, what is null left out."""
    names = {name: value for name, value in said.items() if value is not None}
    names |= {name: str(names[name]).upper() for name in _ENUMS & names.keys()}
    return ParseDict(names, message)


def _queue(queue: Queue) -> pb.Queue:
    return _read(queue_json(queue), pb.Queue())


def _text(request: Message, name: str) -> str | None:
    """A field that means nothing when it is empty. Raises: InvalidRequest for NUL characters."""
    value: str = getattr(request, name)
    if "\0" in value:
        raise _invalid(name, "it has a NUL character")
    return value or None


def _is_full(found: list[Any], page_size: int) -> bool:
    return bool(found) and len(found) == (page_size or DEFAULT_PAGE)


def _outcome(number: int) -> str:
    if not number:
        return ""
    if number not in pb.OperationItem.Outcome.values():
        raise _invalid("outcome", f"{number} is not a number of OperationItem.Outcome")
    return pb.OperationItem.Outcome.Name(number).lower()  # type: ignore[arg-type]


def _operation_of(request: pb.StartOperationRequest) -> dict[str, Any]:
    """As the same request over REST would have it; fields that were not sent are left out."""
    asked: dict[str, Any] = {"dry_run": request.dry_run}
    if request.kind:
        asked["kind"] = _KINDS.get(request.kind, str(request.kind))
    if request.HasField("per_second"):
        asked["per_second"] = request.per_second
    if request.HasField("filter"):
        asked["filter"] = _filter_of(request.filter)
    return asked


def _filter_of(wanted: pb.OperationFilter) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in ("task_type", "group"):
        if value := _text(wanted, name):
            said[name] = value
    if wanted.state:
        state = STATES.get(wanted.state)
        said["state"] = state.value if state else str(wanted.state)
    if wanted.labels:
        said["labels"] = dict(wanted.labels)
        if problem := unstorable(said["labels"]):
            raise _invalid("filter.labels", problem)
    if wanted.task_ids:
        said["task_ids"] = list(wanted.task_ids)
    for moment in ("created_after", "created_before", "until"):
        if wanted.HasField(moment):
            said[moment] = _moment(moment, getattr(wanted, moment))
    return said


def _moment(name: str, stamp: Any) -> str:
    try:
        return str(stamp.ToJsonString())
    except ValueError:
        raise _invalid(f"filter.{name}", "it is not a time of the years 1 to 9999") from None


def _invalid(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {problem}", [InvalidField(field, problem)])
