"""gRPC as an `ApiClient`: a real channel to a gateway on a free port.

What a text can say and a message cannot (a state that does not exist, a time that is none) is
sent as the number that says the same.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2

from grpc_gateway import server
from protos.cloudtasker.v1 import task_service_pb2 as pb
from protos.cloudtasker.v1.task_service_pb2_grpc import TaskServiceStub
from shared.bootstrap import Api
from tests.contract.api.client import ApiError, Json

_NO_STATE = 99
_NO_TIME = 10**15


@asynccontextmanager
async def open_client(api: Api) -> AsyncIterator["GrpcClient"]:
    """A client of a gateway that serves `api` as long as the block lasts."""
    gateway = await server.start(replace(api, settings=replace(api.settings, port=0)))
    try:
        async with grpc.aio.insecure_channel(gateway.address) as channel:
            yield GrpcClient(channel)
    finally:
        await gateway.stop(0)


class GrpcClient:
    """See `ApiClient`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = TaskServiceStub(channel)

    async def enqueue(self, request: Mapping[str, Any], *, traceparent: str = "") -> Json:
        metadata = [("traceparent", traceparent)] if traceparent else []
        return _accepted(
            await _checked(self._stub.EnqueueTask(_request(request), metadata=metadata))
        )

    async def enqueue_all(self, requests: Sequence[Mapping[str, Any]]) -> list[Json | ApiError]:
        batch = pb.EnqueueTasksRequest(tasks=map(_request, requests))
        answer = await _checked(self._stub.EnqueueTasks(batch))
        return [
            _error(one.error) if one.HasField("error") else _accepted(one.task)
            for one in answer.outcomes
        ]

    async def start_group(self, request: Mapping[str, Any]) -> Json:
        tasks = map(_request, request["tasks"])
        key = request.get("idempotency_key")
        asked = pb.StartGroupRequest(tasks=tasks, idempotency_key=key, **_followers(request))
        answer = await _checked(self._stub.StartGroup(asked))
        ids = list(answer.task_ids)
        return {"group_id": answer.group_id, "task_ids": ids, "replayed": answer.replayed}

    async def group(self, group_id: str) -> Json:
        group = await _checked(self._stub.GetGroup(pb.GetGroupRequest(group_id=group_id)))
        counts = ("group_id", "state", "total", "succeeded", "failed")
        said = {name: getattr(group, name) for name in counts}
        times = {name: _time(group, name) for name in ("created_at", "finished_at")}
        return said | times | {"follow_ups": dict(group.follow_ups)}

    async def get(self, task_id: str) -> Json:
        return _whole(await _checked(self._stub.GetTask(pb.GetTaskRequest(task_id=task_id))))

    async def find(
        self,
        *,
        state: str = "",
        created_after: str = "",
        created_before: str = "",
        **conditions: Any,
    ) -> Json:
        request = pb.ListTasksRequest(
            state=_state(state),
            created_after=_timestamp(created_after),
            created_before=_timestamp(created_before),
            **conditions,
        )
        answer = await _checked(self._stub.ListTasks(request))
        return {
            "tasks": [_summary(task) for task in answer.tasks],
            "next_page_token": answer.next_page_token,
        }

    async def cancel(self, task_id: str) -> Json:
        return _whole(await _checked(self._stub.CancelTask(pb.CancelTaskRequest(task_id=task_id))))

    async def task_types(self) -> list[Json]:
        answer = await _checked(self._stub.ListTaskTypes(pb.ListTaskTypesRequest()))
        return [_task_type(one) for one in answer.task_types]


def _request(asked: Mapping[str, Any]) -> pb.EnqueueTaskRequest:
    rest = {name: value for name, value in asked.items() if name != "payload"}
    if "run_at" in rest:
        rest["run_at"] = _timestamp(rest["run_at"])
    payload = asked.get("payload", "")
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return pb.EnqueueTaskRequest(payload_json=text, **(rest | _followers(rest)))


def _followers(asked: Mapping[str, Any]) -> dict[str, pb.FollowUp]:
    return {name: _follow_up(asked[name]) for name in ("then", "on_failure") if name in asked}


def _follow_up(asked: Mapping[str, Any]) -> pb.FollowUp:
    rest = {name: value for name, value in asked.items() if name != "payload"}
    return pb.FollowUp(payload_json=json.dumps(asked["payload"]), **(rest | _followers(rest)))


