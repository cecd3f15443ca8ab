"""A busy loop runs its timers late; what has expired by the clock has expired all the same."""

from tests.unit.pubsub.conftest import bodies


async def test_exactly_once_refuses_an_ack_after_the_deadline(subscribe, publish, clock):
    subscription = await subscribe(enable_exactly_once_delivery=True)
    await publish(b"x")
    (received,) = subscription.take(1)
    clock.fall_behind(10)

    assert subscription.ack([received.ack_id]) == [received.ack_id]
    assert bodies(subscription.take(1)) == [b"x"]


async def test_exactly_once_takes_an_ack_until_the_deadline(subscribe, publish, clock):
    subscription = await subscribe(enable_exactly_once_delivery=True)
    await publish(b"x")
    (received,) = subscription.take(1)
    clock.fall_behind(9.9)

    assert subscription.ack([received.ack_id]) == []


async def test_a_deadline_cannot_be_moved_once_it_has_passed(subscribe, publish, clock):
    subscription = await subscribe()
    await publish(b"x")
    (received,) = subscription.take(1)
    clock.fall_behind(10)
    subscription.modify([received.ack_id], 60)

    assert bodies(subscription.take(1)) == [b"x"]


async def test_messages_too_old_are_not_delivered(subscribe, publish, clock):
    subscription = await subscribe()
    await publish(b"x")
    clock.fall_behind(7 * 86_400 + 1)

    assert subscription.take(1) == []
