"""Snapshots, seeks to them, and detaching, on a clock of our own."""

import asyncio

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC, FakePusher, bodies

OTHER = "projects/p/subscriptions/others"
SNAPSHOT = "projects/p/snapshots/before"
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def snapshot(broker):
    """Take a snapshot of a subscription."""

    def snapshot(subscription, name=SNAPSHOT, **labels):
        return broker.snapshots.create(name, subscription, labels)

    return snapshot


@pytest.fixture
def stored(broker, store):
    """Return how many messages the log has."""

    async def stored():
        for _ in range(5):
            await broker.journal.commit()
        return store._reader.execute("SELECT count(*) FROM messages").fetchone()[0]

    return stored


def ack_all(subscription, limit=1000):
    received = subscription.take(limit)
    subscription.ack([one.ack_id for one in received])
    return bodies(received)


async def test_a_seek_to_a_snapshot_restores_what_was_unacked_and_all_after_it(
    subscribe, publish, snapshot, broker
):
    subscription = await subscribe()
    await publish(b"1", b"2", b"3")
    received = subscription.take(3)
    subscription.ack([received[1].ack_id])
    snapshot(subscription)
    subscription.ack([received[0].ack_id, received[2].ack_id])
    await publish(b"4")
    ack_all(subscription)

    broker.replay.to_snapshot(subscription, SNAPSHOT)

    assert ack_all(subscription) == [b"1", b"3", b"4"]


async def test_a_seek_forward_to_a_snapshot_acks_what_it_had_acked(
    subscribe, publish, snapshot, broker
):
    ahead, behind = await subscribe(), await subscribe(OTHER)
    await publish(b"1", b"2")
    ack_all(ahead, 1)
    snapshot(ahead)

    broker.replay.to_snapshot(behind, SNAPSHOT)

    assert ack_all(behind) == [b"2"]


async def test_a_seek_ends_leases_and_old_acks_count_no_more(subscribe, publish, snapshot, broker):
    subscription = await subscribe()
    await publish(b"x")
    snapshot(subscription)
    (before,) = subscription.take(1)

    broker.replay.to_snapshot(subscription, SNAPSHOT)
    (after,) = subscription.take(1)
    subscription.ack([before.ack_id])

    assert subscription.counts() == {"unacked": 1, "outstanding": 1}
    subscription.ack([after.ack_id])
    assert subscription.counts()["unacked"] == 0


async def test_a_seek_wakes_a_waiting_pull(subscribe, publish, snapshot, broker):
    subscription = await subscribe()
    await publish(b"x")
    snapshot(subscription)
    ack_all(subscription)
    pull = asyncio.ensure_future(subscription.pull(1, wait_seconds=60))
    await asyncio.sleep(0)

    broker.replay.to_snapshot(subscription, SNAPSHOT)

    assert bodies(await asyncio.wait_for(pull, 5)) == [b"x"]


async def test_attempts_count_from_one_after_a_seek(subscribe, publish, snapshot, broker):
    subscription = await subscribe(
        dead_letter_policy=protos.DeadLetterPolicy(dead_letter_topic=DEAD)
    )
    await publish(b"x")
    snapshot(subscription)
    subscription.modify([one.ack_id for one in subscription.take(1)], 0)

    broker.replay.to_snapshot(subscription, SNAPSHOT)

    assert [one.attempt for one in subscription.take(1)] == [1]


async def test_a_snapshot_keeps_messages_that_all_have_acked_until_it_is_deleted(
    subscribe, publish, snapshot, stored, broker
):
    subscription = await subscribe()
    snapshot(subscription)
    await publish(b"x")
    ack_all(subscription)
    assert await stored() == 1

    broker.snapshots.delete(SNAPSHOT)

    assert await stored() == 0


async def test_a_snapshot_keeps_what_is_published_when_no_subscription_is_left(
    subscribe, publish, snapshot, stored, admin
):
    snapshot(await subscribe())
    await admin.delete_subscription(SUBSCRIPTION)

    await publish(b"x")

    assert await stored() == 1


