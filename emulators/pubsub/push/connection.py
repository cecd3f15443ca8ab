"""One keep-alive HTTP/1.1 connection of the push client: bytes out, a status back.

Bodies of answers are read past, not kept: a push is judged by its status alone, once the answer is
whole. What an endpoint may make us read is bounded; how long, the client bounds.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

PROCESSING = 102  # an interim status that Pub/Sub takes for the answer
MOST_HEAD_BYTES = 64 * 1024  # status line and headers
MOST_ANSWER_BYTES = 10 * 1024 * 1024
_LENGTHS = (b"content-length", b"transfer-encoding")


class ConnectionClosed(ConnectionError):
    """The endpoint closed the connection without an answer."""


class Connection(asyncio.Protocol):
    """Carries one request at a time. `usable` tells whether it may carry another.

    `lost` is called once it is closed, by whomever.
    """

    def __init__(self, lost: Callable[["Connection"], None]) -> None:
        self._lost = lost
        self.usable = True
        self.used_before = False  # by the time of the present request
        self._requests = 0
        self._transport: asyncio.WriteTransport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None
        self._status: int | None = None  # once the headers are complete
        self._has_length = False
        self._read_bytes = 0

    async def send(self, request: bytes) -> int:
        """Return the status of the answer.

        Raises: ConnectionClosed, ConnectionError if the answer is broken off, endless or not HTTP.
        """
        self.used_before, self._requests = self._requests > 0, self._requests + 1
        self._answer = asyncio.get_running_loop().create_future()
        self._status, self._read_bytes = None, 0
        if self._transport is None or not self.usable:
            raise ConnectionClosed("the connection is closed")
        self._transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self._drop()  # the answer may come yet, and must not be taken for the next one's
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """Close the connection; what is sent on it fails."""
        self.usable = False
        if self._transport:
            self._transport.close()

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls back below."""
        if self._answer is None:
            self.close()  # nobody asked
            return
        self._read_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._give_up(f"the answer is not HTTP: {error}")
        if self._read_bytes > (MOST_HEAD_BYTES if self._status is None else MOST_ANSWER_BYTES):
            self._give_up(f"the answer does not end within {self._read_bytes} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait: with the status if that is how the answer ends, else without one."""
        self.usable = False
        self._lost(self)
        if self._status is not None and not self._has_length and exc is None:
            self._finish(self._status)
        elif self._status is not None:
            self._fail(ConnectionError("the endpoint broke off its answer"))
        else:
            reason = f": {exc}" if exc else ""
            self._fail(ConnectionClosed(f"the endpoint closed the connection{reason}"))

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Forget the interim answer before."""
        self._status, self._has_length = None, False

    def on_header(self, name: bytes, _: bytes) -> None:
        """Note whether the answer says where it ends."""
        if len(name) > 13 and name.lower() in _LENGTHS:
            self._has_length = True

    def on_headers_complete(self) -> None:
        """Note the status."""
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        """Take the answer, unless it is an interim one."""
        status = self._parser.get_status_code()
        if status < 200 and status != PROCESSING:
            self._status = None
            return
        if status == PROCESSING or not self._parser.should_keep_alive():
            self.close()
        self._finish(status)

    def _finish(self, status: int) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(status)

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)

    def _give_up(self, problem: str) -> None:
        self._fail(ConnectionError(problem))
        self._drop()

    def _drop(self) -> None:
        """Close at once: an endpoint that reads nothing must not hold back what was not sent."""
        self.usable = False
        if self._transport:
            self._transport.abort()
