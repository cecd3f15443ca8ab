"""A push endpoint of our own, and short ways to make topics and subscriptions on an emulator."""

import asyncio
import json
from types import SimpleNamespace

import google.pubsub_v1
import grpc
import pytest
from aiohttp import web
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport

from tests.support.ports import free_port

PROJECT = "projects/integration"
TOPIC, DEAD = f"{PROJECT}/topics/letters", f"{PROJECT}/topics/dead-letters"
SUBSCRIPTION, DEAD_READERS = f"{PROJECT}/subscriptions/readers", f"{PROJECT}/subscriptions/dead"


class Receiver:
    """A push endpoint that answers what it is told to, and remembers what came when."""

    def __init__(self):
        self.answers = []  # statuses or coroutine functions, used up in turn; then 204
        self.requests = []

    async def handle(self, request):
        """Take one push."""
        body = await request.read()
        self.requests.append(
            SimpleNamespace(
                headers=request.headers,
                path=request.path_qs,
                raw=body,
                body=json.loads(body) if "json" in request.content_type else None,
                at=asyncio.get_running_loop().time(),
                connection=request.transport,
            )
        )
        answer = self.answers.pop(0) if self.answers else 204
        return web.Response(status=answer) if isinstance(answer, int) else await answer(request)

    async def until(self, count, limit_seconds=15):
        """Return once `count` requests have come."""
        await eventually(lambda: len(self.requests) >= count, limit_seconds)


async def eventually(condition, limit_seconds=15):
    """Return once `condition()` holds."""
    async with asyncio.timeout(limit_seconds):
        while not condition():  # noqa: ASYNC110 (another process gives no event to wait on)
            await asyncio.sleep(0.01)


@pytest.fixture
async def receiver():
    """A push endpoint on a free port; `receiver.url` is its address."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port()).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield receiver
    await runner.cleanup()


class Client:
    """The generated asynchronous clients on one emulator."""

    def __init__(self, running):
        self.http = running.http
        self.channel = grpc.aio.insecure_channel(running.grpc)
        self.publisher = google.pubsub_v1.PublisherAsyncClient(
            transport=PublisherGrpcAsyncIOTransport(channel=self.channel)
        )
        self.subscriber = google.pubsub_v1.SubscriberAsyncClient(
            transport=SubscriberGrpcAsyncIOTransport(channel=self.channel)
        )

    async def create(self, subscription=SUBSCRIPTION, topic=TOPIC, **fields):
        """Create a topic unless it exists, and a subscription to it."""
        await self.create_topic(topic)
        request = {"name": subscription, "topic": topic, **fields}
        return await self.subscriber.create_subscription(request=request)

    async def create_topic(self, topic):
        """Create a topic unless it exists."""
        known = [found.name async for found in await self.publisher.list_topics(project=PROJECT)]
        if topic not in known:
            await self.publisher.create_topic(name=topic)

    async def publish(self, *bodies, topic=TOPIC, **fields):
        """Publish in one request; return the ids."""
        messages = [{"data": body, **fields} for body in bodies]
        return list((await self.publisher.publish(topic=topic, messages=messages)).message_ids)

    async def pull(self, count, subscription=SUBSCRIPTION):
        """Pull until `count` messages are there."""
        found = []
        for _ in range(50):
            if len(found) >= count:
                break
            answer = await self.subscriber.pull(subscription=subscription, max_messages=1000)
            found += answer.received_messages
        return found

    async def acknowledge(self, received, subscription=SUBSCRIPTION):
        """Ack what was pulled."""
        ack_ids = [one.ack_id for one in received]
        await self.subscriber.acknowledge(subscription=subscription, ack_ids=ack_ids)


@pytest.fixture
async def connect():
    """Connect to an emulator's address; closed at the end."""
    clients = []

    def connect(running):
        clients.append(Client(running))
        return clients[-1]

    yield connect
    for client in clients:
        await client.channel.close()
