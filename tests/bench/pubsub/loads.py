"""The loads, each run as `python -m tests.bench.pubsub.loads NAME ADDRESS …`; prints JSON."""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable

from emulators.pubsub import protos
from tests.bench.pubsub.raw import Raw

IN_FLIGHT = 8  # requests of the raw load at a time
BATCH = 500
WARM_UP = 500


def client_publish(address: str, topic: str, count: int, size: int) -> float:
    """Publish by the official client with its default settings; messages/s to the last answer."""
    from google.cloud import pubsub_v1

    os.environ["PUBSUB_EMULATOR_HOST"] = address
    publisher = pubsub_v1.PublisherClient()
    body = bytes(size)
    rate = 0.0
    for number in (WARM_UP, count):
        began = time.monotonic()
        futures = [publisher.publish(topic, body) for _ in range(number)]
        for future in futures:
            future.result(60)
        rate = number / (time.monotonic() - began)
    return rate


def raw_publish(address: str, topic: str, count: int, size: int) -> float:
    """Publish in batches over a bare channel, a few in flight; messages/s to the last answer."""
    messages = [protos.PubsubMessage(data=bytes(size))] * BATCH
    request = protos.PublishRequest(topic=topic, messages=messages).SerializeToString()
    batches = iter(range(-(-count // BATCH)))

    async def publish() -> float:
        async with Raw(address) as raw:
            send = raw.channel.unary_unary("/google.pubsub.v1.Publisher/Publish")
            await send(request)

            async def worker() -> None:
                for _ in batches:
                    await send(request)

            began = time.monotonic()
            await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
            return count / (time.monotonic() - began)

    return asyncio.run(publish())


def stream(address: str, subscription: str, count: int, _: int) -> float:
    """Receive by the official client's `subscribe`, acking; messages/s of the first `count`."""
    from google.cloud import pubsub_v1

    os.environ["PUBSUB_EMULATOR_HOST"] = address
    subscriber = pubsub_v1.SubscriberClient()
    seen: dict[str, float] = {}
    all_there = threading.Event()

    def callback(message: pubsub_v1.subscriber.message.Message) -> None:
        seen.setdefault(message.message_id, time.monotonic())
        message.ack()
        if len(seen) >= count:
            all_there.set()

    future = subscriber.subscribe(subscription, callback)
    all_there.wait(60)
    times = sorted(seen.values())[:count]
    future.cancel()
    future.result(30)
    return (len(times) - 1) / (times[-1] - times[0])


LOADS: dict[str, Callable[[str, str, int, int], float]] = {
    load.__name__: load for load in (client_publish, raw_publish, stream)
}

if __name__ == "__main__":
    name, address, target, count, size = sys.argv[1:]
    print(json.dumps({"value": LOADS[name](address, target, int(count), int(size))}))
