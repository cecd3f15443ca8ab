"""Listens on the HTTP port, for aiohttp and for those who speak gRPC there; knows no paths."""

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from emulators.pubsub.errors import PortTaken
from emulators.pubsub.rest.front import Front


class _CallersFaults(logging.Filter):
    """Keeps out of the log what is no HTTP: its sender was told."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_log = logging.getLogger("emulators.pubsub.http")
_log.addFilter(_CallersFaults())


class HttpListener:
    """Serves an application on `port`, and relays HTTP/2 to the gRPC port."""

    def __init__(self, app: web.Application, *, host: str, port: int, grpc_port: int) -> None:
        # Cancelled, a pull gives back what nobody would read.
        self._runner = web.AppRunner(app, access_log=None, logger=_log, handler_cancellation=True)
        self._host = host
        self._port = port
        self._grpc = (host, grpc_port)
        self._undecided: set[asyncio.Transport] = set()
        self._listener: asyncio.Server | None = None

    async def start(self) -> int:
        """Begin to serve; return the port. Raises: PortTaken."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(self._front, self._host, self._port)
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {self._host}:{self._port}: choose another --http-port"
            ) from error
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close every connection; requests under way are cancelled."""
        if self._listener:
            self._listener.close()
        for transport in tuple(self._undecided):
            transport.close()
        await self._runner.cleanup()

    def _front(self) -> Front:
        http = self._runner.server
        if http is None:
            raise RuntimeError("the listener was not set up")
        return Front(http, self._grpc, self._undecided)
