"""What each route takes and answers, in OpenAPI's words. Data and nothing else."""

from collections import defaultdict
from typing import Any, Final

from functions.enqueue.desk_operations import desk_operations
from functions.enqueue.group_operations import group_operations
from functions.enqueue.openapi_words import BODY_PROBLEMS as _BODY_PROBLEMS
from functions.enqueue.openapi_words import TEXT as _TEXT
from functions.enqueue.openapi_words import TIME as _TIME
from functions.enqueue.openapi_words import Operation
from functions.enqueue.openapi_words import body as _body
from functions.enqueue.openapi_words import ok as _ok
from functions.enqueue.openapi_words import operation as _operation
from functions.enqueue.openapi_words import parameter as _parameter
from functions.enqueue.openapi_words import plain as _plain
from functions.enqueue.schedule_operations import schedule_operations
from shared.domain.api_key import Scope
from shared.domain.requests import DEFAULT_PAGE, MAX_PAGE
from shared.domain.task import State
from shared.domain.task_type import NAME_PATTERN
from shared.edges.http_errors import MEDIA_TYPE, TABLE

_HTTP_ONLY: Final = {
    404: ("no_such_path",),
    405: ("method_not_allowed",),
    408: ("request_timeout",),
    500: ("internal",),
}
"""Codes of problems that are HTTP's own, by status."""


def operations(examples: dict[str, Any]) -> dict[str, dict[str, Operation]]:
    """The paths; `examples` are bodies that `POST /enqueue-task` accepts."""
    batch = {"all": {"value": {"tasks": [one["value"] for one in examples.values()]}}}
    return {
        "/enqueue-task": {"post": _enqueue_one(examples)},
        "/enqueue-tasks": {"post": _enqueue_many(batch if examples else {})},
        **group_operations(examples),
        "/tasks": {"get": _find()},
        "/tasks/{task_id}": {"get": _get()},
        "/tasks/{task_id}/events": {"get": _events()},
        "/tasks/{task_id}/cancel": {"post": _cancel()},
        **desk_operations(),
        **schedule_operations(),
        "/task-types": {
            "get": _operation("List the task types", _ok("The task types.", "TaskTypesJson"))
        },
        "/openapi.json": {
            "get": _operation("This document", {"200": _plain("OpenAPI 3.1.", "application/json")})
        },
        "/health": {
            "get": _operation(
                "Whether the process answers", _ok("It does.", "HealthJson"), open=True
            )
        },
        "/ready": {"get": _ready()},
        "/metrics": {
            "get": _operation(
                "What this process counted",
                {"200": _plain("Prometheus's text format.", "text/plain")},
                scope=Scope.READ,
            )
        },
    }


def security_schemes() -> dict[str, Any]:
    """How a caller proves who it is, where the service asks."""
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, or with CLOUDTASKER_AUTH=google a Google ID token.",
        },
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }


def problem_responses() -> dict[str, Any]:
    """One response a status, which names the codes that come with it."""
    codes: dict[int, list[str]] = defaultdict(list)
    for code, said in TABLE.items():
        codes[int(said.status)].append(code.value)
    for status, more in _HTTP_ONLY.items():
        codes[status].extend(more)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemJson"}}}
    return {
        f"Problem{status}": {"description": f"code: {', '.join(said)}", "content": content}
        for status, said in sorted(codes.items())
    }


def _enqueue_one(examples: dict[str, Any]) -> Operation:
    key = _parameter("Idempotency-Key", "header", {**_TEXT, "minLength": 1, "maxLength": 255})
    key["description"] = "As the field idempotency_key: the same key gives the same task for 24 h."
    accepted = _ok("Stored; it will be run.", "AcceptedJson", "202")
    accepted["202"]["headers"] = {
        "Location": {"description": "The task.", "required": True, "schema": _TEXT},
        "Idempotency-Replayed": {
            "description": "`true` when this is the earlier task of the key.",
            "schema": {"const": "true"},
        },
    }
    return _operation(
        "Accept a task",
        accepted,
        problems=(*_BODY_PROBLEMS, 409, 503),
        scope=Scope.ENQUEUE,
        parameters=[key],
        body=_body("EnqueueRequest", examples),
    )


def _enqueue_many(examples: dict[str, Any]) -> Operation:
    return _operation(
        "Accept up to 1,000 tasks in one commit",
        _ok("Each task's outcome, in order; none need be good.", "ResultsJson", "202"),
        problems=(*_BODY_PROBLEMS, 503),
        scope=Scope.ENQUEUE,
        body=_body("EnqueueBatch", examples),
    )


def _find() -> Operation:
    page_size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}
    label = _parameter("label", "query", {"type": "array", "items": _TEXT})
    label["description"] = "`key:value`; may be repeated: a task must have all of them."
    return _operation(
        "List tasks, newest first",
        _ok("A page of them.", "TaskPageJson"),
        problems=(400, 503),
        scope=Scope.READ,
        parameters=[
            _parameter("task_type", "query", {**_TEXT, "pattern": NAME_PATTERN}),
            _parameter("state", "query", {**_TEXT, "enum": [state.value for state in State]}),
            label,
            _parameter("created_after", "query", _TIME),
            _parameter("created_before", "query", _TIME),
            _parameter("page_size", "query", page_size),
            _parameter("page_token", "query", _TEXT),
        ],
    )


def _get() -> Operation:
    return _operation(
        "Read a task",
        _ok("The task with payload, result and attempts.", "TaskJson"),
        problems=(404, 503),
        scope=Scope.READ,
        parameters=[_task_id()],
    )


def _events() -> Operation:
    seen = _parameter("Last-Event-ID", "header", _TEXT)
    seen["description"] = "The id of the last event that was seen: it is not sent again."
    stream = _plain(
        "Server-sent events `state` and `progress`, each with the task as its data. It ends once "
        "the task is final, and earlier after 50 s: come again with Last-Event-ID.",
        "text/event-stream",
    )
    return _operation(
        "Watch a task until it is final",
        {"200": stream, "204": {"description": "The task is final, and its end has been seen."}},
        problems=(404, 503),
        scope=Scope.READ,
        parameters=[_task_id(), seen],
    )


def _cancel() -> Operation:
    return _operation(
        "Cancel a task that waits, or ask one that runs to stop; safe to repeat",
        {
            **_ok("The cancelled task.", "TaskJson"),
            **_ok("It runs, and was asked to stop.", "TaskJson", "202"),
        },
        problems=(404, 409, 503),
        scope=Scope.MANAGE,
        parameters=[_task_id()],
    )


def _ready() -> Operation:
    answers = {**_ok("It can.", "ReadyJson"), **_ok("It cannot yet.", "ReadyJson", "503")}
    return _operation("Whether the process can do its work", answers, open=True)


def _task_id() -> dict[str, Any]:
    return {**_parameter("task_id", "path", {**_TEXT, "format": "uuid"}), "required": True}
