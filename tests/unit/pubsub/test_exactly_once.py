"""Exactly-once as a subscription tells it: which acks of a request failed."""

import pytest

from tests.unit.pubsub.conftest import bodies


@pytest.fixture
async def subscription(subscribe):
    return await subscribe(enable_exactly_once_delivery=True)


def ids(received):
    return [one.ack_id for one in received]


async def test_what_fails_is_named_and_the_rest_is_acked(subscription, publish):
    await publish(b"1", b"2")
    first, second = ids(subscription.take(2))
    subscription.ack([first])

    assert subscription.ack([first, second]) == [first]
    assert subscription.counts()["unacked"] == 0


async def test_an_ack_at_the_deadline_fails_though_no_timer_has_run(subscription, publish, clock):
    await publish(b"x")
    (ack_id,) = ids(subscription.take(1))

    clock._move_to(clock.now() + 10)  # the moment has come, its timer not yet

    assert subscription.ack([ack_id]) == [ack_id]
    assert bodies(subscription.take(1)) == [b"x"]


async def test_acks_of_a_key_in_one_request_count_in_any_order(subscribe, publish):
    subscription = await subscribe(enable_exactly_once_delivery=True, enable_message_ordering=True)
    await publish(b"1", b"2", b"3", ordering_key="k")
    one, two, three = ids(subscription.take(3))

    assert subscription.ack([three]) == [three]
    assert subscription.is_out(three)
    assert subscription.ack([three, one, two]) == []


async def test_an_id_twice_in_a_request_is_one_ack(subscription, publish):
    await publish(b"x")
    (ack_id,) = ids(subscription.take(1))

    assert subscription.ack([ack_id, ack_id]) == []


async def test_without_exactly_once_nothing_fails(subscribe, publish):
    subscription = await subscribe()
    await publish(b"x")
    (ack_id,) = ids(subscription.take(1))

    for _ in range(2):
        assert subscription.ack([ack_id]) == []
    assert subscription.modify([ack_id], 10) == []
