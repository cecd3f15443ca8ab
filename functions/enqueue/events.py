"""`GET /tasks/{task_id}/events`: what becomes of a task, as server-sent events. Translation only.

Source: WHATWG HTML, "Server-sent events".
"""

import json
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shared.bootstrap import Api
from shared.edges.task_json import task_json
from shared.services.watch import Sighting

HEARTBEAT_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 1000
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # proxies that know it hand each event on at once
}


class Events:
    """The handler of the route."""

    def __init__(self, api: Api, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._watch = api.watch
        self._heartbeat_seconds = heartbeat_seconds

    async def stream(self, request: Request) -> Response:
        """A stream that ends once the task is final; 204 when the caller has seen its end."""
        sightings = self._watch.watch(
            request.path_params["task_id"],
            known=request.headers.get("last-event-id", ""),
            beat_seconds=self._heartbeat_seconds,
        )
        try:
            first = await anext(sightings)  # what can be refused is, before the status is sent
        except StopAsyncIteration:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        if request.method == "HEAD":
            await sightings.aclose()
            return Response(media_type="text/event-stream", headers=_HEADERS)
        return StreamingResponse(
            _texts(first, sightings), media_type="text/event-stream", headers=_HEADERS
        )


async def _texts(
    first: Sighting | None, others: AsyncGenerator[Sighting | None]
) -> AsyncGenerator[str]:
    try:
        yield f"retry: {RETRY_MILLISECONDS}\n\n{_text(first)}"
        async for one in others:
            yield _text(one)
    finally:
        await others.aclose()


def _text(sighting: Sighting | None) -> str:
    if sighting is None:
        return ": heartbeat\n\n"
    kind = "progress" if sighting.only_progress else "state"
    data = json.dumps(task_json(sighting.task), ensure_ascii=False, separators=(",", ":"))
    return f"id: {sighting.mark}\nevent: {kind}\ndata: {data}\n\n"
