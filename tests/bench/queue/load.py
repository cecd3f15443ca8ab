"""A client that costs little: kept connections, requests made beforehand, answers hardly read.

A full client library would take as much of the two cores as the server that it measures.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit


def request(method: str, url: str, path: str, body: Any = None) -> bytes:
    """The bytes of a request that keeps its connection."""
    host = urlsplit(url).netloc
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    if content:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{head}\r\n".encode() + content


class Connection(asyncio.Protocol):
    """One request at a time; `ask` returns the status."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[int] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """An answer is whole when its Content-Length has come."""
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        if at >= 0 and len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0]):
            self._received = b""
            if self._answer:
                self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits gets an error instead of waiting for ever."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server hung up"))

    async def ask(self, message: bytes) -> int:
        """Send, and return the status of the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


async def connect(url: str) -> Connection:
    """A connection to the server of `url`."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection


async def _rate(url: str, message: bytes, count: int, in_flight: int, wanted: int) -> float:
    connections = [await connect(url) for _ in range(in_flight)]
    left = iter(range(count))

    async def send(connection: Connection) -> None:
        for _ in left:
            status = await connection.ask(message)
            if status != wanted:
                raise RuntimeError(f"{message[:40]!r} was answered with {status}")

    began = time.perf_counter()
    await asyncio.gather(*(send(connection) for connection in connections))
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return count / seconds


def rate(url: str, message: bytes, count: int, *, in_flight: int = 64, wanted: int = 202) -> float:
    """Requests a second with `in_flight` at once. Raises: RuntimeError for another status."""
    return asyncio.run(_rate(url, message, count, in_flight, wanted))


async def _latencies(url: str, message: bytes, count: int, pause: float) -> list[float]:
    connection = await connect(url)
    took = []
    for _ in range(count):
        await asyncio.sleep(pause)
        began = time.perf_counter()
        await connection.ask(message)
        took.append(time.perf_counter() - began)
    connection.close()
    return sorted(took)


def latencies(url: str, message: bytes, count: int = 200, pause: float = 0.015) -> list[float]:
    """Seconds of one request after another with a pause between them, sorted."""
    return asyncio.run(_latencies(url, message, count, pause))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
