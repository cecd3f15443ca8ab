"""An HTTP function that only Google's callers may POST to, in functions-framework's signature.

Paths, token, errors to statuses, draining; what a POST does is its endpoint's.
"""

import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import telemetry
from shared.domain.errors import CloudTaskerError, Misconfigured, Unauthenticated
from shared.edges.drain import when_told_to_stop
from shared.edges.heap import HEAP
from shared.edges.id_token import IdTokenCheck
from shared.edges.push_answers import error_answer
from shared.edges.push_token import push_token_check
from shared.readiness import Readiness
from shared.settings import Settings
from shared.telemetry import Event

Function = Callable[[Request], Coroutine[Any, Any, Response]]
_METHODS: Final = {"/": ("POST",), "/ready": ("GET", "HEAD"), "/health": ("GET", "HEAD")}


class Endpoint(Protocol):
    """What stands behind a function. Made at the first request: it is what costs imports."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        ...

    @property
    def readiness(self) -> Readiness:
        """What must work before a POST can."""
        ...

    @property
    def holds(self) -> bool:
        """Whether work goes on for which no request waits, so that the server must not end yet."""
        ...

    async def post(self, request: Request) -> Response:
        """Answer a POST of a caller who proved to be Google's.

        Raises: CloudTaskerError, which becomes the status of the table `ANSWER_TO`.
        """
        ...

    async def drain(self) -> None:
        """The process is told to stop: begin nothing new, and end what runs within the grace."""
        ...


def guarded_function(name: str, open_endpoint: Callable[[], Endpoint]) -> Function:
    """The function to deploy under the target `name`: POST /, GET /ready, GET /health.

    The framework takes it for what its `__name__` says, and only when it is a plain function.
    """
    guard = _Guard(name, open_endpoint)

    async def function(request: Request) -> Response:
        return await guard.answer(request)

    function.__name__ = function.__qualname__ = name
    return function


class _Guard:
    """Opens the endpoint once, at the first request that needs it, and stands before it."""

    def __init__(self, name: str, open_endpoint: Callable[[], Endpoint]) -> None:
        self._name = name
        self._open_endpoint = open_endpoint
        self._endpoint: Endpoint | None = None
        self._token: IdTokenCheck | None = None

    async def answer(self, request: Request) -> Response:
        """Answer whatever comes; nothing but cancellation escapes."""
        try:
            return await self._routed(request)
        except CloudTaskerError as error:
            return error_answer(error)
        except Exception as fault:
            telemetry.log(Event.FAULT, severity="ERROR", error=fault)
            return Response(status_code=500)

    async def _routed(self, request: Request) -> Response:
        path = request.scope["path"] or "/"
        methods = _METHODS.get(path)
        if methods is None:
            return Response(status_code=404)
        if request.method not in methods:
            return Response(status_code=405, headers={"Allow": ", ".join(methods)})
        if path == "/":
            return await self._post(request)
        return JSONResponse({"healthy": True}) if path == "/health" else await self._ready()

    async def _post(self, request: Request) -> Response:
        endpoint, token = self._open()
        with HEAP:
            await token.check(_authorization(request))
            return await endpoint.post(request)

    async def _ready(self) -> Response:
        try:
            endpoint, _ = self._open()
        except Misconfigured as wrong:
            error_answer(wrong)
            problems = {"settings": "misconfigured; the log says how"}
        else:
            problems = await endpoint.readiness.problems()
        said = {"ready": False, "problems": problems} if problems else {"ready": True}
        return JSONResponse(said, status_code=503 if problems else 200)

    def _open(self) -> tuple[Endpoint, IdTokenCheck]:
        """Blocks the event loop while it imports, so that nobody opens it a second time."""
        began = time.perf_counter()
        if self._endpoint is None:
            telemetry.configure(Settings())  # so that what is wrong with the real ones is readable
            self._endpoint = self._open_endpoint()
            telemetry.configure(self._endpoint.settings)
            when_told_to_stop(self._drain, self._holds)
        if self._token is None:
            self._token = push_token_check(self._endpoint.settings)
            HEAP.settle()
            took = round(time.perf_counter() - began, 3)
            telemetry.log(Event.PROCESS_READY, function=self._name, seconds=took)
        return self._endpoint, self._token

    def _holds(self) -> bool:
        return self._endpoint is not None and self._endpoint.holds

    async def _drain(self) -> None:
        telemetry.log(Event.PROCESS_STOPPING, function=self._name)
        if self._endpoint:
            await self._endpoint.drain()


def _authorization(request: Request) -> str | None:
    """The one Authorization header; two of them are an attempt to have each read by another."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise Unauthenticated("several Authorization headers")
    return given[0] if given else None
