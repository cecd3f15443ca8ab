"""The routes about the service itself: task types, OpenAPI, probes and metrics."""

from functools import cached_property
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from functions.enqueue.openapi import openapi
from shared import metrics
from shared.bootstrap import Api
from shared.domain.task_type import TaskType
from shared.edges.http_edge import json_answer


class TaskTypeJson(TypedDict):
    """One kind of work."""

    name: str
    description: str
    limits: Annotated[dict[str, Any], Field(description="What its task.yaml says.")]
    payload_schema: Annotated[dict[str, Any], Field(description="JSON Schema of the payload.")]
    example: Annotated[dict[str, Any] | None, Field(description="A payload that is accepted.")]


class TaskTypesJson(TypedDict):
    """The task types that are deployed, by name."""

    task_types: list[TaskTypeJson]


class HealthJson(TypedDict):
    """The process answers."""

    healthy: bool


class ReadyJson(TypedDict):
    """Whether the process can do its work."""

    ready: bool
    not_ready: Annotated[dict[str, str], Field(description="What is not ready, and why.")]


class About:
    """Handlers of `/task-types`, `/openapi.json`, `/health`, `/ready` and `/metrics`."""

    def __init__(self, api: Api) -> None:
        self._catalogue = api.catalogue
        self._readiness = api.readiness

    async def task_types(self, request: Request) -> Response:
        """Every task type with its limits and the schema of its payload."""
        return json_answer(self._task_types)

    async def openapi(self, request: Request) -> Response:
        """This API as OpenAPI 3.1."""
        return json_answer(self._openapi)

    async def health(self, request: Request) -> Response:
        """The process answers: nothing else is asked."""
        answer: HealthJson = {"healthy": True}
        return json_answer(answer)

    async def ready(self, request: Request) -> Response:
        """Whether everything that an enqueue needs answers; names what does not."""
        problems = await self._readiness.problems()
        answer: ReadyJson = {"ready": not problems, "not_ready": problems}
        return json_answer(answer, HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK)

    async def metrics(self, request: Request) -> Response:
        """What this process counted."""
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    @cached_property
    def _task_types(self) -> TaskTypesJson:
        types = (self._catalogue[name] for name in sorted(self._catalogue))
        return {"task_types": [task_type_json(one) for one in types]}

    @cached_property
    def _openapi(self) -> dict[str, Any]:
        return openapi(self._catalogue)
