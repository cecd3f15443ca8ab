"""Ask each kind of server whether it works, over its own protocol, with nothing but sockets."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from contextlib import closing

from emulators.stack.ports import HOST
from emulators.stack.processes import Child

_PAUSE_SECONDS = 0.03
_EAGER_POLLS = 100
_LATE_PAUSE_SECONDS = 0.5
_ANSWER_SECONDS = 10
Probe = Callable[[], Awaitable[bool]]
Ready = Callable[[Child], Awaitable[None]]


def until(probe: Probe) -> Ready:
    """A part's `ready`: asks again until `probe` says yes; refused connections mean not yet."""

    async def ready(_child: Child) -> None:
        await poll(probe)

    return ready


async def poll(probe: Probe, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Return once `probe` says yes; what is not ready soon is asked seldom, as it may log each."""
    for n in itertools.count():
        if await _attempt(probe):
            return
        await sleep(_PAUSE_SECONDS if n < _EAGER_POLLS else _LATE_PAUSE_SECONDS)


async def _attempt(probe: Probe) -> bool:
    try:
        return await asyncio.wait_for(probe(), _ANSWER_SECONDS)
    except (OSError, EOFError, TimeoutError):
        return False


def http(port: int, path: str) -> Probe:
    """Yes when `GET path` answers 200."""

    async def probe() -> bool:
        status, _ = await http_get(port, path)
        return status == 200

    return probe


def talks(port: int, send: bytes, expect: bytes) -> Probe:
    """Yes when the server answers `send` (may be empty) with `expect`."""

    async def probe() -> bool:
        return (await _exchange(port, send, len(expect))) == expect

    return probe


def opens(port: int) -> Probe:
    """Yes when a connection is accepted."""

    async def probe() -> bool:
        await _exchange(port, b"", 0)
        return True

    return probe


async def http_get(port: int, path: str) -> tuple[int, object]:
    """Status and JSON body (None when it is no JSON) of one GET on 127.0.0.1."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
    answer = await _exchange(port, request.encode(), None)
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[1].isdigit():
        raise ConnectionError("no HTTP answer")
    try:
        return int(words[1]), json.loads(body)
    except ValueError:
        return int(words[1]), None


async def answer_of(port: int, path: str) -> str:
    """What a GET answers, or why it does not, in one line for people."""
    try:
        status, body = await asyncio.wait_for(http_get(port, path), _ANSWER_SECONDS)
    except (OSError, EOFError, TimeoutError) as error:
        return f"nothing ({type(error).__name__})"
    return f"{status} {json.dumps(body)}"


async def _exchange(port: int, send: bytes, size: int | None) -> bytes:
    """What the server answers: exactly `size` bytes, or everything until it closes."""
    reader, writer = await asyncio.open_connection(HOST, port)
    with closing(writer):
        writer.write(send)
        return await (reader.read() if size is None else reader.readexactly(size))
