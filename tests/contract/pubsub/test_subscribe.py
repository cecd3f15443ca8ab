"""`SubscriberClient.subscribe`, the official client's own consumer, and the generated async one."""

import asyncio
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import google.pubsub_v1
import grpc
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError, AcknowledgeStatus
from google.cloud.pubsub_v1.subscriber.scheduler import ThreadScheduler
from google.cloud.pubsub_v1.types import FlowControl
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport

LIMIT = 20  # seconds: a broken subscriber must not hang the suite


class Inbox:
    """A callback that acks, or does what it is told, and hands the messages over."""

    def __init__(self, handle=lambda message: message.ack()):
        self._handle = handle
        self._messages = queue.Queue()

    def __call__(self, message):
        self._handle(message)
        self._messages.put(message)

    def next(self, count=1):
        """Return the next `count` messages."""
        return [self._messages.get(timeout=LIMIT) for _ in range(count)]

    def bodies(self, count=1):
        """Return the data of the next `count` messages."""
        return [message.data for message in self.next(count)]


@pytest.fixture
def subscribe(subscriber):
    """Open a subscriber; it is closed at the end."""
    opened = []

    def subscribe(subscription, callback, **options):
        opened.append(subscriber.subscribe(subscription, callback=callback, **options))
        return opened[-1]

    yield subscribe
    for future in opened:
        future.cancel()
        end(future)


def end(future):
    """Wait for a subscriber to end; return the error it ended with, None for none."""
    try:
        future.result(timeout=LIMIT)
    except exceptions.GoogleAPICallError as error:
        return error


@pytest.fixture
def create(subscriber, topic, names):
    """Create another subscription to `topic`; return its name."""

    def create(**fields):
        request = {"name": names.other, "topic": topic, **fields}
        return subscriber.create_subscription(request=request).name

    return create


def test_a_subscriber_gets_what_is_published(subscribe, publish, subscription):
    inbox = Inbox()
    publish(b"before")
    subscribe(subscription, inbox)

    assert inbox.bodies() == [b"before"]
    publish(b"after", attributes={"a": "b"})
    (message,) = inbox.next()
    assert (message.data, dict(message.attributes)) == (b"after", {"a": "b"})
    assert message.delivery_attempt is None


def test_acked_messages_do_not_come_again(subscribe, publish, subscription, is_empty):
    inbox = Inbox()
    future = subscribe(subscription, inbox)
    publish(*(b"%d" % number for number in range(300)))
    assert len(set(inbox.bodies(300))) == 300

    future.cancel()
    end(future)

    assert is_empty(subscription)


def test_a_nacked_message_comes_again(subscribe, publish, subscription):
    seen = []

    def nack_first(message):
        (message.ack if seen else message.nack)()
        seen.append(message)

    inbox = Inbox(nack_first)
    subscribe(subscription, inbox)
    publish(b"x")

    first, second = inbox.next(2)
    assert first.message_id == second.message_id


def test_a_message_that_is_worked_on_keeps_its_lease(subscribe, publish, create):
    """The client asks for a longer deadline on receipt, and from then on until the ack."""
    release = threading.Event()
    inbox = Inbox(lambda message: (release.wait(LIMIT), message.ack()))
    subscribe(create(ack_deadline_seconds=10), inbox)
    publish(b"slow")

    with pytest.raises(queue.Empty):
        inbox._messages.get(timeout=0.5)
    release.set()

    assert inbox.bodies() == [b"slow"]


def test_no_more_callbacks_run_than_flow_control_allows(subscribe, publish, subscription):
    release, running, most = threading.Event(), set(), []

    def count(message):
        running.add(message.message_id)
        most.append(len(running))
        release.wait(LIMIT)
        running.discard(message.message_id)
        message.ack()

    inbox = Inbox(count)
    publish(*(b"%d" % number for number in range(20)))
    subscribe(subscription, inbox, flow_control=FlowControl(max_messages=3))
    release.set()

    assert len(inbox.bodies(20)) == 20
    assert max(most) <= 3


def test_a_scheduler_of_ones_own_runs_the_callbacks(subscribe, publish, subscription):
    names = set()
    inbox = Inbox(lambda message: (names.add(threading.current_thread().name), message.ack()))
    executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="ours")
    subscribe(subscription, inbox, scheduler=ThreadScheduler(executor))

    publish(b"x")

    assert inbox.bodies() == [b"x"]
    assert all(name.startswith("ours") for name in names)


def test_what_a_closed_subscriber_did_not_begin_is_available_again(
    subscribe, publish, subscription, pull
):
    began, release = threading.Event(), threading.Event()
    inbox = Inbox(lambda message: (began.set(), release.wait(LIMIT), message.ack()))
    executor = ThreadPoolExecutor(max_workers=1)
    publish(*(b"%d" % number for number in range(10)))
    future = subscribe(
        subscription,
        inbox,
        scheduler=ThreadScheduler(executor),
        await_callbacks_on_shutdown=True,
        flow_control=FlowControl(max_messages=5),
    )
    assert began.wait(LIMIT)

    future.cancel()
    release.set()
    end(future)

    acked = inbox._messages.qsize()
    assert len({one.message.message_id for one in pull(subscription, 10 - acked)}) == 10 - acked


