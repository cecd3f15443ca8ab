"""Requests as the services take them. Translation only: the services decide what is right.

What only this protocol can get wrong is refused here: a payload that is text, NUL characters.
"""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.errors import CloudTaskerError, InvalidField, InvalidRequest, RequestTooLarge
from shared.domain.json_value import unstorable
from shared.domain.requests import MAX_BATCH, MAX_BODY_BYTES
from shared.edges import strict_json

Followed = pb.EnqueueTaskRequest | pb.StartGroupRequest | pb.FollowUp
Asked = dict[str, Any]
"""The decoded JSON of an EnqueueRequest, as the same request over REST would have it."""


def asked_of(request: pb.EnqueueTaskRequest) -> Asked:
    """The task that is asked for; fields that were not sent are left out.

    Raises: InvalidRequest when the payload is not JSON, or the rest cannot be stored.
    RequestTooLarge.
    """
    asked: Asked = {"labels": dict(request.labels), "ordering_key": request.ordering_key}
    if request.task_type:
        asked["task_type"] = request.task_type
    if request.HasField("idempotency_key"):
        asked["idempotency_key"] = request.idempotency_key
    if request.HasField("concurrency_key"):
        asked["concurrency_key"] = request.concurrency_key
    if request.HasField("run_at"):
        asked["run_at"] = _moment_of(request.run_at)
    if request.HasField("delay_seconds"):
        asked["delay_seconds"] = request.delay_seconds
    if request.HasField("expires_in_seconds"):
        asked["expires_in_seconds"] = request.expires_in_seconds
    for name, value in asked.items():
        check_storable(name, value)
    if request.payload_json:
        asked["payload"] = payload_of(request.payload_json)
    return asked | _followers_of(request)


def group_of(request: pb.StartGroupRequest) -> Asked:
    """The group that is asked for, as REST would have it.

    Raises: as `asked_of`, for the first task that cannot be read.
    """
    asked: Asked = {"tasks": [asked_of(one) for one in request.tasks]}
    if request.HasField("idempotency_key"):
        check_storable("idempotency_key", request.idempotency_key)
        asked["idempotency_key"] = request.idempotency_key
    return asked | _followers_of(request)


def _followers_of(request: Followed) -> Asked:
    asked: Asked = {}
    if request.HasField("then"):
        asked["then"] = _follow_up_of(request.then)
    if request.HasField("on_failure"):
        asked["on_failure"] = _follow_up_of(request.on_failure)
    return asked


def _follow_up_of(one: pb.FollowUp) -> Asked:
    asked: Asked = {"task_type": one.task_type, "labels": dict(one.labels)}
    if one.HasField("result_as"):
        asked["result_as"] = one.result_as
    if one.HasField("concurrency_key"):
        asked["concurrency_key"] = one.concurrency_key
    if one.HasField("delay_seconds"):
        asked["delay_seconds"] = one.delay_seconds
    if one.HasField("expires_in_seconds"):
        asked["expires_in_seconds"] = one.expires_in_seconds
    for name, value in asked.items():
        check_storable(name, value)
    if one.payload_json:
        asked["payload"] = payload_of(one.payload_json)
    return asked | _followers_of(one)


def all_asked_of(
    requests: Sequence[pb.EnqueueTaskRequest],
) -> list[Asked | CloudTaskerError]:
    """Each task of a batch, or why it cannot be read.

    Raises: InvalidRequest when there are none, or too many.
    """
    if not 1 <= len(requests) <= MAX_BATCH:
        raise _invalid("tasks", f"it has {len(requests)} tasks; send 1 to {MAX_BATCH}")
    return [_asked_or_error(request) for request in requests]


def _asked_or_error(request: pb.EnqueueTaskRequest) -> Asked | CloudTaskerError:
    try:
        return asked_of(request)
    except CloudTaskerError as refused:
        return refused


def payload_object(text: str) -> dict[str, Any]:
    """A payload that was sent as text. Raises: InvalidRequest, RequestTooLarge."""
    payload = payload_of(text)
    if not isinstance(payload, dict):
        raise _invalid("payload_json", "it must be a JSON object")
    return payload


def payload_of(text: str) -> Any:
    """The payload that the text is. Raises: InvalidRequest, RequestTooLarge."""
    raw = text.encode()
    if len(raw) > MAX_BODY_BYTES:
        raise RequestTooLarge(MAX_BODY_BYTES)
    try:
        return strict_json.loads(raw)
    except InvalidRequest as refused:
        problem = refused.fields[0].problem if refused.fields else str(refused)
        raise _invalid("payload_json", problem) from None


def _moment_of(stamp: Timestamp) -> str:
    try:
        return stamp.ToDatetime(tzinfo=UTC).isoformat()
    except ValueError:
        raise _invalid("run_at", "it is not a time between the years 1 and 9999") from None


def check_storable(name: str, value: Any) -> None:
    """Protocol buffers carry NUL characters, which no row can hold."""
    if problem := unstorable(value):
        raise _invalid(name, problem)


def _invalid(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {problem}", [InvalidField(field, problem)])