async def test_a_snapshot_lives_seven_days_less_the_age_of_the_oldest_unacked_message(
    subscribe, publish, snapshot, clock
):
    subscription = await subscribe()
    assert lifetime(snapshot(subscription, "projects/p/snapshots/empty"), clock) == 7 * DAY
    await publish(b"x")
    clock.advance(3 * DAY)

    assert lifetime(snapshot(subscription), clock) == 4 * DAY


def lifetime(resource, clock):
    return (resource.expire_time.ToNanoseconds() - clock.wall_ns()) / 1e9


async def test_a_snapshot_that_would_live_for_less_than_an_hour_is_refused(
    subscribe, publish, snapshot, clock
):
    subscription = await subscribe()
    await publish(b"x")
    clock.advance(7 * DAY - HOUR)
    snapshot(subscription, "projects/p/snapshots/just-yet")
    clock.advance(1)

    with pytest.raises(FailedPrecondition, match="hour"):
        snapshot(subscription)


async def test_a_snapshot_expires_at_its_time_and_not_before(
    subscribe, publish, snapshot, stored, broker, clock
):
    subscription = await subscribe()
    snapshot(subscription)
    await publish(b"x")
    ack_all(subscription)

    clock.advance(7 * DAY - 1)
    assert broker.snapshots.names() == [SNAPSHOT]
    clock.advance(1)

    assert broker.snapshots.names() == []
    assert await stored() == 0


async def test_a_name_that_is_taken_is_refused_and_a_missing_one_is_made_up(subscribe, snapshot):
    subscription = await subscribe()
    snapshot(subscription)
    with pytest.raises(AlreadyExists):
        snapshot(subscription)

    names = {snapshot(subscription, "").name for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("projects/p/snapshots/") for name in names)


async def test_a_snapshot_of_another_topic_is_refused(subscribe, snapshot, broker):
    snapshot(await subscribe())
    other = await subscribe(OTHER, DEAD)

    with pytest.raises(FailedPrecondition, match="same topic"):
        broker.replay.to_snapshot(other, SNAPSHOT)


async def test_a_snapshot_outlives_its_topic(subscribe, publish, snapshot, broker, admin):
    subscription = await subscribe()
    await publish(b"x")
    snapshot(subscription)
    ack_all(subscription)

    await admin.delete_topic(TOPIC)
    broker.replay.to_snapshot(subscription, SNAPSHOT)

    assert ack_all(subscription) == [b"x"]
    assert broker.snapshots.get(SNAPSHOT).resource.topic == "_deleted-topic_"


async def test_the_last_that_goes_takes_a_deleted_topics_log_along(
    subscribe, publish, snapshot, admin, broker, stored, store
):
    snapshot(await subscribe())
    await publish(b"x")
    await admin.delete_topic(TOPIC)
    await admin.delete_subscription(SUBSCRIPTION)
    assert await stored() == 1

    broker.snapshots.delete(SNAPSHOT)

    assert await stored() == 0
    assert [name for _, name, _, _ in store.topics()] == [DEAD]


@pytest.mark.parametrize(("paths", "said"), [([], "empty"), (["topic"], "topic"), (["x"], "x")])
async def test_only_labels_and_expire_time_change(subscribe, snapshot, broker, paths, said):
    snapshot(await subscribe())

    with pytest.raises(InvalidArgument, match=said):
        broker.snapshots.update(protos.Snapshot(name=SNAPSHOT), FieldMask(paths=paths))


async def test_labels_and_expire_time_are_updated(subscribe, snapshot, broker, clock):
    snapshot(await subscribe(), colour="red", size="big")
    changes = protos.Snapshot(name=SNAPSHOT, labels={"colour": "blue"})
    changes.expire_time.FromNanoseconds(clock.wall_ns() + 10 * 10**9)
    broker.snapshots.update(changes, FieldMask(paths=["labels", "expire_time"]))

    assert dict(broker.snapshots.get(SNAPSHOT).resource.labels) == {"colour": "blue"}
    clock.advance(10)
    with pytest.raises(NotFound):
        broker.snapshots.get(SNAPSHOT)


