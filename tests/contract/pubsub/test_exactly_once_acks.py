"""Exactly-once delivery as unary calls see it: which acks count, and how the others are told."""

import pytest
from google.api_core import exceptions

REASON, DOMAIN = "EXACTLY_ONCE_ACKID_FAILURE", "pubsub.googleapis.com"
INVALID = "PERMANENT_FAILURE_INVALID_ACK_ID"


@pytest.fixture
def exactly_once(subscriber, topic, names):
    """The name of a subscription with exactly-once delivery."""
    request = {"name": names.other, "topic": topic, "enable_exactly_once_delivery": True}
    return subscriber.create_subscription(request=request).name


@pytest.fixture
def ack(subscriber, exactly_once):
    """Ack messages of the subscription; return the failures by ack id."""

    def ack(*received):
        return failures(
            subscriber.acknowledge,
            subscription=exactly_once,
            ack_ids=[one.ack_id for one in received],
        )

    return ack


def failures(call, **request):
    """Return what the ErrorInfo of a refused call says, {} if it was accepted."""
    try:
        call(request=request)
    except exceptions.InvalidArgument as error:
        (info,) = error.details
        assert (info.reason, info.domain) == (REASON, DOMAIN)
        return dict(info.metadata)
    return {}


def test_the_first_ack_counts_and_the_second_fails(publish, pull, exactly_once, ack):
    publish(b"x")
    (received,) = pull(exactly_once)

    assert ack(received) == {}
    assert ack(received) == {received.ack_id: INVALID}


def test_the_others_of_a_request_count(publish, pull, exactly_once, ack, is_empty):
    publish(b"1", b"2", b"3")
    one, two, three = pull(exactly_once, 3)
    ack(two)

    assert ack(one, two, three) == {two.ack_id: INVALID}
    assert is_empty(exactly_once)


def test_an_older_delivery_cannot_be_acked(publish, pull, subscriber, exactly_once, ack):
    publish(b"x")
    (first,) = pull(exactly_once)
    subscriber.modify_ack_deadline(
        subscription=exactly_once, ack_ids=[first.ack_id], ack_deadline_seconds=0
    )
    (second,) = pull(exactly_once)

    assert second.ack_id != first.ack_id
    assert ack(first) == {first.ack_id: INVALID}
    assert ack(second) == {}


def test_a_deadline_of_an_acked_message_cannot_be_changed(
    publish, pull, subscriber, exactly_once, ack
):
    publish(b"1", b"2")
    one, two = pull(exactly_once, 2)
    ack(one)

    failed = failures(
        subscriber.modify_ack_deadline,
        subscription=exactly_once,
        ack_ids=[one.ack_id, two.ack_id],
        ack_deadline_seconds=60,
    )

    assert failed == {one.ack_id: INVALID}


def test_a_hundred_failures_are_named(only_ours, publish, pull, exactly_once, ack):
    """With Google's emulator they do not always fit into what a client takes."""
    publish(*(b"%d" % number for number in range(100)))
    received = pull(exactly_once, 100)
    ack(*received)

    assert ack(*received) == {one.ack_id: INVALID for one in received}


def test_more_failures_than_a_trailer_holds_are_still_a_clear_answer(
    only_ours, publish, pull, subscriber, exactly_once
):
    """Google's emulator breaks the connection with 200 of them."""
    publish(*(b"%d" % number for number in range(1000)))
    ack_ids = [one.ack_id for one in pull(exactly_once, 1000)]
    subscriber.acknowledge(subscription=exactly_once, ack_ids=ack_ids)

    with pytest.raises(exceptions.InvalidArgument, match="at most 100") as refusal:
        subscriber.acknowledge(subscription=exactly_once, ack_ids=ack_ids)

    (info,) = refusal.value.details
    assert info.reason == REASON
    assert not info.metadata  # so that clients take all for failed