async def _checked(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as refused:
        trailers = dict(refused.trailing_metadata())
        raise _error(status_pb2.Status.FromString(trailers["grpc-status-details-bin"])) from None


def _error(status: status_pb2.Status) -> ApiError:
    info, problems = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for packed in status.details:
        packed.Unpack(info)
        packed.Unpack(problems)
    fields = [one.field for one in problems.field_violations]
    return ApiError(info.reason.lower(), fields, status.message, info.metadata)


def _accepted(answer: pb.EnqueueTaskResponse) -> Json:
    return {
        "task_id": answer.task_id,
        "task_type": answer.task_type,
        "state": pb.Task.State.Name(answer.state).lower(),
        "created_at": _time(answer, "created_at"),
        "replayed": answer.replayed,
    }


def _summary(task: pb.Task) -> Json:
    return {
        "task_id": task.task_id,
        "task_type": task.task_type,
        "state": pb.Task.State.Name(task.state).lower(),
        "error": _failure(task),
        "labels": dict(task.labels),
        "ordering_key": task.ordering_key,
        "idempotency_key": task.idempotency_key if task.HasField("idempotency_key") else None,
        "generation": task.generation,
        "attempt": task.attempt,
        **{f"{name}_at": _time(task, f"{name}_at") for name in ("created", "started", "finished")},
        **{name: _time(task, name) for name in ("due_at", "not_before", "expires_at")},
        "concurrency_key": task.concurrency_key if task.HasField("concurrency_key") else None,
        "progress": _progress(task),
        "cancel_requested_at": _time(task, "cancel_requested_at"),
        "parent_id": task.parent_id or None,
        "group_id": task.group_id or None,
        "follow_ups": dict(task.follow_ups),
    }


def _whole(task: pb.Task) -> Json:
    return {
        **_summary(task),
        "payload": json.loads(task.payload_json),
        "result": json.loads(task.result_json) if task.HasField("result_json") else None,
        "attempts": [_attempt(one) for one in task.attempts],
    }


def _attempt(one: pb.Attempt) -> Json:
    return {
        "number": one.number,
        "generation": one.generation,
        "started_at": _time(one, "started_at"),
        "finished_at": _time(one, "finished_at"),
        "outcome": one.outcome,
        "error": _failure(one),
    }


def _task_type(one: pb.TaskType) -> Json:
    limits = {field.name: getattr(one.limits, field.name) for field in one.limits.DESCRIPTOR.fields}
    retry = one.limits.retry
    for name in ("max_concurrent", "max_concurrent_per_key", "rate_per_second"):
        limits[name] = limits[name] if one.limits.HasField(name) else None
    limits["non_retryable"] = list(one.limits.non_retryable)
    limits["mode"] = pb.Limits.Mode.Name(one.limits.mode).lower()
    limits["retry"] = {
        "by": pb.Retry.By.Name(retry.by).lower(),
        "min_seconds": retry.min_seconds,
        "max_seconds": retry.max_seconds,
    }
    return {
        "name": one.name,
        "description": one.description,
        "limits": {**limits, "description": one.description, "labels": dict(one.labels)},
        "payload_schema": json.loads(one.payload_schema_json),
    }


def _failure(of: pb.Task | pb.Attempt) -> Json | None:
    return {"kind": of.error.kind, "message": of.error.message} if of.HasField("error") else None


def _progress(task: pb.Task) -> Json | None:
    if not task.HasField("progress"):
        return None
    said = task.progress
    return {"percent": said.percent, "text": said.text, "at": _time(said, "at")}


def _time(of: Message, name: str) -> str | None:
    if not of.HasField(name):
        return None
    moment: datetime = getattr(of, name).ToDatetime(tzinfo=UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _state(text: str) -> Any:
    known: dict[str, int] = dict(pb.Task.State.items())
    return known.get(text.upper(), _NO_STATE) if text else 0


def _timestamp(text: str) -> Timestamp | None:
    if not text:
        return None
    stamp = Timestamp(seconds=_NO_TIME)
    try:
        stamp.FromDatetime(datetime.fromisoformat(text))
    except ValueError:
        return stamp
    return stamp
