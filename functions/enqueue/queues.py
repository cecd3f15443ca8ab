"""The routes that pause and resume task types. Translation only."""

from starlette.requests import Request
from starlette.responses import Response

from shared.bootstrap import Api
from shared.domain.errors import InvalidField, InvalidRequest
from shared.edges.actor import current_actor
from shared.edges.http_body import has_unread_body, read_json
from shared.edges.http_edge import json_answer
from shared.edges.queue_json import QueuesJson, queue_json
from shared.services.queues import Queue
from shared.telemetry import Event, log


class QueueRoutes:
    """Handlers of `/queues` and what is below it."""

    def __init__(self, api: Api) -> None:
        self._queues = api.queues

    async def all(self, request: Request) -> Response:
        """Every task type: whether it works, and what it has."""
        queues = await self._queues.all()
        answer: QueuesJson = {"queues": [queue_json(one) for one in queues]}
        return json_answer(answer)

    async def get(self, request: Request) -> Response:
        """One of them."""
        queue = await self._queues.get(request.path_params["task_type"])
        return json_answer(queue_json(queue))

    async def pause(self, request: Request) -> Response:
        """Begin no more tasks of a type."""
        reason = await _reason_of(request)
        queue = await self._queues.pause(
            request.path_params["task_type"], reason=reason, actor=current_actor()
        )
        return _changed(Event.QUEUE_PAUSED, queue)

    async def resume(self, request: Request) -> Response:
        """Begin tasks of it again."""
        name = request.path_params["task_type"]
        return _changed(Event.QUEUE_RESUMED, await self._queues.resume(name, actor=current_actor()))


def _changed(event: Event, queue: Queue) -> Response:
    log(event, task_type=queue.task_type, actor=current_actor())
    return json_answer(queue_json(queue))


async def _reason_of(request: Request) -> str:
    """Why, when the caller says so; without a body nothing is said."""
    asked = await read_json(request) if has_unread_body(request) else {}
    reason = asked.get("reason", "") if isinstance(asked, dict) else None
    if not isinstance(reason, str) or set(asked) - {"reason"}:
        problem = 'the body must be {"reason": text}'
        raise InvalidRequest(problem, [InvalidField("reason", problem)])
    return reason
