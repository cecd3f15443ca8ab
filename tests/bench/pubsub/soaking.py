"""The soak test's load: publish, pull, stream and push at a steady rate; others come and go."""

import asyncio
import itertools
import time
from collections import Counter

import aiohttp

from emulators.pubsub import protos
from tests.bench.pubsub.raw import Raw

PROJECT = "projects/soak"
TOPIC = f"{PROJECT}/topics/letters"
PULLED, STREAMED, PUSHED = (
    f"{PROJECT}/subscriptions/{name}" for name in ("pulled", "streamed", "pushed")
)
BATCH, SIZE = 20, 500
MOST_BEHIND = 5_000  # messages; beyond it the publisher waits, at any rate
NACK_EVERY = 20  # of one answer in so many, a message is nacked
STREAM_SECONDS, VISIT_SECONDS = 30.0, 2.0


class Soak:
    """One load on the emulator at `address`; `rate` is in messages a second and may be changed."""

    def __init__(self, address: str, endpoint: str) -> None:
        self.rate = float("inf")
        self.published = 0
        self.consumed: Counter[str] = Counter()
        self._address = address
        self.endpoint = endpoint
        self._numbers = itertools.count()

    async def run(self) -> None:
        """Create what is needed and load until cancelled; any error ends it."""
        async with Raw(self._address) as raw:
            await self._prepare(raw)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._publish(raw))
                tasks.create_task(self._pull(raw))
                tasks.create_task(self._stream_again_and_again(raw))
                tasks.create_task(self._count_pushes())
                tasks.create_task(self._visit())

    def behind(self) -> int:
        """Return how many messages the slowest consumer has not had."""
        return self.published - min(self.consumed[name] for name in (PULLED, STREAMED, PUSHED))

    async def _prepare(self, raw: Raw) -> None:
        await raw.create_topic(TOPIC)
        await raw.create_subscription(PULLED, TOPIC, enable_exactly_once_delivery=True)
        await raw.create_subscription(STREAMED, TOPIC, enable_message_ordering=True)
        config = protos.PushConfig(push_endpoint=self.endpoint)
        await raw.create_subscription(PUSHED, TOPIC, push_config=config)

    async def _publish(self, raw: Raw) -> None:
        due = time.monotonic()
        while True:
            key = f"key-{next(self._numbers) % 50}"
            messages = [protos.PubsubMessage(data=bytes(SIZE), ordering_key=key)] * BATCH
            await raw.publish(TOPIC, messages)
            self.published += BATCH
            due = max(due + BATCH / self.rate, time.monotonic() - 1)
            await asyncio.sleep(max(0, due - time.monotonic()))
            while self.behind() > MOST_BEHIND:  # noqa: ASYNC110 (the consumers are many)
                await asyncio.sleep(0.01)

    async def _pull(self, raw: Raw) -> None:
        while True:
            received = await raw.pull(PULLED, 500, timeout=20)
            await self._answer(raw, PULLED, received)

    async def _stream_again_and_again(self, raw: Raw) -> None:
        open_stream = raw.channel.stream_stream(
            "/google.pubsub.v1.Subscriber/StreamingPull",
            request_serializer=protos.StreamingPullRequest.SerializeToString,
            response_deserializer=protos.StreamingPullResponse.FromString,
        )
        while True:
            first = protos.StreamingPullRequest(
                subscription=STREAMED, stream_ack_deadline_seconds=60, max_outstanding_messages=1000
            )
            until = time.monotonic() + STREAM_SECONDS
            call = open_stream()
            await call.write(first)
            async for response in call:
                await self._answer(raw, STREAMED, list(response.received_messages))
                if time.monotonic() > until:
                    break
            call.cancel()

    async def _answer(self, raw: Raw, name: str, received: list[protos.ReceivedMessage]) -> None:
        """Ack all but a few, which are nacked; the last one, so that no key waits long for it."""
        ack_ids = [one.ack_id for one in received]
        if ack_ids and next(self._numbers) % NACK_EVERY == 0:
            await raw.modify(name, [ack_ids.pop()], 0)
        if ack_ids:
            await raw.acknowledge(name, ack_ids)
        self.consumed[name] += len(ack_ids)

    async def _count_pushes(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(self.endpoint) as answer:
                    self.consumed[PUSHED] = (await answer.json(content_type=None))["count"]
                await asyncio.sleep(0.2)

    async def _visit(self) -> None:
        """Come with a connection of one's own, make a topic, use it, delete it, go."""
        for number in itertools.count():
            async with Raw(self._address) as raw:
                topic = f"{PROJECT}/topics/visit-{number}"
                subscription = f"{PROJECT}/subscriptions/visit-{number}"
                await raw.create_topic(topic)
                await raw.create_subscription(subscription, topic)
                await raw.publish(topic, [protos.PubsubMessage(data=b"x")] * 10)
                await raw.pull(subscription, 5)
                await raw.delete(topic, subscription)
            await asyncio.sleep(VISIT_SECONDS)
