"""Update masks on resources: what they take over, what they clear, what they refuse."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import Subscription, Topic
from emulators.pubsub.resources.masks import merged
from tests.support.pubsub_samples import samples

ALL = set(Subscription.DESCRIPTOR.fields_by_name)
NAME = "projects/p/subscriptions/readers"


def subscription(**fields):
    return Subscription(**{"name": NAME, "ack_deadline_seconds": 10} | fields)


def merge(old, new, *paths, mutable=ALL):
    return merged(old, new, FieldMask(paths=paths), mutable)


def test_what_the_mask_does_not_name_stays():
    new = subscription(ack_deadline_seconds=20, labels={"a": "b"})

    assert merge(subscription(), new, "labels") == subscription(labels={"a": "b"})


def test_a_map_is_replaced_not_mixed():
    old, new = subscription(labels={"a": "b"}), subscription(labels={"c": "d"})

    assert dict(merge(old, new, "labels").labels) == {"c": "d"}


def test_a_field_that_is_not_given_is_cleared():
    old = subscription(retry_policy={"minimum_backoff": {"seconds": 1}}, labels={"a": "b"})

    assert merge(old, subscription(), "retry_policy", "labels") == subscription()


def test_a_message_that_is_given_empty_is_there_afterwards():
    """An empty expiration policy means never, none means the default."""
    result = merge(subscription(), subscription(expiration_policy={}), "expiration_policy")

    assert result.HasField("expiration_policy")


def test_a_nested_path_changes_that_field_alone():
    old = subscription(
        retry_policy={"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 9}}
    )
    new = subscription(
        retry_policy={"minimum_backoff": {"seconds": 5}, "maximum_backoff": {"seconds": 6}}
    )

    policy = merge(old, new, "retry_policy.minimum_backoff").retry_policy

    assert (policy.minimum_backoff.seconds, policy.maximum_backoff.seconds) == (5, 9)


def test_a_nested_path_whose_parent_is_not_given_clears_the_field():
    old = subscription(retry_policy={"minimum_backoff": {"seconds": 1}, "maximum_backoff": {}})

    policy = merge(old, subscription(), "retry_policy.minimum_backoff").retry_policy

    assert not policy.HasField("minimum_backoff")
    assert policy.HasField("maximum_backoff")


def test_a_nested_path_makes_the_parent_that_was_not_there():
    new = subscription(push_config={"push_endpoint": "http://a/"})

    assert merge(subscription(), new, "push_config.push_endpoint").push_config == new.push_config


def test_one_of_several_choices_takes_the_others_place():
    old = subscription(push_config={"pubsub_wrapper": {}})
    new = subscription(push_config={"no_wrapper": {"write_metadata": True}})

    config = merge(old, new, "push_config.no_wrapper").push_config

    assert config.WhichOneof("wrapper") == "no_wrapper"
    assert config.no_wrapper.write_metadata


def test_neither_resource_is_touched():
    old, new = subscription(), subscription(labels={"a": "b"})
    merge(old, new, "labels").labels["c"] = "d"

    assert (old, new) == (subscription(), subscription(labels={"a": "b"}))


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "*", "nonsense", "push_config.nonsense", "labels.a", "ackDeadlineSeconds",
        "name.x", "message_transforms.disabled", "push_config.", " labels",
    ],
)  # fmt: skip
def test_a_path_that_is_no_field_is_refused(path):
    with pytest.raises(InvalidArgument, match="not a field of a subscription"):
        merge(subscription(), subscription(), path)


def test_an_empty_mask_is_refused():
    with pytest.raises(InvalidArgument, match="empty"):
        merge(subscription(), subscription())


@pytest.mark.parametrize("path", ["labels", "message_storage_policy.enforce_in_transit"])
def test_a_path_outside_the_mutable_ones_is_refused(path):
    with pytest.raises(InvalidArgument, match="of a topic cannot be changed"):
        merge(Topic(), Topic(), path, mutable={"kms_key_name"})


SAMPLES = {
    name: [Subscription(), *samples(Subscription, name)]
    for name in Subscription.DESCRIPTOR.fields_by_name
}


@st.composite
def resources(draw):
    """Draw a subscription that has some of the fields."""
    drawn = Subscription()
    for name in draw(st.sets(st.sampled_from(sorted(SAMPLES)), max_size=5)):
        drawn.MergeFrom(draw(st.sampled_from(SAMPLES[name])))
    return drawn


@given(resources(), resources(), st.sets(st.sampled_from(sorted(SAMPLES)), min_size=1))
def test_a_merge_takes_the_masked_fields_from_the_one_and_the_rest_from_the_other(old, new, names):
    result = merge(old, new, *names)

    for name in SAMPLES:
        source = new if name in names else old
        assert getattr(result, name) == getattr(source, name)
        assert is_set(result, name) == is_set(source, name)
    assert merge(result, new, *names) == result


def is_set(message, name):
    """Say whether a field is there, if only as an empty message."""
    return name in {field.name for field, _ in message.ListFields()}
