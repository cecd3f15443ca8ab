"""Delivery attempts and the dead-letter topic, by pulling."""

import re

import pytest

from tests.contract.pubsub.conftest import by_both_transports

SOURCE = "CloudPubSubDeadLetterSource"
pytestmark = by_both_transports


@pytest.fixture
def dead_readers(publisher, subscriber, names):
    """The name of a subscription to the dead-letter topic."""
    publisher.create_topic(name=names.dead)
    return subscriber.create_subscription(name=names.other, topic=names.dead).name


@pytest.fixture
def subscription(subscriber, topic, dead_readers, names):
    """The name of a subscription that gives up after five attempts."""
    policy = {"dead_letter_topic": names.dead, "max_delivery_attempts": 5}
    request = {"name": names.subscription, "topic": topic, "dead_letter_policy": policy}
    return subscriber.create_subscription(request=request).name


@pytest.fixture
def fail(subscriber, subscription, pull):
    """Pull and nack one message so many times; return the attempts that it was shown."""

    def fail(times):
        attempts = []
        for _ in range(times):
            (received,) = pull(subscription)
            attempts.append(received.delivery_attempt)
            subscriber.modify_ack_deadline(
                subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0
            )
        return attempts

    return fail


def test_attempts_count_from_one(publish, fail):
    publish(b"x")

    assert fail(4) == [1, 2, 3, 4]


def test_after_the_last_attempt_the_message_is_on_the_dead_letter_topic_alone(
    publish, fail, dead_readers, pull, is_empty, subscription
):
    (message_id,) = publish(b"x", attributes={"colour": "blue"}, ordering_key="k")
    fail(5)
    # Google's emulator forwards a message when it would deliver it once more.
    assert is_empty(subscription)

    (dead,) = pull(dead_readers)
    attributes = dict(dead.message.attributes)
    # The service writes +00:00, Google's emulator Z.
    time = attributes.pop(f"{SOURCE}TopicPublishTime")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\+00:00|Z)", time)
    assert attributes == {
        "colour": "blue",
        f"{SOURCE}DeliveryCount": "5",
        f"{SOURCE}Subscription": "readers",
        f"{SOURCE}SubscriptionProject": subscription.split("/")[1],
    }
    assert dead.message.data == b"x"
    assert dead.message.ordering_key == "k"
    assert dead.delivery_attempt == 0
