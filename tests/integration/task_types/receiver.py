"""A receiver of webhooks on this machine: keeps what comes in, answers what a test says."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from tests.support.ports import free_port

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Received:
    """One request, as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Listens on 127.0.0.1; `requests` are those that came, `host` is its `host:port`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.answer: Answer = answering(200)
        self._tls = tls

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", free_port(), ssl_context=self._tls).start()
        self.port: int = self._runner.addresses[0][1]
        self.host = f"127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.title(): value for name, value in request.headers.items()}
        self.requests.append(Received(request.method, request.path_qs, headers, body))
        return await self.answer(request)


def answering(status: int, **response) -> Answer:
    """Always this answer; `response` as `aiohttp.web.Response` takes it."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, **response)

    return answer
