"""Whether a resource is the one that a seed describes."""

import pytest

from emulators.pubsub import protos
from emulators.pubsub.control.comparing import differences, without_output

NAME, TOPIC = "projects/p/subscriptions/readers", "projects/p/topics/letters"


def subscription(**fields):
    """Return a subscription as creating it gives it."""
    made = protos.Subscription(name=NAME, topic=TOPIC, state=1, ack_deadline_seconds=10)
    made.push_config.SetInParent()
    made.message_retention_duration.seconds = 7 * 86_400
    made.expiration_policy.ttl.seconds = 31 * 86_400
    made.MergeFrom(protos.Subscription(**fields))
    return made


def wanted(**fields):
    return protos.Subscription(name=NAME, topic=TOPIC, **fields)


def test_defaults_need_not_be_told():
    assert differences(wanted(), subscription()) == []


@pytest.mark.parametrize(
    ("described", "there", "paths"),
    [
        ({"ack_deadline_seconds": 20}, {}, ["ack_deadline_seconds"]),
        ({}, {"ack_deadline_seconds": 20}, ["ack_deadline_seconds"]),
        ({}, {"filter": "attributes:a"}, ["filter"]),
        ({"labels": {"a": "1"}}, {"labels": {"a": "2"}}, ["labels"]),
        ({"labels": {"a": "1"}}, {"labels": {"a": "1"}}, []),
        ({"expiration_policy": {}}, {}, ["expiration_policy"]),
        (
            {"retry_policy": {"minimum_backoff": {"seconds": 5}}},
            {},
            ["retry_policy.minimum_backoff.seconds"],
        ),
        (
            {"dead_letter_policy": {"dead_letter_topic": TOPIC}},
            {"dead_letter_policy": {"dead_letter_topic": TOPIC, "max_delivery_attempts": 5}},
            [],
        ),
        ({"enable_message_ordering": True}, {"enable_message_ordering": True}, []),
    ],
)
def test_what_differs_is_told_by_its_path(described, there, paths):
    assert differences(wanted(**described), subscription(**there)) == paths


def test_what_only_the_emulator_sets_is_no_difference():
    assert differences(protos.Topic(name=TOPIC), protos.Topic(name=TOPIC, state=1)) == []


def test_what_only_the_emulator_sets_is_taken_out_of_a_description():
    described = wanted(state=2, detached=True, ack_deadline_seconds=20)

    assert without_output(described) == wanted(ack_deadline_seconds=20)
