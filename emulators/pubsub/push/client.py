"""POSTs to push endpoints over pooled connections: a status, or a reason why there is none.

It follows no redirects and judges nothing but the status.
"""

import asyncio
import ssl
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Protocol
from urllib.parse import urlsplit

from emulators.pubsub.clock import Clock
from emulators.pubsub.push.connection import Connection, ConnectionClosed
from emulators.pubsub.push.headers import Headers

Address = tuple[str, int, bool]  # host, port, TLS

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

    address: Address
    head: str  # of every request to it

    @classmethod
    @lru_cache(maxsize=1000)
    def parse(cls, url: str) -> "Endpoint":
        """Return the endpoint of an http(s) URL of printable ASCII."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\n"
        return cls((parts.hostname or "", parts.port or (443 if tls else 80), tls), head)


class Poster(Protocol):
    """What sends one push."""

    async def post(
        self, url: str, body: bytes, headers: Headers, timeout_seconds: float
    ) -> Outcome:
        """Send one request; return what became of it."""


class PushClient:
    """Keep-alive connections to every endpoint, as many as the windows allow."""

    def __init__(self, clock: Clock, *, user_agent: str) -> None:
        self._clock = clock
        self._user_agent = f"User-Agent: {user_agent}\r\n"
        self._idle: dict[Address, list[Connection]] = {}
        self._closed = False

    async def post(
        self, url: str, body: bytes, headers: Headers, timeout_seconds: float
    ) -> Outcome:
        """Send one request; it goes again at once if an idle connection proves to be dead."""
        endpoint = Endpoint.parse(url)
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{endpoint.head}{self._user_agent}{more}Content-Length: {len(body)}\r\n\r\n"
        limit = asyncio.timeout(None)
        timer = self._clock.call_at(self._clock.now() + timeout_seconds, partial(_end, limit))
        try:
            async with limit:
                return Outcome(await self._send(endpoint.address, head.encode() + body))
        except TimeoutError:
            return Outcome(None, f"no answer within {timeout_seconds:g} s")
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that DNS cannot have
            return Outcome(None, str(error) or type(error).__name__)
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close all idle connections, and the others when their request is done."""
        self._closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.close()

    async def _send(self, address: Address, request: bytes) -> int:
        while True:
            connection = self._take(address) or await self._connect(address)
            sent_at = self._clock.now()
            try:
                status = await connection.send(request)
            except ConnectionClosed:
                if connection.used_before and self._clock.now() - sent_at < STALE_SECONDS:
                    continue  # it had died while idle
                raise
            self._keep(address, connection)
            return status

    def _take(self, address: Address) -> Connection | None:
        idle = self._idle.get(address)
        return idle.pop() if idle else None

    def _keep(self, address: Address, connection: Connection) -> None:
        if not connection.usable:
            return
        idle = self._idle.setdefault(address, [])
        if self._closed or len(idle) >= MOST_IDLE:
            connection.close()
        else:
            idle.append(connection)

    def _forget(self, address: Address, connection: Connection) -> None:
        """Endpoints come and go: nothing is kept of one that has closed its connections."""
        idle = self._idle.get(address, [])
        if connection in idle:
            idle.remove(connection)
        if not idle:
            self._idle.pop(address, None)

    async def _connect(self, address: Address) -> Connection:
        host, port, tls = address
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(partial(self._forget, address)),
            host,
            port,
            ssl=self._tls if tls else None,
        )
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _end(limit: asyncio.Timeout) -> None:
    """Time is up by the emulator's clock, which tests advance; the loop's knows nothing of it."""
    limit.reschedule(asyncio.get_running_loop().time())
