"""REST as an `ApiClient`: httpx into the app, without a server."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from shared.bootstrap import Api
from tests.contract.api.client import ApiClient, ApiError, Json
from tests.contract.api.rest_app import BASE_URL, rest_app


@asynccontextmanager
async def open_client(api: Api) -> AsyncIterator[ApiClient]:
    """A client of the REST API on the services of `api`."""
    transport = httpx.ASGITransport(rest_app(api))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
        yield RestClient(http)


class RestClient:
    """See `ApiClient`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def enqueue(self, request: Mapping[str, Any], *, traceparent: str = "") -> Json:
        headers = {"traceparent": traceparent} if traceparent else {}
        answer = await self._post("/enqueue-task", _written(request), headers)
        replayed = answer.headers.get("idempotency-replayed") == "true"
        assert answer.headers["location"] == f"/tasks/{answer.json()['task_id']}"
        return {**answer.json(), "replayed": replayed}

    async def enqueue_all(self, requests: Sequence[Mapping[str, Any]]) -> list[Json | ApiError]:
        body = '{"tasks": [' + ", ".join(_written(one) for one in requests) + "]}"
        answer = await self._post("/enqueue-tasks", body)
        return [_error(one["error"]) if "error" in one else one for one in answer.json()["results"]]

    async def start_group(self, request: Mapping[str, Any]) -> Json:
        answer = await self._post("/groups", json.dumps(request))
        assert answer.headers["location"] == f"/groups/{answer.json()['group_id']}"
        return _read(answer)

    async def group(self, group_id: str) -> Json:
        return _read(await self._http.get(f"/groups/{group_id}"))

    async def get(self, task_id: str) -> Json:
        return _read(await self._http.get(f"/tasks/{task_id}"))

    async def find(self, *, labels: Mapping[str, str] | None = None, **conditions: Any) -> Json:
        query = {name: value for name, value in conditions.items() if value}
        if labels:
            query["label"] = [f"{key}:{value}" for key, value in labels.items()]
        return _read(await self._http.get("/tasks", params=query))

    async def cancel(self, task_id: str) -> Json:
        return _read(await self._http.post(f"/tasks/{task_id}/cancel"))

    async def task_types(self) -> list[Json]:
        types: list[Json] = _read(await self._http.get("/task-types"))["task_types"]
        return types

    async def _post(
        self, path: str, body: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        said = {"content-type": "application/json", **(headers or {})}
        return _checked(await self._http.post(path, content=body, headers=said))


def _written(request: Mapping[str, Any]) -> str:
    """The request as JSON, with a payload that is text put in as it is."""
    rest = {name: value for name, value in request.items() if name != "payload"}
    payload = request.get("payload")
    fields = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in rest.items()]
    if "payload" in request:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        fields.append(f'"payload": {text}')
    return "{" + ", ".join(fields) + "}"


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"
        raise _error(answer.json())
    return answer


def _read(answer: httpx.Response) -> Json:
    value: Json = _checked(answer).json()
    return value


def _error(problem: Json) -> ApiError:
    fields = [one["field"] for one in problem["errors"]]
    holder: dict[str, str] = {
        name: problem[name] for name in ("task_id", "group_id") if name in problem
    }
    return ApiError(problem["code"], fields, problem["detail"], holder)
