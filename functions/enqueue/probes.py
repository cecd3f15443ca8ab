"""The routes that watch the process: whether it lives, whether it can work, what it counted."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from shared import metrics
from shared.bootstrap import Api
from shared.edges.http_edge import json_answer


class HealthJson(TypedDict):
    """The process answers."""

    healthy: bool


class ReadyJson(TypedDict):
    """Whether the process can do its work."""

    ready: bool
    problems: Annotated[dict[str, str], Field(description="What is not ready, and why.")]


class Probes:
    """Handlers of `GET /health`, `GET /ready` and `GET /metrics`."""

    def __init__(self, api: Api) -> None:
        self._readiness = api.readiness

    async def health(self, request: Request) -> Response:
        """The process answers: nothing else is asked."""
        answer: HealthJson = {"healthy": True}
        return json_answer(answer)

    async def ready(self, request: Request) -> Response:
        """Whether everything that an enqueue needs answers; names what does not."""
        problems = await self._readiness.problems()
        answer: ReadyJson = {"ready": not problems, "problems": problems}
        return json_answer(answer, HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK)

    async def metrics(self, request: Request) -> Response:
        """What this process counted."""
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)
