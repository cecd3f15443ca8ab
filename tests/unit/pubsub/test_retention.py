"""What is kept how long: retention of topics and subscriptions, seeks to a time, the log's size."""

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.compaction import AT_ONCE
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC, FakePusher, bodies

OTHER = "projects/p/subscriptions/others"
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def keep(broker, admin):
    """Let a topic keep its messages for so many seconds, or no longer than needed."""

    def keep(seconds, topic=TOPIC):
        live = broker.topic(topic)
        live.resource.ClearField("message_retention_duration")
        if seconds:
            live.resource.message_retention_duration.seconds = seconds
        broker.retention_changed(live)

    return keep


@pytest.fixture
def settled(broker):
    """Return once all that is due is written."""

    async def settled():
        for _ in range(30):
            await broker.journal.commit()

    return settled


@pytest.fixture
def stored(store, settled):
    """Return how many messages the log has."""

    async def stored():
        await settled()
        return store._reader.execute("SELECT count(*) FROM messages").fetchone()[0]

    return stored


def ack_all(subscription):
    received = subscription.take(1000)
    subscription.ack([one.ack_id for one in received])
    return bodies(received)


def seek_back(broker, subscription, clock, seconds):
    broker.replay.to_time(subscription, clock.wall_ns() - seconds * 10**9)


async def test_a_seek_acks_what_was_published_before(subscribe, publish, broker, clock):
    subscription = await subscribe()
    await publish(b"old")
    clock.advance(10)
    await publish(b"new")

    seek_back(broker, subscription, clock, 5)

    assert ack_all(subscription) == [b"new"]
    assert subscription.counts()["unacked"] == 0


async def test_a_message_published_at_the_very_time_is_unacked_and_the_one_before_is_not(
    subscribe, publish, broker, clock
):
    subscription = await subscribe(retain_acked_messages=True)
    await publish(b"before")
    clock.advance(1)
    at = clock.wall_ns()
    await publish(b"at")

    broker.replay.to_time(subscription, at)

    assert ack_all(subscription) == [b"at"]


async def test_acked_messages_come_back_by_a_seek_where_they_are_retained(
    subscribe, publish, broker, clock, settled
):
    keeps, forgets = await subscribe(retain_acked_messages=True), await subscribe(OTHER)
    await publish(b"1", b"2")
    for subscription in (keeps, forgets):
        ack_all(subscription)
    await settled()

    for subscription in (keeps, forgets):
        seek_back(broker, subscription, clock, HOUR)

    assert ack_all(keeps) == [b"1", b"2"]
    assert ack_all(forgets) == []


async def test_what_another_subscription_still_needs_does_not_come_back_for_it(
    subscribe, publish, broker, clock
):
    subscription, _ = await subscribe(), await subscribe(OTHER)
    await publish(b"x")
    ack_all(subscription)

    seek_back(broker, subscription, clock, HOUR)

    assert ack_all(subscription) == []


async def test_a_topic_that_retains_replays_to_a_subscription_created_later(
    keep, subscribe, publish, broker, clock
):
    keep(HOUR)
    await publish(b"early")
    subscription = await subscribe()
    assert ack_all(subscription) == []

    seek_back(broker, subscription, clock, HOUR)

    assert ack_all(subscription) == [b"early"]


async def test_what_is_older_than_the_topic_retains_does_not_come_back_though_it_is_there(
    keep, subscribe, publish, broker, clock
):
    keep(HOUR)
    subscription, _ = await subscribe(), await subscribe(OTHER)  # the other one keeps the log
    await publish(b"old")
    clock.advance(HOUR)
    await publish(b"young")
    clock.advance(1)
    ack_all(subscription)

    seek_back(broker, subscription, clock, DAY)

    assert ack_all(subscription) == [b"young"]


async def test_a_seek_to_the_future_acks_what_is_just_being_published(
    subscribe, publish, broker, clock
):
    subscription = await subscribe()
    publishing = asyncio.ensure_future(publish(b"x"))
    await asyncio.sleep(0)
    assert subscription.topic.numbered > subscription.topic.head

    seek_back(broker, subscription, clock, -60)
    await publishing

    assert ack_all(subscription) == []
    assert subscription.counts()["unacked"] == 0


async def test_without_topic_retention_earlier_messages_are_not_there_for_a_new_subscription(
    subscribe, publish, broker, clock
):
    await subscribe()
    await publish(b"early")
    subscription = await subscribe(OTHER, retain_acked_messages=True)

    seek_back(broker, subscription, clock, HOUR)

    assert ack_all(subscription) == []


async def test_what_was_acked_before_retaining_was_asked_for_stays_acked(
    subscribe, publish, broker, clock
):
    subscription = await subscribe()
    await subscribe(OTHER)  # keeps the log
    await publish(b"before")
    ack_all(subscription)
    resource = protos.Subscription.FromString(subscription.resource.SerializeToString())
    resource.retain_acked_messages = True
    subscription.configure(resource)
    await publish(b"after")
    ack_all(subscription)

    seek_back(broker, subscription, clock, HOUR)

    assert ack_all(subscription) == [b"after"]


