"""The probes of `status`, against servers that speak the real protocols."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckResponse

from shared.cli.probes import (
    ProbeFailed,
    probe_grpc,
    probe_http,
    probe_port,
    probe_postgres,
    probe_redis,
)
from tests.support.ports import free_port

NOBODY = "127.0.0.1:1"


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers whatever it is asked with `answer`; and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(64))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", free_port())
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@asynccontextmanager
async def gateway(status: int) -> AsyncIterator[str]:
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    await servicer.set("", status)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{free_port()}")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_a_gateway_that_serves():
    async with gateway(HealthCheckResponse.SERVING) as address:
        assert await probe_grpc(address) == "serving"


async def test_a_gateway_that_does_not_serve():
    async with gateway(HealthCheckResponse.NOT_SERVING) as address:
        with pytest.raises(ProbeFailed, match="not serving"):
            await probe_grpc(address)


@pytest.mark.parametrize("answer", [b"N", b"S"])
async def test_a_postgres_answers_the_request_for_tls_with_one_letter(answer):
    async with saying(answer) as (address, asked):
        assert await probe_postgres(f"postgresql://u:p@{address}/db") == "accepts connections"

    assert asked == [(8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")]


@pytest.mark.parametrize("answer", [b"+PONG\r\n", b"-NOAUTH Authentication required.\r\n"])
async def test_a_redis_answers_ping(answer):
    async with saying(answer) as (address, asked):
        assert await probe_redis(f"redis://:p@{address}/0") == "answers PING"

    assert asked == [b"PING\r\n"]


@pytest.mark.parametrize("probe", [probe_postgres, probe_redis])
async def test_another_program_on_the_port_is_not_taken_for_it(probe):
    async with saying(b"HTTP/1.1 400 Bad Request\r\n") as (address, _):
        with pytest.raises(ProbeFailed, match=r"HTTP/1\.1"):
            await probe(f"x://{address}")


async def test_any_server_on_a_port_is_enough_for_one_that_is_not_ours():
    async with saying(b"") as (address, _):
        assert await probe_port(address) == "accepts connections"


@pytest.mark.parametrize(
    "probe",
    [
        lambda: probe_grpc(NOBODY),
        lambda: probe_postgres(f"postgresql://{NOBODY}/db"),
        lambda: probe_redis(f"redis://{NOBODY}"),
        lambda: probe_port(NOBODY),
        lambda: probe_http(f"http://{NOBODY}/ready", None),
    ],
)
async def test_nobody_there_is_a_failure(probe: Callable[[], Awaitable[str]]):
    with pytest.raises((ProbeFailed, OSError)):
        await probe()


ASKS = """
import asyncio, sys
from shared.cli.setup import Setup
from shared.cli.stack_state import StackState
from shared.cli.status import ask_all

class Watch:
    def find_spec(self, name, *_):
        if name in ("httpx", "grpc"):
            print(name, len(asyncio.all_tasks()))

sys.meta_path.insert(0, Watch())
nobody, url = "127.0.0.1:1", "http://127.0.0.1:1"
state = StackState(
    url, nobody, nobody, url, url, f"postgresql://{nobody}/x", f"redis://{nobody}", "", {}, {}
)
asyncio.run(ask_all(Setup(), state, None))
"""


def test_libraries_are_loaded_before_a_part_is_asked_so_that_its_time_limit_is_its_own():
    said = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True)

    assert said.stdout.splitlines() == ["httpx 1", "grpc 1"]