@pytest.mark.parametrize("seconds", [0, 7 * DAY + 1])
async def test_an_expire_time_that_is_past_or_too_far_away_is_refused(
    subscribe, snapshot, broker, clock, seconds
):
    snapshot(await subscribe())
    changes = protos.Snapshot(name=SNAPSHOT)
    changes.expire_time.FromNanoseconds(clock.wall_ns() + seconds * 10**9)

    with pytest.raises(InvalidArgument, match="7 days"):
        broker.snapshots.update(changes, FieldMask(paths=["expire_time"]))


async def test_snapshots_and_seeks_survive_a_restart(
    subscribe, publish, snapshot, broker, store, clock
):
    subscription = await subscribe()
    await publish(b"1", b"2", b"3")
    received = subscription.take(3)
    subscription.ack([received[1].ack_id])
    snapshot(subscription)
    subscription.ack([received[0].ack_id, received[2].ack_id])
    broker.replay.to_snapshot(subscription, SNAPSHOT)
    await broker.journal.commit()

    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)

    subscription = after.subscription(SUBSCRIPTION)
    assert ack_all(subscription) == [b"1", b"3"]
    after.replay.to_snapshot(subscription, SNAPSHOT)
    assert ack_all(subscription) == [b"1", b"3"]


async def test_an_ack_that_a_seek_took_back_is_not_there_after_a_restart(
    subscribe, publish, snapshot, broker, store, clock
):
    subscription = await subscribe()
    await publish(b"1", b"2", b"3")
    snapshot(subscription)
    subscription.ack([subscription.take(3)[1].ack_id])
    await broker.journal.commit()
    assert store.acks(subscription.id) == [2]
    broker.replay.to_snapshot(subscription, SNAPSHOT)
    await broker.journal.commit()

    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)

    assert ack_all(after.subscription(SUBSCRIPTION)) == [b"1", b"2", b"3"]


async def test_a_detached_subscription_loses_its_backlog_and_gets_nothing_more(
    subscribe, publish, broker, stored
):
    subscription = await subscribe()
    await publish(b"x")

    broker.detach(subscription)
    await publish(b"y")

    with pytest.raises(FailedPrecondition, match="detached"):
        subscription.take(1)
    assert subscription.resource.detached
    assert subscription.counts()["unacked"] == 0
    assert await stored() == 0


async def test_detaching_ends_a_waiting_pull(subscribe, broker):
    subscription = await subscribe()
    pull = asyncio.ensure_future(subscription.pull(1, wait_seconds=60))
    await asyncio.sleep(0)

    broker.detach(subscription)

    with pytest.raises(FailedPrecondition):
        await asyncio.wait_for(pull, 5)


async def test_a_detached_push_subscription_pushes_no_more(subscribe, broker):
    config = protos.PushConfig(push_endpoint="http://127.0.0.1:9/")
    subscription = await subscribe(push_config=config)

    broker.detach(subscription)

    assert subscription.pusher.stopped


async def test_a_detached_subscription_cannot_be_sought_or_made_a_snapshot_of(
    subscribe, broker, snapshot, clock
):
    subscription = await subscribe()
    broker.detach(subscription)

    with pytest.raises(FailedPrecondition):
        broker.replay.to_time(subscription, clock.wall_ns())
    with pytest.raises(FailedPrecondition):
        snapshot(subscription)


async def test_a_detached_subscription_stays_detached_over_an_update_and_a_restart(
    subscribe, broker, admin, store, clock
):
    broker.detach(await subscribe())
    changes = protos.Subscription(name=SUBSCRIPTION, ack_deadline_seconds=30)
    await admin.update_subscription(changes, FieldMask(paths=["ack_deadline_seconds"]))
    await admin.delete_topic(TOPIC)

    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)

    subscription = after.subscription(SUBSCRIPTION)
    assert subscription.resource.detached
    assert subscription.resource.ack_deadline_seconds == 30
    with pytest.raises(FailedPrecondition):
        subscription.take(1)
