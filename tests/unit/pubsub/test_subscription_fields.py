"""A subscription's fields: which are kept, completed, refused."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import DOCUMENTED, LENIENT
from emulators.pubsub.protos import Subscription
from emulators.pubsub.resources import (
    complete_subscription,
    filter_of,
    updated_subscription,
)
from emulators.pubsub.resources.subscriptions import MUTABLE, NOT_SHOWN
from tests.support.pubsub_samples import samples
from tests.unit.pubsub.resource_states import shown_as_active

NAME, TOPIC = "projects/p/subscriptions/readers", "projects/p/topics/letters"
DEAD = "projects/p/topics/dead-letters"
DAY = 86_400
FIELDS = [
    (name, sample)
    for name in Subscription.DESCRIPTOR.fields_by_name
    if name not in ("name", "topic", *NOT_SHOWN)
    for sample in samples(Subscription, name)
]
IMMUTABLE = ["name", "topic", "filter", "enable_message_ordering", *NOT_SHOWN]


def seconds(value):
    return {"seconds": value}


def completed(limits=DOCUMENTED, **fields):
    subscription = Subscription(**{"name": NAME, "topic": TOPIC} | fields)
    complete_subscription(subscription, limits)
    return subscription


def update(old, *paths, limits=DOCUMENTED, **fields):
    return updated_subscription(old, Subscription(**fields), FieldMask(paths=paths), limits)


def defaults(sample):
    """Return what a subscription shows beside the field of `sample`."""
    shown = Subscription(name=NAME, topic=TOPIC, push_config={}, ack_deadline_seconds=10)
    shown.message_retention_duration.seconds = 7 * DAY
    shown.expiration_policy.ttl.seconds = 31 * DAY
    if sample.HasField("cloud_storage_config"):
        shown.ack_deadline_seconds = 600  # as long as its max_duration at least
    return shown


def test_a_plain_subscription_shows_its_defaults():
    assert completed() == shown_as_active(defaults(Subscription()), Subscription())


@pytest.mark.parametrize(("name", "sample"), FIELDS, ids=[name for name, _ in FIELDS])
def test_every_field_is_kept(name, sample):
    given = Subscription(name=NAME, topic=TOPIC)
    given.MergeFrom(sample)

    complete_subscription(given, DOCUMENTED)

    assert given == shown_as_active(defaults(sample), sample)


@pytest.mark.parametrize(
    ("name", "sample"),
    [case for case in FIELDS if case[0] not in IMMUTABLE],
    ids=[name for name, _ in FIELDS if name not in IMMUTABLE],
)
def test_every_field_but_the_immutable_can_be_updated_and_cleared(name, sample):
    old = completed(ack_deadline_seconds=600) if "cloud" in name else completed()
    updated = updated_subscription(old, sample, FieldMask(paths=[name]), DOCUMENTED)

    assert updated == shown_as_active(defaults(sample), sample)
    cleared = updated_subscription(updated, Subscription(), FieldMask(paths=[name]), DOCUMENTED)
    assert cleared == old


def test_every_field_is_either_mutable_or_not():
    assert MUTABLE | set(IMMUTABLE) == set(Subscription.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("name", IMMUTABLE)
def test_what_is_immutable_cannot_be_updated(name):
    with pytest.raises(InvalidArgument, match="cannot be changed"):
        update(completed(), name)


def test_what_only_the_server_sets_is_ignored_and_tags_are_not_shown():
    given = completed(
        state=2,
        detached=True,
        topic_message_retention_duration=seconds(600),
        analytics_hub_subscription_info={"listing": "x"},
        tags={"1/a": "b"},
    )

    assert given == completed()


def test_an_update_leaves_what_the_server_has_set():
    old = completed()
    old.detached = True
    old.topic_message_retention_duration.seconds = 600

    updated = update(old, "labels", labels={"a": "b"})

    assert updated.detached
    assert updated.topic_message_retention_duration.seconds == 600


def test_policies_that_are_empty_get_their_defaults():
    found = completed(retry_policy={}, dead_letter_policy={"dead_letter_topic": DEAD})

    assert found.retry_policy.minimum_backoff.seconds == 10
    assert found.retry_policy.maximum_backoff.seconds == 600
    assert found.dead_letter_policy.max_delivery_attempts == 5


def test_an_expiration_policy_without_ttl_is_never_and_stays_so():
    never = completed(expiration_policy={})

    assert not never.expiration_policy.HasField("ttl")
    assert update(never, "labels").expiration_policy == never.expiration_policy
    assert update(never, "expiration_policy").expiration_policy.ttl.seconds == 31 * DAY


def test_a_push_configuration_gets_a_version_and_keeps_it():
    config = {"push_endpoint": "http://a/", "attributes": {"x-goog-version": "v1beta1"}}
    old = completed(push_config=config)

    moved = update(old, "push_config", push_config={"push_endpoint": "http://b/"})
    renewed = update(
        moved,
        "push_config",
        push_config={"push_endpoint": "http://b/", "attributes": {"x-goog-version": "v1"}},
    )

    assert completed(push_config={"push_endpoint": "http://a/"}).push_config.attributes == {
        "x-goog-version": "v1"
    }
    assert dict(moved.push_config.attributes) == {"x-goog-version": "v1beta1"}
    assert dict(renewed.push_config.attributes) == {"x-goog-version": "v1"}


def test_a_push_subscription_that_loses_its_endpoint_shows_an_empty_configuration():
    old = completed(push_config={"push_endpoint": "http://a/"})
    pull = update(old, "push_config", push_config={})

    assert pull.HasField("push_config")
    assert pull.push_config == completed().push_config


def test_push_changes_to_an_export_in_one_update():
    old = completed(push_config={"push_endpoint": "http://a/"})

    found = update(old, "push_config", "bigquery_config", bigquery_config={"table": "p.d.t"})

    assert found.bigquery_config.state == 1
    assert not found.push_config.push_endpoint


def test_exactly_once_can_be_switched_on_and_off():
    on = update(completed(), "enable_exactly_once_delivery", enable_exactly_once_delivery=True)

    assert on.enable_exactly_once_delivery
    assert update(on, "enable_exactly_once_delivery") == completed()


def test_a_cloud_storage_subscription_gets_five_minutes_and_an_ack_deadline_that_allows_for_them():
    found = completed(cloud_storage_config={"bucket": "bbb"})

    assert found.cloud_storage_config.max_duration.seconds == 300
    assert found.ack_deadline_seconds == 300


def test_a_policy_whose_dead_letter_topic_was_deleted_can_stay():
    old = completed(dead_letter_policy={"dead_letter_topic": DEAD})
    old.dead_letter_policy.dead_letter_topic = "_deleted-topic_"

    assert update(old, "labels", labels={"a": "b"}).dead_letter_policy == old.dead_letter_policy


def test_a_filter_that_only_lenient_limits_let_in_lets_everything_through():
    assert filter_of(completed(LENIENT, filter="nonsense (")) is None
    assert filter_of(completed()) is None
    assert not filter_of(completed(filter="attributes:a"))({})


def test_an_update_is_checked_as_a_new_subscription():
    once = completed(enable_exactly_once_delivery=True)
    with pytest.raises(InvalidArgument, match="pull only"):
        update(once, "push_config", push_config={"push_endpoint": "http://a/"})
