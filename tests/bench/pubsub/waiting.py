"""Ours alone with a large backlog: what it costs in memory, and how soon it is there again."""

import asyncio
import time
from pathlib import Path

from tests.bench.pubsub.goals import NORMAL
from tests.bench.pubsub.measures import PROJECT, create
from tests.bench.pubsub.raw import Raw
from tests.bench.pubsub.servers import Server, run_load

FEW, SIZE = 1000, 1000
TOPIC, SUBSCRIPTION = f"{PROJECT}/topics/waiting", f"{PROJECT}/subscriptions/waiting"
SETTLED = 2.0  # seconds after which memory is read


def backlog(folder: Path, count: int) -> dict[str, float]:
    """Return memory with `count` waiting, its growth, and the times after a kill -9."""
    few = with_waiting(Server(NORMAL, folder / "few"), FEW)
    server = Server(NORMAL, folder / "many")
    many = with_waiting(server, count, keep=True)
    try:
        server.kill()
        restart = server.start()
        return {
            "waiting": many,
            "growth": many / few,
            "restart": restart,
            "first": asyncio.run(first_delivery(server)),
        }
    finally:
        server.kill()


def with_waiting(server: Server, count: int, *, keep: bool = False) -> float:
    """Start, publish `count` messages that nobody takes; return the memory in MB."""
    server.start()
    try:
        asyncio.run(create(server, TOPIC, SUBSCRIPTION, {}))
        run_load("raw_publish", server.address, TOPIC, count, SIZE)
        time.sleep(SETTLED)
        return server.memory()
    finally:
        if not keep:
            server.kill()


async def first_delivery(server: Server) -> float:
    """Return the seconds until a pull has its first message."""
    began = time.monotonic()
    async with Raw(server.address) as raw:
        while not await raw.pull(SUBSCRIPTION, 1):
            pass
    return time.monotonic() - began
