"""The routes of the dead-letter desk and of the audit. Translation only."""

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.enqueue import query
from shared.bootstrap import Api
from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.requests import DEFAULT_PAGE
from shared.edges.actor import current_actor
from shared.edges.audit_json import AuditJson, audit_line_json
from shared.edges.desk_json import (
    DeadTasksJson,
    DiscardedJson,
    RawDeliveriesJson,
    dead_task_json,
    groups_json,
    raw_json,
)
from shared.edges.http_body import read_json
from shared.edges.http_edge import json_answer
from shared.edges.redriven import note_redriven
from shared.edges.task_json import task_json


class DeskRoutes:
    """Handlers below `/dead-letters`, of `POST /tasks/{task_id}/redrive` and of `GET /audit`."""

    def __init__(self, api: Api) -> None:
        self._desk = api.desk

    async def groups(self, request: Request) -> Response:
        """Groups of like errors over the newest 1,000 dead tasks."""
        asked = _query(request, task_type=query.task_type)
        return json_answer(groups_json(await self._desk.groups(asked.get("task_type"))))

    async def members(self, request: Request) -> Response:
        """The members of one group among them."""
        return await self._dead(request, _path_group(request))

    async def dead(self, request: Request) -> Response:
        """All of them, each with its group."""
        return await self._dead(request, None)

    async def _dead(self, request: Request, group: str | None) -> Response:
        asked = _query(request, task_type=query.task_type)
        tasks = await self._desk.dead(group, asked.get("task_type"))
        answer: DeadTasksJson = {"tasks": [dead_task_json(t) for t in tasks]}
        return json_answer(answer)

    async def redrive(self, request: Request) -> Response:
        """Put one dead task back to work, perhaps with another payload."""
        payload = await _payload_of(request)
        task = await self._desk.redrive(
            request.path_params["task_id"], actor=current_actor(), payload=payload
        )
        note_redriven(task)
        return json_answer(task_json(task), HTTPStatus.ACCEPTED)

    async def raw(self, request: Request) -> Response:
        """Deliveries that could not be understood."""
        asked = _query(request, after=query.plain, page_size=query.page_size)
        size = asked.get("page_size", DEFAULT_PAGE)
        found = await self._desk.raw(after=asked.get("after"), page_size=size)
        answer: RawDeliveriesJson = {
            "deliveries": [raw_json(one) for one in found],
            "next_after": found[-1].message_id if len(found) == size else "",
        }
        return json_answer(answer)

    async def discard_raw(self, request: Request) -> Response:
        """Forget some of them."""
        asked = _object_of(await read_json(request), "message_ids")
        gone = await self._desk.discard_raw(asked.get("message_ids"), actor=current_actor())
        answer: DiscardedJson = {"discarded": gone}
        return json_answer(answer)

    async def audit(self, request: Request) -> Response:
        """Who did what."""
        asked = _query(request, before=query.number, page_size=query.page_size)
        size = asked.get("page_size", DEFAULT_PAGE)
        lines = await self._desk.audit(before=asked.get("before"), page_size=size)
        answer: AuditJson = {
            "lines": [audit_line_json(line) for line in lines],
            "next_before": lines[-1].id if len(lines) == size else 0,
        }
        return json_answer(answer)


def _query(request: Request, **readers: query.Reader) -> dict[str, Any]:
    return query.read_query(request.scope["query_string"], readers)


def _path_group(request: Request) -> str:
    try:
        return query.group(request.path_params["group"])
    except ValueError as wrong:
        raise InvalidRequest(f"group: {wrong}", [InvalidField("group", str(wrong))]) from None


async def _payload_of(request: Request) -> dict[str, Any] | None:
    """The payload that shall replace the task's; without a body it keeps its own."""
    if request.headers.get("content-length", "0") == "0" and not _is_chunked(request):
        return None
    payload = _object_of(await read_json(request), "payload").get("payload")
    if payload is not None and not isinstance(payload, dict):
        problem = "it must be an object"
        raise InvalidRequest(f"payload: {problem}", [InvalidField("payload", problem)])
    return payload


def _is_chunked(request: Request) -> bool:
    return "transfer-encoding" in request.headers


def _object_of(asked: Any, *names: str) -> dict[str, Any]:
    """The body, which must be an object with no other members than `names`."""
    if not isinstance(asked, dict):
        raise InvalidRequest("the body must be an object", [InvalidField("", "not an object")])
    unknown = [InvalidField(name, "unknown field") for name in asked if name not in names]
    if unknown:
        raise InvalidRequest(f"unknown field {unknown[0].field[:100]}", unknown)
    return asked
