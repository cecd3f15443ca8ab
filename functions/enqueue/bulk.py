"""The routes of bulk operations. Translation only."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from functions.enqueue import query
from shared.bootstrap import Api
from shared.domain.operation import Preview
from shared.domain.requests import DEFAULT_PAGE
from shared.edges.actor import current_actor
from shared.edges.http_body import read_json
from shared.edges.http_edge import json_answer
from shared.edges.operation_json import (
    OperationItemsJson,
    OperationsJson,
    item_json,
    operation_json,
    preview_json,
)


class BulkRoutes:
    """Handlers of `/operations` and what is below it."""

    def __init__(self, api: Api) -> None:
        self._operations = api.operations

    async def start(self, request: Request) -> Response:
        """Start an operation (202), or only count what it would concern (200)."""
        made = await self._operations.start(await read_json(request), actor=current_actor())
        if isinstance(made, Preview):
            return json_answer(preview_json(made))
        headers = {"Location": f"/operations/{made.id}"}
        return json_answer(operation_json(made), HTTPStatus.ACCEPTED, headers)

    async def find(self, request: Request) -> Response:
        """Operations, newest first."""
        readers = {"after": query.plain, "page_size": query.page_size}
        asked = query.read_query(request.scope["query_string"], readers)
        size = asked.get("page_size", DEFAULT_PAGE)
        found = await self._operations.all(after=asked.get("after", ""), page_size=size)
        answer: OperationsJson = {
            "operations": [operation_json(one) for one in found],
            "next_after": str(found[-1].id) if len(found) == size else "",
        }
        return json_answer(answer)

    async def get(self, request: Request) -> Response:
        """One operation with its counts."""
        operation = await self._operations.get(request.path_params["operation_id"])
        return json_answer(operation_json(operation))

    async def items(self, request: Request) -> Response:
        """What became of each task."""
        readers = {"outcome": query.plain, "after": query.plain, "page_size": query.page_size}
        asked = query.read_query(request.scope["query_string"], readers)
        size = asked.get("page_size", DEFAULT_PAGE)
        items = await self._operations.items(
            request.path_params["operation_id"],
            asked.get("outcome", ""),
            after=asked.get("after", ""),
            page_size=size,
        )
        answer: OperationItemsJson = {
            "items": [item_json(item) for item in items],
            "next_after": str(items[-1].task_id) if len(items) == size else "",
        }
        return json_answer(answer)

    async def stop(self, request: Request) -> Response:
        """Take no more of its tasks."""
        operation = await self._operations.stop(
            request.path_params["operation_id"], actor=current_actor()
        )
        return json_answer(operation_json(operation))
