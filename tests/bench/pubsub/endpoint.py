"""A push endpoint as quick as Python can be, in its own process: answers 204, at once or later.

`python -m tests.bench.pubsub.endpoint SECONDS` prints its port. GET answers how many pushes were
answered, when the first came and when the last was answered.
"""

import asyncio
import json
import resource
import sys
import time
from typing import cast

import httptools

ACKED = b"HTTP/1.1 204 No Content\r\n\r\n"
counted: list[float] = []  # when each push was answered
began: list[float] = []


class Endpoint(asyncio.Protocol):
    """One connection. Requests may be pipelined when they are answered at once."""

    seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls `on_message_complete`."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer a request."""
        if self._parser.get_method() == b"GET":
            self._tell()
            return
        if not began:
            began.append(time.monotonic())
        if self.seconds:
            asyncio.get_running_loop().call_later(self.seconds, self._ack)
        else:
            self._ack()

    def _ack(self) -> None:
        if not self._transport.is_closing():
            counted.append(time.monotonic())
            self._transport.write(ACKED)

    def _tell(self) -> None:
        facts = {"count": len(counted), "first": began[:1], "last": counted[-1:]}
        body = json.dumps(facts).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def main() -> None:
    """Serve until killed."""
    Endpoint.seconds = float(sys.argv[1])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
