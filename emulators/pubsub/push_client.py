"""POSTs to push endpoints over pooled connections: a status, or a reason why there is none.

It follows no redirects and judges nothing but the status.
"""

import asyncio
import ssl
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import urlsplit

from emulators.pubsub.http_connection import Connection, ConnectionClosed

USER_AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
ACK_STATUSES = frozenset({102, 200, 201, 202, 204})
STALE_SECONDS = 0.5  # a connection that breaks later than this broke over the request
MOST_IDLE = 1000  # connections kept for one host when nothing is sent


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: the endpoint's status, or the reason why there is none."""

    status: int | None
    problem: str = ""

    @property
    def acked(self) -> bool:
        """Whether the answer means that the message is done."""
        return self.status in ACK_STATUSES


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A push endpoint's URL, taken apart once."""

    address: tuple[str, int, bool]  # host, port, TLS
    head: str  # of every request to it

    @classmethod
    @lru_cache(maxsize=1000)
    def parse(cls, url: str) -> "Endpoint":
        """Return the endpoint of an http(s) URL of printable ASCII."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\n"
            "Content-Type: application/json\r\nAccept: application/json\r\n"
        )
        return cls((parts.hostname or "", parts.port or (443 if tls else 80), tls), head)


class PushClient:
    """Keep-alive connections to every endpoint, as many as the windows allow."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, bool], list[Connection]] = defaultdict(list)
        self._closed = False

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], timeout_seconds: float
    ) -> Outcome:
        """Send one request; it goes again at once if an idle connection proves to be dead."""
        endpoint = Endpoint.parse(url)
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{endpoint.head}{more}Content-Length: {len(body)}\r\n\r\n"
        try:
            async with asyncio.timeout(timeout_seconds):
                return Outcome(await self._send(endpoint.address, head.encode() + body))
        except TimeoutError:
            return Outcome(None, f"no answer within {timeout_seconds:g} s")
        except OSError as error:
            return Outcome(None, str(error) or type(error).__name__)

    def close(self) -> None:
        """Close all idle connections, and the others when their request is done."""
        self._closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.close()

    async def _send(self, address: tuple[str, int, bool], request: bytes) -> int:
        now = asyncio.get_running_loop().time
        while True:
            connection = self._take(address) or await self._connect(address)
            sent_at = now()
            try:
                status = await connection.send(request)
            except ConnectionClosed:
                if connection.used_before and now() - sent_at < STALE_SECONDS:
                    continue  # it had died while idle
                raise
            self._keep(address, connection)
            return status

    def _take(self, address: tuple[str, int, bool]) -> Connection | None:
        idle = self._idle[address]
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
        return None

    def _keep(self, address: tuple[str, int, bool], connection: Connection) -> None:
        idle = self._idle[address]
        if self._closed or len(idle) >= MOST_IDLE:
            connection.close()
        elif connection.usable:
            idle.append(connection)

    async def _connect(self, address: tuple[str, int, bool]) -> Connection:
        host, port, tls = address
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            Connection, host, port, ssl=self._tls if tls else None
        )
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()