async def test_messages_leave_the_log_when_their_retention_is_over_and_not_before(
    keep, publish, stored, clock
):
    keep(HOUR)
    await publish(b"1")
    clock.advance(HOUR / 2)
    await publish(b"2")
    clock.advance(HOUR / 2)
    assert await stored() == 2

    clock.advance(1)
    assert await stored() == 1
    clock.advance(HOUR / 2)
    assert await stored() == 0


async def test_acked_messages_that_are_retained_stay_until_their_age(
    subscribe, publish, stored, clock
):
    subscription = await subscribe(
        retain_acked_messages=True, message_retention_duration=Duration(seconds=HOUR)
    )
    await publish(b"x")
    ack_all(subscription)

    clock.advance(HOUR)
    assert await stored() == 1
    clock.advance(1)
    assert await stored() == 0


async def test_a_shorter_retention_takes_effect_at_once(keep, publish, stored, clock):
    keep(DAY)
    await publish(b"x")
    clock.advance(HOUR)

    keep(HOUR // 2)

    assert await stored() == 0


async def test_a_topic_nobody_needs_stores_nothing(admin, publish, stored):
    await publish(b"x")

    assert await stored() == 0


async def test_unacked_messages_are_dropped_at_their_age_though_nobody_asks(
    subscribe, publish, stored, clock
):
    subscription = await subscribe(message_retention_duration=Duration(seconds=HOUR))
    clock.advance(DAY)  # it has been empty for a while
    await publish(b"x")

    clock.advance(HOUR)
    assert subscription.counts()["unacked"] == 1
    clock.advance(1)

    assert subscription.counts()["unacked"] == 0
    assert await stored() == 0


async def test_a_topic_keeps_unacked_messages_longer_than_the_subscription_would(
    keep, subscribe, publish, clock
):
    keep(2 * HOUR)
    subscription = await subscribe(message_retention_duration=Duration(seconds=HOUR))
    await publish(b"x")

    clock.advance(2 * HOUR)

    assert ack_all(subscription) == [b"x"]


async def test_a_long_log_is_deleted_piece_by_piece(subscribe, publish, store, settled):
    subscription = await subscribe()
    for _ in range(25):
        await publish(*[b"x"] * 1000)
    while subscription.counts()["unacked"]:
        ack_all(subscription)
    await settled()

    steps = [batch.compacted[subscription.topic.id] for batch in store.batches if batch.compacted]
    assert steps[-1] == 25_000
    assert all(b - a <= AT_ONCE for a, b in zip([0, *steps], steps, strict=False))


async def test_a_subscription_shows_its_topics_retention(keep, subscribe):
    keep(HOUR)
    subscription = await subscribe()
    shown = subscription.resource.topic_message_retention_duration
    assert shown.seconds == HOUR

    keep(None)
    assert not subscription.resource.HasField("topic_message_retention_duration")


async def test_an_unused_subscription_expires_and_a_used_one_does_not(
    subscribe, publish, broker, clock
):
    policy = protos.ExpirationPolicy(ttl=Duration(seconds=DAY))
    await subscribe(expiration_policy=policy)
    used = await subscribe(OTHER, expiration_policy=policy)

    clock.advance(DAY - 1)
    assert SUBSCRIPTION in broker.subscriptions
    used.take(1)
    clock.advance(1)

    assert list(broker.subscriptions) == [OTHER]
    clock.advance(DAY - 2)
    assert list(broker.subscriptions) == [OTHER]
    clock.advance(2)
    assert not broker.subscriptions


async def test_a_subscription_that_a_pull_waits_on_does_not_expire(subscribe, broker, clock):
    policy = protos.ExpirationPolicy(ttl=Duration(seconds=DAY))
    subscription = await subscribe(expiration_policy=policy)
    pull = asyncio.ensure_future(subscription.pull(1, wait_seconds=60))
    await asyncio.sleep(0)

    clock.advance(3 * DAY)

    assert SUBSCRIPTION in broker.subscriptions
    pull.cancel()


async def test_a_policy_without_a_time_never_expires(subscribe, broker, clock):
    await subscribe(expiration_policy=protos.ExpirationPolicy())

    clock.advance(400 * DAY)

    assert SUBSCRIPTION in broker.subscriptions


async def test_the_expiry_of_a_subscription_frees_its_messages(subscribe, publish, stored, clock):
    await subscribe(expiration_policy=protos.ExpirationPolicy(ttl=Duration(seconds=DAY)))
    await publish(b"x")

    clock.advance(DAY)

    assert await stored() == 0


async def test_a_long_log_of_a_deleted_topic_goes_piece_by_piece_and_then_the_topic(
    subscribe, publish, admin, store, settled, clock
):
    await subscribe()
    for _ in range(25):
        await publish(*[b"x"] * 1000)
    await admin.delete_subscription(SUBSCRIPTION)
    await admin.delete_topic(TOPIC)
    assert len(store.topics()) == 2

    # A restart in the middle goes on with it.
    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)
    for _ in range(5):
        await after.journal.commit()

    assert [name for _, name, _, _ in store.topics()] == [DEAD]
    assert store._reader.execute("SELECT count(*) FROM messages").fetchone() == (0,)
