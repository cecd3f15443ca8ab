"""One of several processes of a function, behaving as an instance on Cloud Run: it takes so many
requests at once, and what finds it full goes to the next one.

All processes accept on one socket. Who is full does not accept, so a request waits where any of
them can take it: in the queue of the socket. Connections are kept while a process has no more of
them than it may run requests; with more it closes one after its answer, else requests could wait on
the kept connections of one process while another has nothing to do.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from emulators.stack.quiet_server import QuietServer

# A connection that says nothing holds a place for so long.
_SILENT_SECONDS = 1.0
# After an error that repeats, such as no descriptor being left.
_PAUSE_SECONDS = 1.0

App = Callable[[Any, Any, Any], Awaitable[None]]
Client = tuple[str, int]


class Instance:
    """An ASGI application around `app` that runs `limit` requests of port `port` at once.

    Requests of other ports pass. `changed` is called whenever `has_room` may be another.
    """

    def __init__(self, app: App, limit: int, port: int) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._app = app
        self._limit = limit
        self._port = port
        self._turns = asyncio.Semaphore(limit)
        # Connections with a request, or whose first is expected.
        self._busy: set[Client] = set()
        self._open: set[Client] = set()

    @property
    def has_room(self) -> bool:
        """Whether one more request could run now."""
        return len(self._busy) < self._limit

    def opened(self, client: Client) -> None:
        """A connection was accepted; its first request should be on its way."""
        self._open.add(client)
        self._busy.add(client)
        self.changed()

    def free(self, client: Client) -> None:
        """Nothing runs for this connection."""
        self._busy.discard(client)
        self.changed()

    def closed(self, client: Client) -> None:
        """The connection has ended."""
        self._open.discard(client)
        self.free(client)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run a request as soon as it is its turn."""
        if scope["type"] != "http" or scope["server"][1] != self._port:
            await self._app(scope, receive, send)
            return
        client = tuple(scope["client"])
        self._busy.add(client)
        self.changed()
        try:
            async with self._turns:
                await self._app(scope, receive, partial(self._answer, send))
        finally:
            self.free(client)

    async def _answer(self, send: Callable[[Any], Awaitable[None]], message: Any) -> None:
        if message["type"] == "http.response.start" and len(self._open) > self._limit:
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            message = {**message, "headers": headers}
        await send(message)


class InstanceServer(QuietServer):
    """Serves the process's own socket as uvicorn does, and the shared one while there is room."""

    def __init__(self, config: uvicorn.Config, instance: Instance, shared: socket.socket) -> None:
        super().__init__(config)
        self._instance = instance
        self._shared = shared
        self._accepting = False
        self._ended = False
        self._connecting: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: Iterable[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(list(sockets or ()))
        self._shared.listen(self.config.backlog)
        self._shared.setblocking(False)
        self._instance.changed = self._look
        self._look()

    async def shutdown(self, sockets: Iterable[socket.socket] | None = None) -> None:
        """See uvicorn. What waits on the shared socket is left to the other processes."""
        self._ended = True
        self._look()
        self._shared.close()
        await super().shutdown(list(sockets or ()))

    def _look(self) -> None:
        """Accept or leave it, as there is room."""
        wanted = self._instance.has_room and not self._ended
        if wanted == self._accepting:
            return
        loop = asyncio.get_running_loop()
        self._accepting = wanted
        if wanted:
            loop.add_reader(self._shared, self._accept)
        else:
            loop.remove_reader(self._shared)

    def _accept(self) -> None:
        """Take one connection: with the next, another process may be quicker."""
        try:
            accepted, client = self._shared.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            self._pause(error)
            return
        accepted.setblocking(False)
        self._instance.opened(client)
        task = asyncio.get_running_loop().create_task(self._connect(accepted, client))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _pause(self, error: OSError) -> None:
        print(f"no connection can be accepted for {_PAUSE_SECONDS:g} s: {error}", flush=True)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._shared)
        loop.call_later(_PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        self._accepting = False
        self._look()

    async def _connect(self, accepted: socket.socket, client: Client) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(partial(self._protocol, client), accepted)
        except OSError:  # the caller has gone
            accepted.close()
            self._instance.closed(client)

    def _protocol(self, client: Client) -> HttpToolsProtocol:
        return _Connection(
            partial(self._instance.free, client),
            partial(self._instance.closed, client),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )


class _Connection(HttpToolsProtocol):
    """uvicorn's, which says when it has ended, and when it says nothing."""

    def __init__(
        self, silent: Callable[[], None], closed: Callable[[], None], **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._closed = closed
        self._patience = asyncio.get_running_loop().call_later(_SILENT_SECONDS, silent)

    def data_received(self, data: bytes) -> None:
        self._patience.cancel()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)
        self._closed()
