"""The routes that accept tasks: one, or up to 1,000 in one commit. Translation only."""

import os
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from shared.bootstrap import Api
from shared.domain.blob import MAX_LARGE_BODY_BYTES
from shared.domain.errors import CloudTaskerError, InvalidField, InvalidRequest
from shared.domain.requests import MAX_BATCH, MAX_BODY_BYTES
from shared.domain.trace import traceparent_of
from shared.edges.accepted import note_accepted, note_outcomes
from shared.edges.http_body import read_sized_json
from shared.edges.http_edge import json_answer
from shared.edges.http_errors import ProblemJson, problem_of
from shared.edges.task_json import AcceptedJson, accepted_json
from shared.services.enqueue import Outcome


class AcceptedItemJson(AcceptedJson):
    """A task of a batch that was accepted."""

    replayed: Annotated[
        bool, Field(description="Whether this is the earlier task of the idempotency key.")
    ]


class RefusedItemJson(TypedDict):
    """A task of a batch that was refused; nothing of it was stored."""

    error: ProblemJson


class ResultsJson(TypedDict):
    """What became of each task of a batch, in the order of the request."""

    results: list[AcceptedItemJson | RefusedItemJson]


class Accepting:
    """Handlers of `POST /enqueue-task` and `POST /enqueue-tasks`."""

    def __init__(self, api: Api) -> None:
        self._enqueue = api.enqueue
        self._largest = MAX_LARGE_BODY_BYTES if api.enqueue.takes_large else MAX_BODY_BYTES

    async def one(self, request: Request) -> Response:
        """Accept one task."""
        said, size = await read_sized_json(request, self._largest)
        asked = _with_key(said, request.headers.getlist("idempotency-key"))
        traceparent = _traceparent(request)
        stored = await self._enqueue.enqueue(asked, traceparent=traceparent, body_bytes=size)
        note_accepted(stored, traceparent)
        headers = {"Location": f"/tasks/{stored.id}"}
        if not stored.is_new:
            headers["Idempotency-Replayed"] = "true"
        return json_answer(accepted_json(stored), HTTPStatus.ACCEPTED, headers)

    async def many(self, request: Request) -> Response:
        """Accept several tasks in one commit."""
        if "idempotency-key" in request.headers:
            problem = "a batch takes no header; give each task its own idempotency_key"
            raise _invalid("Idempotency-Key", problem)
        said, size = await read_sized_json(request)
        asked = _batch_of(said)
        traceparent = _traceparent(request)
        outcomes = await self._enqueue.enqueue_all(asked, traceparent=traceparent, body_bytes=size)
        note_outcomes(outcomes, traceparent)
        answer: ResultsJson = {"results": [_result(outcome) for outcome in outcomes]}
        return json_answer(answer, HTTPStatus.ACCEPTED)


def _result(outcome: Outcome) -> AcceptedItemJson | RefusedItemJson:
    if isinstance(outcome, CloudTaskerError):
        return {"error": problem_of(outcome).as_json()}
    return {**accepted_json(outcome), "replayed": not outcome.is_new}


def _traceparent(request: Request) -> str:
    return traceparent_of(request.headers.get("traceparent", ""), os.urandom(24))


def _with_key(asked: Any, headers: list[str]) -> Any:
    """The request with the header's idempotency key in its field, so that one rule checks both."""
    if not headers or not isinstance(asked, dict):
        return asked
    key = headers[0]
    if not key.isascii():
        raise _invalid("Idempotency-Key", "it must be ASCII; use the field idempotency_key")
    field = asked.get("idempotency_key")
    others = headers[1:] if field is None else [*headers[1:], field]
    if any(other != key for other in others):
        raise _invalid("Idempotency-Key", "two different keys: give one, as header or as field")
    return {**asked, "idempotency_key": key}


def _batch_of(asked: Any) -> list[Any]:
    """The tasks of a batch's body; what they hold is not looked at yet."""
    if not isinstance(asked, dict):
        raise _invalid("", 'the body must be an object: {"tasks": […]}')
    tasks = asked.get("tasks")
    problems = [InvalidField(name, "unknown field") for name in asked if name != "tasks"]
    if not isinstance(tasks, list) or not 1 <= len(tasks) <= MAX_BATCH:
        problems.append(InvalidField("tasks", f"it must be a list of 1 to {MAX_BATCH} tasks"))
    if problems or not isinstance(tasks, list):
        raise InvalidRequest("; ".join(f"{p.field}: {p.problem}" for p in problems), problems)
    return tasks


def _invalid(field: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field or 'body'}: {problem}", [InvalidField(field, problem)])
