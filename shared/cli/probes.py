"""Asks each kind of part whether it works, in its own protocol: no vendor library, no login.

A probe returns what the part said when all is well and raises ProbeFailed, OSError or TimeoutError
when not.
"""

import asyncio
import importlib
import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

SSL_REQUEST: Final = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""Postgres answers these eight bytes with one, before any login. Source: its protocol, 54.7."""
HEALTH_METHOD: Final = "/grpc.health.v1.Health/Check"
SERVING: Final = b"\x08\x01"
"""HealthCheckResponse with status 1, as it stands on the wire."""


class ProbeFailed(Exception):
    """The part answered, and does not work; the message is what it said."""


def load(*libraries: str) -> None:
    """Load what probes need before the first of them has a time limit: loading stops them all."""
    for library in libraries:
        importlib.import_module(library)


async def probe_http(url: str, transport: "httpx.AsyncBaseTransport | None") -> str:
    """A part with a readiness path: 200 is ready, 503 names what is not."""
    import httpx

    # Certificates take long to load, and plain HTTP needs none.
    is_secure = url.startswith("https:")
    async with httpx.AsyncClient(transport=transport, trust_env=False, verify=is_secure) as client:
        try:
            answer = await client.get(url)
        except httpx.TransportError as failure:
            raise ProbeFailed(str(failure) or type(failure).__name__) from failure
    if not answer.is_success:
        raise ProbeFailed(f"{answer.status_code}: {_problems(answer)}")
    return "ready"


def _problems(answer: "httpx.Response") -> str:
    """What a readiness answer names, or a problem's detail, else the beginning of its text."""
    try:
        said = answer.json()
        if "detail" in said:
            return str(said["detail"])
        problems = said["problems"]
        return "; ".join(f"{name}: {why}" for name, why in problems.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:200]


async def probe_grpc(address: str) -> str:
    """The standard health service, its messages written out so that no protobuf is loaded."""
    import grpc

    async with grpc.aio.insecure_channel(address) as channel:
        check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(HEALTH_METHOD)
        try:
            answer = await check(b"", wait_for_ready=False)
        except grpc.aio.AioRpcError as failure:
            raise ProbeFailed(failure.details() or failure.code().name) from failure
    if answer != SERVING:
        raise ProbeFailed("not serving")
    return "serving"


async def probe_postgres(url: str) -> str:
    """Whether a Postgres listens there."""
    answer = await _exchange(url, 5432, SSL_REQUEST, tls=False)
    if answer not in (b"S", b"N"):
        raise ProbeFailed(f"what listens there is no Postgres: it said {answer!r}")
    return "accepts connections"


async def probe_port(address: str) -> str:
    """Whether anything listens at `host:port`: for a server that is not ours."""
    await _exchange(f"tcp://{address}", 0, b"", tls=False)
    return "accepts connections"


async def probe_redis(url: str) -> str:
    """Whether a Redis or Valkey listens there; one that wants a password is as good."""
    answer = await _exchange(url, 6379, b"PING\r\n", tls=url.startswith("rediss"))
    if not answer.startswith((b"+PONG", b"-NOAUTH")):
        raise ProbeFailed(f"what listens there is no Redis: it said {answer!r}")
    return "answers PING"


async def _exchange(url: str, usual_port: int, question: bytes, *, tls: bool) -> bytes:
    parts = urlsplit(url)
    context = ssl.create_default_context() if tls else None
    host, port = parts.hostname or "127.0.0.1", parts.port or usual_port
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        writer.write(question)
        await writer.drain()
        return await reader.read(64) if question else b""
    finally:
        writer.close()
