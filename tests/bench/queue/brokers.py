"""The servers that a peer stands on: started for it alone, as safe as its users would have them."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil
import redis

from emulators.stack.valkey import Valkey, find_binary
from tests.e2e.local_stack import eventually
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer, postgres_server


class Broker(Protocol):
    """Where a peer keeps its tasks and its results."""

    environ: dict[str, str]

    def done(self) -> int:
        """How many tasks have a result."""
        ...


class RedisBroker:
    """Valkey with an append-only file that is synced every second; results in database 1."""

    def __init__(self, port: int, pid: int) -> None:
        self.environ = {"BENCH_PORT": str(port)}
        self.process = psutil.Process(pid)
        self._queue = redis.Redis(port=port, db=0)
        self._results = redis.Redis(port=port, db=1)

    def done(self) -> int:
        """See `Broker.done`."""
        return int(self._results.dbsize())

    def push_rate(self, count: int) -> float:
        """The floor: LPUSH commands a second on one connection, each waited for."""
        began = time.perf_counter()
        for _ in range(count):
            self._queue.lpush("floor", b"x" * 180)
        rate = count / (time.perf_counter() - began)
        self._queue.delete("floor")
        return rate


class PostgresBroker:
    """A Postgres that syncs its commits, as ours does."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        address = server.url.partition("@")[2]
        self.environ = {"BENCH_POSTGRES": f"postgresql://postgres@{address}"}

    def done(self) -> int:
        """See `Broker.done`."""
        [[done]] = self._server.run(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
        )
        return int(str(done))


@contextmanager
def redis_broker(folder: Path) -> Iterator[RedisBroker]:
    """A server in `folder`, gone afterwards."""
    valkey = Valkey(find_binary(os.environ), folder / "valkey", free_port())
    argv = valkey.program().argv
    server = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        broker = RedisBroker(valkey.port, server.pid)
        eventually(lambda: _answers(broker), 10, "Valkey answers")
        yield broker
    finally:
        server.terminate()
        server.wait(10)


def _answers(broker: RedisBroker) -> bool:
    try:
        broker.done()
    except redis.ConnectionError:
        return False
    return True


@contextmanager
def postgres_broker() -> Iterator[PostgresBroker]:
    """A server, gone afterwards."""
    with postgres_server(fsync="on", full_page_writes="on") as server:
        yield PostgresBroker(server)
