"""One sample each of what is compared: makes its own topic, loads, measures, tidies up."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from emulators.pubsub import protos
from tests.bench.pubsub.loads import BATCH, WARM_UP
from tests.bench.pubsub.raw import Raw
from tests.bench.pubsub.servers import ROOT, Server, run_load

PROJECT = "projects/bench"
numbers = itertools.count(1)


class Sample(NamedTuple):
    """Messages a second, and the server's processor time for each, in microseconds."""

    rate: float
    cpu: float


def client_publish(server: Server, count: int, size: int) -> Sample:
    """Publish by the official client to a topic with one subscription."""
    with topic_of(server) as (topic, _):
        before = server.cpu_seconds()
        rate = run_load("client_publish", server.address, topic, count, size)["value"]
        return sample(server, before, rate, count + WARM_UP)


def raw_publish(server: Server, count: int) -> Sample:
    """Publish messages of 1 KB in batches of 500 to a topic with one subscription."""
    with topic_of(server) as (topic, _):
        before = server.cpu_seconds()
        rate = run_load("raw_publish", server.address, topic, count, 1000)["value"]
        return sample(server, before, rate, count + BATCH)


def stream(server: Server, count: int) -> Sample:
    """Receive and ack messages of 100 B by the official client's subscriber."""
    with topic_of(server) as (topic, subscription):
        run_load("raw_publish", server.address, topic, count, 100)
        before = server.cpu_seconds()
        rate = run_load("stream", server.address, subscription, count, 0)["value"]
        return sample(server, before, rate, count)


def push(server: Server, count: int, *, limit: float, takes: float = 0) -> Sample:
    """Push to an endpoint that takes so many seconds, for at most `limit` of them."""
    with endpoint(takes) as url:
        config = protos.PushConfig(push_endpoint=url)
        with topic_of(server, push_config=config, ack_deadline_seconds=60) as (topic, _):
            before = server.cpu_seconds()
            run_load("raw_publish", server.address, topic, count, 100)
            rate, done = pushed(url, count, time.monotonic() + limit)
            return sample(server, before, rate, done)


def sample(server: Server, cpu_before: float, rate: float, messages: int) -> Sample:
    """Return a rate with the processor time used since `cpu_before`."""
    return Sample(rate, (server.cpu_seconds() - cpu_before) / messages * 1e6)


def pushed(url: str, count: int, until: float) -> tuple[float, int]:
    """Wait for `count` pushes or the moment `until`; return the rate so far, and how many."""
    while True:
        time.sleep(0.1)
        with urllib.request.urlopen(url, timeout=10) as answer:
            facts = json.load(answer)
        if facts["count"] >= count or time.monotonic() > until:
            break
    if facts["count"] < 2:
        raise RuntimeError(f"only {facts['count']} pushes came")
    return facts["count"] / (facts["last"][0] - facts["first"][0]), facts["count"]


@contextmanager
def endpoint(takes: float) -> Iterator[str]:
    """A push endpoint in its own process; yields its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.pubsub.endpoint", str(takes)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@contextmanager
def topic_of(server: Server, **fields: object) -> Iterator[tuple[str, str]]:
    """A topic with one subscription, of names not used before; both deleted at the end."""
    name = f"bench-{next(numbers)}"
    topic, subscription = f"{PROJECT}/topics/{name}", f"{PROJECT}/subscriptions/{name}"
    asyncio.run(create(server, topic, subscription, fields))
    try:
        yield topic, subscription
    finally:
        asyncio.run(delete(server, topic, subscription))


async def create(server: Server, topic: str, subscription: str, fields: dict[str, object]) -> None:
    async with Raw(server.address) as raw:
        await raw.create_topic(topic)
        await raw.create_subscription(subscription, topic, **fields)


async def delete(server: Server, topic: str, subscription: str) -> None:
    async with Raw(server.address) as raw:
        await raw.delete(topic, subscription)
