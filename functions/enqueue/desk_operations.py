"""What the routes of the dead-letter desk, bulk operations, queues and the audit take and answer,
in OpenAPI's words. Data and nothing else."""

from typing import Any, Final

from functions.enqueue.openapi_words import (
    BODY_PROBLEMS,
    PAGE_SIZE,
    TEXT,
    Operation,
    body,
    ok,
    operation,
    parameter,
)
from shared.domain.api_key import Scope
from shared.domain.operation import Outcome
from shared.domain.task_type import NAME_PATTERN

_UUID: Final = {**TEXT, "format": "uuid"}
_TYPE: Final = {**TEXT, "pattern": NAME_PATTERN}
_SIZE: Final = parameter("page_size", "query", PAGE_SIZE)
_AFTER: Final = parameter("after", "query", TEXT)
_BY_TYPE: Final = parameter("task_type", "query", _TYPE)


def desk_operations() -> dict[str, dict[str, Operation]]:
    """The paths."""
    return {
        "/tasks/{task_id}/redrive": {"post": _redrive()},
        "/dead-letters": {
            "get": _read("List the 1,000 newest dead tasks", "DeadTasksJson", _BY_TYPE)
        },
        "/dead-letters/groups": {
            "get": _read("Group like errors of the dead tasks", "ErrorGroupsJson", _BY_TYPE)
        },
        "/dead-letters/groups/{group}": {
            "get": _read(
                "List the dead tasks of a group", "DeadTasksJson", _place("group"), _BY_TYPE
            )
        },
        "/dead-letters/raw": {
            "get": _read(
                "List deliveries that could not be understood", "RawDeliveriesJson", _AFTER, _SIZE
            )
        },
        "/dead-letters/raw/discard": {
            "post": _change(
                "Forget deliveries that could not be understood",
                ok("How many are gone.", "DiscardedJson"),
                problems=BODY_PROBLEMS,
                body=body("DiscardRequest", {}),
            )
        },
        "/operations": {
            "get": _read("List bulk operations", "OperationsJson", _AFTER, _SIZE),
            "post": _start(),
        },
        "/operations/{operation_id}": {
            "get": _read("Read a bulk operation", "OperationJson", _place("operation_id", _UUID))
        },
        "/operations/{operation_id}/items": {
            "get": _read(
                "List what became of an operation's tasks",
                "OperationItemsJson",
                _place("operation_id", _UUID),
                parameter("outcome", "query", {**TEXT, "enum": [one.value for one in Outcome]}),
                _AFTER,
                _SIZE,
            )
        },
        "/operations/{operation_id}/stop": {
            "post": _change(
                "Let a bulk operation take no more tasks; safe to repeat",
                ok("The operation as it then is.", "OperationJson"),
                problems=(404,),
                parameters=[_place("operation_id", _UUID)],
            )
        },
        **_queues(),
        "/audit": {
            "get": operation(
                "List who did what, newest first",
                ok("Some lines.", "AuditJson"),
                problems=(400, 503),
                scope=Scope.MANAGE,
                parameters=[parameter("before", "query", {"type": "integer", "minimum": 1}), _SIZE],
            )
        },
    }


def _queues() -> dict[str, dict[str, Operation]]:
    paused = ok("The type as it then is.", "QueueJson")
    return {
        "/queues": {"get": _read("List the task types and what they have", "QueuesJson")},
        "/queues/{task_type}": {
            "get": _read("Read what a task type has", "QueueJson", _place("task_type", _TYPE))
        },
        "/queues/{task_type}/pause": {
            "post": _change(
                "Begin no more tasks of a type: they are held, at no cost; safe to repeat",
                paused,
                problems=BODY_PROBLEMS,
                parameters=[_place("task_type", _TYPE)],
                body={
                    **body("PauseRequest", {"why": {"value": {"reason": "the bank is down"}}}),
                    "required": False,
                },
            )
        },
        "/queues/{task_type}/resume": {
            "post": _change(
                "Begin tasks of a type again; what was held comes back",
                paused,
                problems=(400,),
                parameters=[_place("task_type", _TYPE)],
            )
        },
    }


def desk_requests() -> dict[str, Any]:
    """The schemas of bodies that have no model."""
    return {
        "RedriveRequest": _object(
            {"payload": {"type": ["object", "null"], "description": "Replaces the task's own."}}
        ),
        "DiscardRequest": _object(
            {"message_ids": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 1000}},
            "message_ids",
        ),
        "PauseRequest": _object({"reason": {**TEXT, "maxLength": 500}}),
    }


def _redrive() -> Operation:
    return _change(
        "Put a dead task back to work, perhaps with another payload",
        ok("The task, queued at its next generation.", "TaskJson", "202"),
        problems=(*BODY_PROBLEMS, 404, 409),
        parameters=[_place("task_id", _UUID)],
        body={**body("RedriveRequest", {}), "required": False},
    )


def _start() -> Operation:
    started = ok("Started; the relay works through it.", "OperationJson", "202")
    started["202"]["headers"] = {
        "Location": {"description": "The operation.", "required": True, "schema": TEXT}
    }
    example = {"kind": "redrive", "filter": {"task_type": "send_email"}, "dry_run": True}
    return _change(
        "Redrive, cancel or discard every task that a filter fits",
        {**started, **ok("What it would concern: a dry run.", "PreviewJson")},
        problems=BODY_PROBLEMS,
        body=body("OperationRequest", {"dry run": {"value": example}}),
    )


def _read(summary: str, schema: str, *parameters: dict[str, Any]) -> Operation:
    in_path = any(one["in"] == "path" for one in parameters)
    return operation(
        summary,
        ok("As it is now.", schema),
        problems=(400, 503, *((404,) if in_path else ())),
        scope=Scope.READ,
        parameters=parameters,
    )


def _change(
    summary: str, answers: dict[str, Any], *, problems: tuple[int, ...], **more: Any
) -> Operation:
    return operation(summary, answers, problems=(*problems, 503), scope=Scope.MANAGE, **more)


def _place(name: str, schema: dict[str, Any] = TEXT) -> dict[str, Any]:
    return {**parameter(name, "path", schema), "required": True}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return said | ({"required": list(required)} if required else {})
