"""One HTTP function with several routes: who may call, which handler answers, how errors are said.

It translates and counts; what a route does is its handler's. The route table is the whole surface:
what is not in it does not exist.
"""

import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shared import metrics
from shared.domain.api_key import Scope
from shared.domain.errors import CloudTaskerError, Code
from shared.domain.trace import trace_id_of
from shared.edges.access import AccessPolicy, Caller
from shared.edges.actor import acting
from shared.edges.heap import HEAP
from shared.edges.http_body import has_unread_body
from shared.edges.http_errors import MEDIA_TYPE, HttpError, Problem, problem_of, unexpected
from shared.telemetry import Event, log

Handler = Callable[[Request], Awaitable[Response]]
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EVENTS: Final[Mapping[Code, Event]] = {
    Code.UNAUTHENTICATED: Event.REQUEST_REFUSED,
    Code.UNAVAILABLE: Event.LEDGER_UNAVAILABLE,
    Code.MISCONFIGURED: Event.MISCONFIGURED,
}
"""The refusals that an operator must know of; the others are the caller's own affair."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path; `{name}` in the path stands for one segment.

    A caller needs `scope`, or with None only to be known; `is_open` lets everybody in: for
    probes, which carry no credentials.
    """

    method: str
    path: str
    handler: Handler
    scope: Scope | None = None
    is_open: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """What the route answers to: HEAD is a GET whose body the server drops."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)


_Methods = Mapping[str, Route]


class HttpEdge:
    """Answers the requests that the routes name. Built once a process; keeps no state of a call."""

    def __init__(self, routes: Sequence[Route], policy: AccessPolicy) -> None:
        self._policy = policy
        paths: dict[str, dict[str, Route]] = {}
        for route in routes:
            paths.setdefault(route.path, {}).update(dict.fromkeys(route.methods, route))
        self._fixed = {path: by_method for path, by_method in paths.items() if "{" not in path}
        self._patterns = [(_pattern(path), paths[path]) for path in paths if "{" in path]

    async def __call__(self, request: Request) -> Response:
        """Answer `request`, whatever happens; nothing but cancellation escapes."""
        with HEAP:
            return await self._counted(request)

    async def _counted(self, request: Request) -> Response:
        began = time.perf_counter()
        at_path, parameters = self._match(request.scope["path"])
        route = at_path.get(request.method) or next(iter(at_path.values()), None)
        request.scope["path_params"] = parameters
        response = await self._answered(request, route, at_path)
        if has_unread_body(request):
            response.headers["connection"] = "close"
        name = route.path if route else "unmatched"
        metrics.REQUESTS.add(name, request.method, str(response.status_code))
        metrics.REQUEST_SECONDS.observe(time.perf_counter() - began, name)
        return response

    def _match(self, path: str) -> tuple[_Methods, Mapping[str, str]]:
        """The routes of a path by method, and what stands in the path's places."""
        if fixed := self._fixed.get(path):
            return fixed, {}
        for pattern, by_method in self._patterns:
            if found := pattern.fullmatch(path):
                return by_method, found.groupdict()
        return {}, {}

    async def _answered(self, request: Request, route: Route | None, at_path: _Methods) -> Response:
        try:
            return await self._handled(request, route, at_path)
        except CloudTaskerError as refused:
            return failure_answer(refused)
        except HttpError as refused:
            return problem_answer(refused.problem)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
        except Exception as unforeseen:
            request_id = trace_id_of(request.headers.get("traceparent", "")) or os.urandom(16).hex()
            log(Event.FAULT, severity="ERROR", error=unforeseen, request_id=request_id)
            return problem_answer(unexpected(request_id))

    async def _handled(self, request: Request, route: Route | None, at_path: _Methods) -> Response:
        if route is None or not route.is_open:
            acting(await self._policy.admit(_caller(request), route.scope if route else None))
        if route is None:
            raise HttpError(_no_such_path(request.scope["path"]))
        if request.method not in at_path:
            raise HttpError(_wrong_method(request.method, route.path, list(at_path)))
        return await route.handler(request)


def json_answer(
    value: Any,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """`value` as the JSON body of an answer."""
    body = _ENCODER.encode(value).encode()
    return Response(body, status, headers, media_type)


def problem_answer(problem: Problem) -> Response:
    """The answer that says `problem`."""
    return json_answer(problem.as_json(), problem.status, problem.headers, MEDIA_TYPE)


def failure_answer(error: CloudTaskerError) -> Response:
    """The answer that says `error`; what an operator must know of it goes to the log."""
    if event := _EVENTS.get(error.code):
        log(event, severity="WARNING", message=str(error))
    return problem_answer(problem_of(error))


def _caller(request: Request) -> Caller:
    server = request.scope.get("server") or ("",)
    return Caller(str(server[0]), request.headers.get("host", ""), request.headers)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def _no_such_path(path: str) -> Problem:
    return Problem(
        code="no_such_path",
        status=HTTPStatus.NOT_FOUND,
        title="There is no such path",
        detail=f"nothing is at {path[:200]}; GET /openapi.json lists what there is",
    )


def _wrong_method(method: str, path: str, methods: list[str]) -> Problem:
    return Problem(
        code="method_not_allowed",
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        title="The method is not allowed here",
        detail=f"{path} does not answer {method[:20]}; use {' or '.join(methods)}",
        headers={"Allow": ", ".join(methods)},
    )
