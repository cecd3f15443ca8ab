"""What every publisher promises: memory, and the real client against our emulator."""

import asyncio

import grpc
import pytest
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from shared.adapters.memory import MemoryPublisher
from shared.adapters.pubsub import MAX_MESSAGES, PubSubPublisher
from shared.domain.envelope import Message
from tests.contract.pubsub.processes import ours
from tests.support.ports import free_port

TOPIC = "projects/p/topics/letters"
SUBSCRIPTION = "projects/p/subscriptions/readers"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with ours(tmp_path_factory.mktemp("pubsub"), durability="memory") as running:
        yield running


@pytest.fixture
def readers(emulator):
    """The official client, with a topic and an empty subscription."""
    options = [("grpc.max_receive_message_length", -1)]
    channel = grpc.insecure_channel(emulator.grpc, options=options)
    publisher = pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    subscriber = pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    publisher.create_topic(name=TOPIC)
    subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
    yield subscriber
    subscriber.delete_subscription(subscription=SUBSCRIPTION)
    publisher.delete_topic(topic=TOPIC)


@pytest.fixture
async def publisher(emulator):
    made = PubSubPublisher("p", emulator_host=emulator.grpc)
    yield made
    await made.close()


def pulled(readers, count: int) -> list:
    found = []
    while len(found) < count:
        answer = readers.pull(subscription=SUBSCRIPTION, max_messages=1000, timeout=10)
        assert answer.received_messages, f"{len(found)} of {count}"
        found += answer.received_messages
        ids = [received.ack_id for received in answer.received_messages]
        readers.acknowledge(subscription=SUBSCRIPTION, ack_ids=ids)
    return [received.message for received in found]


def message(n: int = 0, **changes) -> Message:
    values = {"topic": "letters", "data": b"%d" % n, "attributes": {"n": str(n)}}
    return Message(**{**values, **changes})


async def test_confirmed_messages_arrive_whole(publisher, readers):
    assert await publisher.publish([message(7, attributes={"a": "b"})]) == [True]
    [arrived] = pulled(readers, 1)
    assert (arrived.data, dict(arrived.attributes)) == (b"7", {"a": "b"})


async def test_many_callers_at_once_are_all_confirmed(publisher, readers):
    answers = await asyncio.gather(*(publisher.publish([message(n)]) for n in range(200)))
    assert answers == [[True]] * 200
    assert {arrived.data for arrived in pulled(readers, 200)} == {b"%d" % n for n in range(200)}


async def test_more_messages_than_one_call_may_carry_are_confirmed(publisher, readers):
    assert all(await publisher.publish([message(n) for n in range(MAX_MESSAGES + 1)]))
    assert len(pulled(readers, MAX_MESSAGES + 1)) == MAX_MESSAGES + 1


async def test_an_unknown_topic_is_unconfirmed_and_harms_no_other(publisher, readers):
    sure = await publisher.publish([message(1, topic="nowhere"), message(2)])
    assert sure == [False, True]


async def test_nobody_listening_is_unconfirmed():
    away = PubSubPublisher("p", emulator_host=f"127.0.0.1:{free_port()}")
    assert await asyncio.wait_for(away.publish([message()]), 15) == [False]
    with pytest.raises(ConnectionError):
        await away.ping()
    await away.close()


async def test_a_pubsub_that_answers_can_be_pinged(publisher):
    await publisher.ping()


async def test_memory_keeps_what_it_confirms():
    memory = MemoryPublisher()
    assert await memory.publish([message(1)]) == [True]
    memory.reachable = False
    assert await memory.publish([message(2)]) == [False]
    assert [m.data for m in memory.messages] == [b"1"]
    with pytest.raises(ConnectionError):
        await memory.ping()


async def test_more_bytes_than_one_call_may_carry_are_confirmed(publisher, readers):
    large = [message(n, data=bytes(900_000)) for n in range(20)]
    assert await publisher.publish(large) == [True] * 20
    assert len(pulled(readers, 20)) == 20


async def test_messages_of_several_ordering_keys_are_confirmed(publisher, readers):
    """Pub/Sub refuses a call whose messages do not share one key."""
    mixed = [message(n, ordering_key=f"key-{n % 3}") for n in range(30)]
    assert await publisher.publish(mixed) == [True] * 30
    assert {arrived.ordering_key for arrived in pulled(readers, 30)} == {"key-0", "key-1", "key-2"}


async def test_messages_of_one_ordering_key_arrive_in_the_order_of_their_calls(publisher, readers):
    calls = [publisher.publish([message(n, ordering_key="k")]) for n in range(50)]
    assert await asyncio.gather(*calls) == [[True]] * 50
    arrived = pulled(readers, 50)
    assert sorted(arrived, key=lambda m: m.publish_time) == arrived
    assert [int(m.data) for m in arrived] == list(range(50))