def test_two_subscribers_share_the_messages(subscribe, publish, subscription):
    inboxes = Inbox(), Inbox()
    for inbox in inboxes:
        subscribe(subscription, inbox)
    everything = queue.Queue()
    for inbox in inboxes:
        inbox._messages = everything

    publish(*(b"%d" % number for number in range(100)))

    ids = {everything.get(timeout=LIMIT).message_id for _ in range(100)}
    assert len(ids) == 100


def test_a_deleted_subscription_ends_the_subscriber(subscribe, publish, subscriber, subscription):
    inbox = Inbox()
    future = subscribe(subscription, inbox)
    publish(b"x")
    inbox.next()

    subscriber.delete_subscription(subscription=subscription)

    assert isinstance(end(future), exceptions.NotFound)


def test_a_subscriber_to_nothing_ends(subscribe, names):
    assert isinstance(end(subscribe(names.subscription, Inbox())), exceptions.NotFound)


def test_messages_of_a_key_come_in_order(subscribe, send, topic, create):
    inbox = Inbox()
    subscribe(create(enable_message_ordering=True), inbox)
    for number in range(50):
        for key in ("a", "b"):
            send(topic, [{"data": b"%d" % number, "ordering_key": key}])

    received = inbox.next(100)

    for key in ("a", "b"):
        bodies = [message.data for message in received if message.ordering_key == key]
        assert bodies == [b"%d" % number for number in range(50)]


def test_a_nack_repeats_a_key_in_order(only_ours, subscribe, publish, create):
    """Google's emulator delivers the later ones first."""
    seen = []

    def nack_once(message):
        seen.append(message.data)
        return message.nack() if seen.count(b"2") == 1 and message.data == b"2" else message.ack()

    inbox = Inbox(nack_once)
    subscribe(create(enable_message_ordering=True), inbox)
    publish(*(b"%d" % number for number in range(5)), ordering_key="k")

    while inbox.bodies() != [b"4"] or seen.count(b"2") < 2:
        pass  # what came before the nack arrived may come twice
    assert seen[:3] == [b"0", b"1", b"2"]
    assert seen[-3:] == [b"2", b"3", b"4"]


# Exactly-once


def test_acks_are_confirmed_one_by_one(subscribe, publish, create, is_empty):
    name = create(enable_exactly_once_delivery=True)
    results = queue.Queue()
    inbox = Inbox(lambda message: results.put(message.ack_with_response()))
    subscribe(name, inbox)
    publish(*(b"%d" % number for number in range(50)))

    for _ in range(50):
        assert results.get(timeout=LIMIT).result(LIMIT) == AcknowledgeStatus.SUCCESS
    assert len(set(inbox.bodies(50))) == 50
    assert is_empty(name)


def test_an_ack_of_an_old_delivery_fails(subscribe, publish, subscriber, create):
    """The message is acked behind the subscriber's back, so its own ack comes too late."""
    name = create(enable_exactly_once_delivery=True)
    results = queue.Queue()

    def ack_twice(message):
        subscriber.acknowledge(subscription=name, ack_ids=[message.ack_id])
        results.put(message.ack_with_response())

    subscribe(name, Inbox(ack_twice))
    publish(b"x")

    with pytest.raises(AcknowledgeError) as failure:
        results.get(timeout=LIMIT).result(LIMIT)
    assert failure.value.error_code == AcknowledgeStatus.INVALID_ACK_ID


def test_a_nack_is_confirmed_and_the_message_comes_again(subscribe, publish, create):
    name = create(enable_exactly_once_delivery=True)
    results, seen = queue.Queue(), []

    def nack_first(message):
        answer = message.ack_with_response if seen else message.nack_with_response
        seen.append(message.message_id)
        results.put(answer())

    subscribe(name, Inbox(nack_first))
    publish(b"x")

    for _ in range(2):
        assert results.get(timeout=LIMIT).result(LIMIT) == AcknowledgeStatus.SUCCESS
    assert seen[0] == seen[1]


def test_without_exactly_once_a_response_is_success_at_once(subscribe, publish, subscription):
    results = queue.Queue()
    subscribe(subscription, Inbox(lambda message: results.put(message.ack_with_response())))
    publish(b"x")

    assert results.get(timeout=LIMIT).result(LIMIT) == AcknowledgeStatus.SUCCESS


# The generated asynchronous client


class Requests:
    """What a client says, one request after the other."""

    def __init__(self, **first):
        self._queue = asyncio.Queue()
        self.say(**first)

    def say(self, **fields):
        self._queue.put_nowait(google.pubsub_v1.StreamingPullRequest(fields))

    def finish(self):
        self._queue.put_nowait(None)

    async def __aiter__(self):
        while request := await self._queue.get():
            yield request


async def test_the_asynchronous_client_streams(emulator, publish, subscription, is_empty):
    async with grpc.aio.insecure_channel(emulator.grpc) as channel:
        client = google.pubsub_v1.SubscriberAsyncClient(
            transport=SubscriberGrpcAsyncIOTransport(channel=channel)
        )
        requests = Requests(subscription=subscription, stream_ack_deadline_seconds=10)
        stream = await client.streaming_pull(requests=requests)
        publish(b"1", b"2")
        bodies = set()
        async for response in stream:
            received = response.received_messages
            bodies |= {one.message.data for one in received}
            requests.say(ack_ids=[one.ack_id for one in received])
            if len(bodies) == 2:
                requests.finish()
    assert bodies == {b"1", b"2"}
    assert is_empty(subscription)
