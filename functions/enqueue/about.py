"""The routes about the API itself: its task types and its OpenAPI document, each made once."""

from functools import cached_property
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.enqueue.openapi import openapi
from shared.bootstrap import Api
from shared.edges.http_edge import json_answer
from shared.edges.task_type_json import TaskTypesJson, task_type_json


class About:
    """Handlers of `GET /task-types` and `GET /openapi.json`."""

    def __init__(self, api: Api) -> None:
        self._catalogue = api.catalogue

    async def task_types(self, request: Request) -> Response:
        """Every task type with its limits and the schema of its payload."""
        return json_answer(self._task_types)

    async def openapi(self, request: Request) -> Response:
        """This API as OpenAPI 3.1."""
        return json_answer(self._openapi)

    @cached_property
    def _task_types(self) -> TaskTypesJson:
        types = (self._catalogue[name] for name in sorted(self._catalogue))
        return {"task_types": [task_type_json(one) for one in types]}

    @cached_property
    def _openapi(self) -> dict[str, Any]:
        return openapi(self._catalogue)
