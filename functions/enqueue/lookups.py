"""The routes about tasks that exist: read one, list some, cancel one. Translation only."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from functions.enqueue.listing import read_listing
from shared.bootstrap import Api
from shared.domain.task import State
from shared.edges.http_edge import json_answer
from shared.edges.task_json import TaskSummaryJson, task_json, task_summary_json
from shared.telemetry import Event, log


class TaskPageJson(TypedDict):
    """Some tasks, newest first."""

    tasks: list[TaskSummaryJson]
    next_page_token: Annotated[str, Field(description="Empty when there are no more.")]


class Lookups:
    """Handlers of `GET /tasks/{task_id}`, `GET /tasks` and `POST /tasks/{task_id}/cancel`."""

    def __init__(self, api: Api) -> None:
        self._lookup = api.lookup

    async def get(self, request: Request) -> Response:
        """One task with everything that is known of it."""
        return json_answer(task_json(await self._lookup.get(request.path_params["task_id"])))

    async def find(self, request: Request) -> Response:
        """A page of the tasks that the query names."""
        listing = read_listing(request.scope["query_string"])
        page = await self._lookup.find(
            listing.wanted, page_size=listing.page_size, page_token=listing.page_token
        )
        answer: TaskPageJson = {
            "tasks": [task_summary_json(task) for task in page.tasks],
            "next_page_token": page.next_page_token,
        }
        return json_answer(answer)

    async def cancel(self, request: Request) -> Response:
        """Cancel a task that waits, or ask one that runs to stop (202); safe to repeat."""
        task = await self._lookup.cancel(request.path_params["task_id"])
        log(
            Event.TASK_CANCELLED,
            task_id=str(task.id),
            task_type=task.task_type,
            state=task.state,
            traceparent=task.traceparent,
        )
        asked = task.state is State.RUNNING
        return json_answer(task_json(task), HTTPStatus.ACCEPTED if asked else HTTPStatus.OK)
