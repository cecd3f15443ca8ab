"""Where a seek ends what was before it: old messages, and acks of earlier deliveries."""

from google.protobuf.duration_pb2 import Duration

from tests.unit.pubsub.conftest import bodies

HOUR = 3600
SNAPSHOT = "projects/p/snapshots/before"


async def test_a_seek_to_a_snapshot_leaves_out_what_has_become_too_old(
    subscribe, publish, broker, clock
):
    subscription = await subscribe(message_retention_duration=Duration(seconds=HOUR))
    await publish(b"old")
    clock.advance(HOUR / 2)
    await publish(b"young")
    broker.snapshots.create(SNAPSHOT, subscription, {})
    subscription.ack([one.ack_id for one in subscription.take(2)])
    clock.advance(HOUR / 2 + 1)

    broker.replay.to_snapshot(subscription, SNAPSHOT)

    assert bodies(subscription.take(10)) == [b"young"]
    assert subscription.counts()["unacked"] == 1


async def test_an_ack_of_a_delivery_before_a_seek_does_not_count(subscribe, publish, broker):
    subscription = await subscribe()
    await publish(b"x")
    (before,) = subscription.take(1)
    broker.snapshots.create(SNAPSHOT, subscription, {})
    broker.replay.to_snapshot(subscription, SNAPSHOT)

    subscription.ack([before.ack_id])

    assert bodies(subscription.take(1)) == [b"x"]
