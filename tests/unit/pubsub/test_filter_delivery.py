"""Filters together with all that else happens to a message."""

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC, FakePusher, bodies

OTHER = "projects/p/subscriptions/others"
BLUE = {"filter": 'attributes.colour = "blue"'}


@pytest.fixture
def publish_colours(broker):
    """Publish one message of each colour in a request; its body is its number."""

    async def publish_colours(*colours, ordering_key=""):
        messages = [
            protos.PubsubMessage(
                data=b"%d" % number, attributes={"colour": colour}, ordering_key=ordering_key
            )
            for number, colour in enumerate(colours)
        ]
        await broker.publish(TOPIC, messages)

    return publish_colours


@pytest.fixture
def stored(broker, store):
    """Return how many messages the log has."""

    async def stored():
        for _ in range(5):
            await broker.journal.commit()
        return store._reader.execute("SELECT count(*) FROM messages").fetchone()[0]

    return stored


def ack_all(subscription):
    received = subscription.take(1000)
    subscription.ack([one.ack_id for one in received])
    return bodies(received)


async def test_only_matching_messages_are_backlog(subscribe, publish_colours):
    blue, every = await subscribe(**BLUE), await subscribe(OTHER)
    await publish_colours("blue", "red", "blue")

    assert blue.counts()["unacked"] == 2
    assert ack_all(blue) == [b"0", b"2"]
    assert ack_all(every) == [b"0", b"1", b"2"]


async def test_what_does_not_match_leaves_the_log_though_nobody_pulls(
    subscribe, publish_colours, stored
):
    await subscribe(**BLUE)
    await publish_colours("red", "red")

    assert await stored() == 0


async def test_a_waiting_pull_sleeps_through_what_does_not_match(subscribe, publish_colours):
    subscription = await subscribe(**BLUE)
    pull = asyncio.ensure_future(subscription.pull(10, wait_seconds=60))
    await asyncio.sleep(0)
    await publish_colours("red")
    await asyncio.sleep(0)
    assert not pull.done()

    await publish_colours("blue")

    assert bodies(await pull) == [b"0"]


async def test_a_restart_filters_again(subscribe, publish_colours, broker, store, clock):
    await subscribe(**BLUE)
    await publish_colours("blue", "red", "blue", "red")
    await broker.journal.commit()

    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)

    subscription = after.subscription(SUBSCRIPTION)
    assert subscription.counts()["unacked"] == 2
    assert ack_all(subscription) == [b"0", b"2"]


async def test_a_seek_replays_only_what_matches(subscribe, publish_colours, broker, clock):
    subscription = await subscribe(**BLUE, retain_acked_messages=True)
    await publish_colours("red", "blue")
    ack_all(subscription)

    broker.replay.to_time(subscription, clock.wall_ns() - 10**9)

    assert subscription.counts()["unacked"] == 1
    assert ack_all(subscription) == [b"1"]


async def test_an_ordering_key_does_not_wait_for_what_does_not_match(subscribe, publish_colours):
    subscription = await subscribe(**BLUE, enable_message_ordering=True)
    await publish_colours("blue", "red", "blue", ordering_key="k")

    (first,) = subscription.take(1)
    assert subscription.take(1) == []
    subscription.ack([first.ack_id])

    assert ack_all(subscription) == [b"2"]


async def test_what_does_not_match_is_no_dead_letter(subscribe, publish_colours):
    policy = protos.DeadLetterPolicy(dead_letter_topic=DEAD, max_delivery_attempts=5)
    subscription = await subscribe(**BLUE, dead_letter_policy=policy)
    dead = await subscribe(OTHER, DEAD)
    await publish_colours("red", "blue")
    for _ in range(5):
        subscription.modify([one.ack_id for one in subscription.take(10)], 0)

    assert bodies(await dead.pull(10, wait_seconds=5)) == [b"1"]


async def test_old_messages_are_dropped_whether_they_match_or_not(
    subscribe, publish_colours, stored, clock
):
    retention = Duration(seconds=3600)
    subscription = await subscribe(**BLUE, message_retention_duration=retention)
    await publish_colours("blue", "red", "blue")
    clock.advance(3600)
    assert subscription.counts()["unacked"] == 2

    clock.advance(1)

    assert subscription.counts()["unacked"] == 0
    assert await stored() == 0


async def test_a_huge_backlog_that_does_not_match_lets_others_take_their_turn(
    subscribe, publish_colours, broker, clock, store
):
    await subscribe(OTHER)
    for _ in range(12):
        await publish_colours(*["red"] * 1000)
    await publish_colours("blue")
    broker.end(RuntimeError)
    subscriptions = store._writer.execute("SELECT id, resource FROM subscriptions").fetchone()
    resource = protos.Subscription.FromString(subscriptions[1])
    resource.filter = BLUE["filter"]
    store._writer.execute("UPDATE subscriptions SET resource = ?", (resource.SerializeToString(),))

    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)
    subscription = after.subscription(OTHER)
    assert subscription.counts()["unacked"] > 1  # not looked through at once
    pull = asyncio.ensure_future(subscription.pull(1, wait_seconds=60))
    turns = 0
    while not pull.done():
        turns += 1
        await asyncio.sleep(0)

    assert bodies(await pull) == [b"0"]
    assert turns >= 3
