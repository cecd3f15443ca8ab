"""What no queue on these libraries can beat: a bare commit, a bare HTTP hop, a bare gRPC call.

As a program it is the two servers: `python -m tests.bench.queue.floors HTTP_PORT GRPC_PORT`.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
import pg8000.native

from shared.adapters.pg_connection import connect_arguments
from tests.bench.queue.load import latencies, percentile, rate, request
from tests.e2e.local_stack import eventually
from tests.support.ports import free_port

METHOD: Final = "/bench.Floor/Call"
_BODY: Final = {"task_type": "noop", "payload": {}}


class Floors:
    """Two servers that do nothing, and a Postgres to commit to."""

    def __init__(self, http_port: int, grpc_port: int) -> None:
        self.url = f"http://127.0.0.1:{http_port}"
        self.grpc_address = f"127.0.0.1:{grpc_port}"
        self._post = request("POST", self.url, "/", _BODY)

    def http_rate(self, count: int) -> float:
        """POST requests a second, 64 at once."""
        return rate(self.url, self._post, count, wanted=200)

    def http_idle(self) -> float:
        """Median seconds of a POST on an idle machine."""
        return percentile(latencies(self.url, self._post), 0.5)

    def grpc_rate(self, count: int, in_flight: int = 16) -> float:
        """Unary calls a second."""
        return asyncio.run(grpc_rate(self.grpc_address, METHOD, b"x" * 200, count, in_flight))

    def grpc_idle(self) -> float:
        """Median seconds of a unary call on an idle machine."""
        return asyncio.run(_grpc_idle(self.grpc_address))


async def grpc_rate(address: str, method: str, message: bytes, count: int, in_flight: int) -> float:
    """Calls a second of one channel with `in_flight` at once."""
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(method)
        left = iter(range(count))

        async def send() -> None:
            for _ in left:
                await call(message)

        await call(message)
        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(in_flight)))
        return count / (time.perf_counter() - began)


async def _grpc_idle(address: str) -> float:
    took = []
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(METHOD)
        await call(b"")
        for _ in range(200):
            await asyncio.sleep(0.015)
            began = time.perf_counter()
            await call(b"x" * 200)
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def commits(url: str, count: int, pause: float = 0.0) -> list[float]:
    """Seconds of one-row commits on one connection, sorted, into a table of their own."""
    connection = pg8000.native.Connection(**connect_arguments(url))
    connection.run("CREATE TABLE IF NOT EXISTS floor (v int)")
    insert = connection.prepare("INSERT INTO floor VALUES (1)")
    took = []
    for _ in range(count):
        time.sleep(pause)
        began = time.perf_counter()
        insert.run()
        took.append(time.perf_counter() - began)
    connection.run("DROP TABLE floor")
    connection.close()
    return sorted(took)


@contextmanager
def floor_servers() -> Iterator[Floors]:
    """The servers in a process of their own, gone afterwards."""
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "tests.bench.queue.floors", *map(str, ports)]
    servers = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        floors = Floors(*ports)
        eventually(lambda: _answers(floors), 20, "the floors' servers answer")
        yield floors
    finally:
        servers.terminate()
        servers.wait(10)


def _answers(floors: Floors) -> bool:
    try:
        floors.http_rate(1)
        floors.grpc_rate(1, 1)
    except (OSError, grpc.RpcError):
        return False
    return True


async def _serve(http_port: int, grpc_port: int) -> None:
    import uvicorn
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        read = Request(scope, receive)
        await read.json()
        answer: Response = JSONResponse({"task_id": "0" * 36})
        await answer(scope, receive, send)

    async def echo(message: bytes, context: Any) -> bytes:
        return message

    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "bench.Floor", {"Call": grpc.unary_unary_rpc_method_handler(echo)}
            ),
        )
    )
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    await server.start()
    config = uvicorn.Config(nothing, host="127.0.0.1", port=http_port, log_level="error")
    await uvicorn.Server(config).serve()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:3])))
