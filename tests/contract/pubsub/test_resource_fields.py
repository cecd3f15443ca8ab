"""Every field of topics and subscriptions, through the official clients: kept, changed, cleared."""

import google.pubsub_v1
import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport

from tests.contract.pubsub.conftest import by_both_transports
from tests.support.pubsub_samples import samples

pytestmark = by_both_transports
Topic, Subscription = google.pubsub_v1.Topic, google.pubsub_v1.Subscription

# Schemas and transforms must be real: they have their own tests.
TOPIC_FIELDS = [
    "labels", "message_storage_policy", "kms_key_name", "message_retention_duration",
    "ingestion_data_source_settings",
]  # fmt: skip
MUTABLE = [
    "push_config", "bigquery_config", "cloud_storage_config", "bigtable_config",
    "ack_deadline_seconds", "retain_acked_messages", "message_retention_duration", "labels",
    "expiration_policy", "retry_policy", "enable_exactly_once_delivery",
]  # fmt: skip
IMMUTABLE = ["filter", "enable_message_ordering"]


def made_of(kind, sample, **fields):
    """Return the client library's message with the field of `sample` and these."""
    made = kind(**fields)
    kind.pb(made).MergeFrom(sample)
    return made


def lines(message, name):
    """Return a field as text, without the states that the server sets."""
    raw = type(message).pb(message) if hasattr(type(message), "pb") else message
    text = str(getattr(raw, name)).splitlines()
    return [line for line in text if line.strip() != "state: ACTIVE"]


@pytest.mark.parametrize("name", TOPIC_FIELDS)
def test_a_field_of_a_topic_is_kept_changed_and_cleared(only_ours, publisher, names, name):
    """Google's emulator shows no state, and refuses most updates."""
    plain = publisher.create_topic(name=names.topic)
    for number, sample in enumerate(samples(Topic.pb(), name)):
        other = f"{names.project}/topics/other-{number}"
        created = publisher.create_topic(request=made_of(Topic, sample, name=other))
        assert publisher.get_topic(topic=other) == created
        assert lines(created, name) == lines(sample, name)

        changed = publisher.update_topic(
            topic=made_of(Topic, sample, name=names.topic), update_mask={"paths": [name]}
        )
        assert lines(changed, name) == lines(sample, name)
        cleared = publisher.update_topic(topic={"name": names.topic}, update_mask={"paths": [name]})
        assert cleared == plain == publisher.get_topic(topic=names.topic)


@pytest.mark.parametrize("name", MUTABLE + IMMUTABLE)
def test_a_field_of_a_subscription_is_kept_changed_and_cleared(
    only_ours, subscriber, topic, names, name
):
    """Google's emulator shows no state, and refuses most updates."""
    fields = {"name": names.subscription, "topic": topic}
    if name == "cloud_storage_config":  # a file may not take longer than the ack deadline
        fields["ack_deadline_seconds"] = 600
    plain = subscriber.create_subscription(request=fields)
    for number, sample in enumerate(samples(Subscription.pb(), name)):
        other = f"{names.project}/subscriptions/other-{number}"
        created = subscriber.create_subscription(
            request=made_of(Subscription, sample, **fields | {"name": other})
        )
        assert subscriber.get_subscription(subscription=other) == created
        assert lines(created, name) == lines(sample, name)
        if name in MUTABLE:
            check_update(subscriber, plain, sample, name)


def check_update(subscriber, plain, sample, name):
    """Change a field of the subscription `plain`, and clear it again."""
    changed = subscriber.update_subscription(
        subscription=made_of(Subscription, sample, name=plain.name), update_mask={"paths": [name]}
    )
    assert lines(changed, name) == lines(sample, name)
    cleared = subscriber.update_subscription(
        subscription={
            "name": plain.name,
            "ack_deadline_seconds": plain.ack_deadline_seconds,
        },
        update_mask={"paths": [name, "ack_deadline_seconds"]},
    )
    assert cleared == plain == subscriber.get_subscription(subscription=plain.name)


def test_a_nested_field_is_changed_alone(only_ours, subscriber, topic, names):
    """Google's emulator knows no nested paths."""
    policy = {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 30}}
    subscriber.create_subscription(
        request={"name": names.subscription, "topic": topic, "retry_policy": policy}
    )

    updated = subscriber.update_subscription(
        subscription={
            "name": names.subscription,
            "retry_policy": {"minimum_backoff": {"seconds": 25}},
        },
        update_mask={"paths": ["retry_policy.minimum_backoff"]},
    )

    assert updated.retry_policy.minimum_backoff.total_seconds() == 25
    assert updated.retry_policy.maximum_backoff.total_seconds() == 30


def test_a_topics_retention_can_be_changed(publisher, topic):
    updated = publisher.update_topic(
        topic={"name": topic, "message_retention_duration": {"seconds": 700}},
        update_mask={"paths": ["message_retention_duration"]},
    )

    assert updated.message_retention_duration.total_seconds() == 700
    assert publisher.get_topic(topic=topic) == updated


def test_a_topics_retention_is_shown_by_its_subscriptions(
    only_ours, publisher, subscriber, topic, subscription
):
    """Google's emulator shows it only in those created later."""
    publisher.update_topic(
        topic={"name": topic, "message_retention_duration": {"seconds": 700}},
        update_mask={"paths": ["message_retention_duration"]},
    )

    found = subscriber.get_subscription(subscription=subscription)
    assert found.topic_message_retention_duration.total_seconds() == 700


def test_the_version_of_a_push_configuration_outlives_another_endpoint(
    only_ours, subscriber, topic, names
):
    """Google's emulator shows only what it was given."""
    config = {"push_endpoint": "http://a/", "attributes": {"x-goog-version": "v1beta1"}}
    subscriber.create_subscription(
        request={"name": names.subscription, "topic": topic, "push_config": config}
    )

    subscriber.modify_push_config(
        subscription=names.subscription, push_config={"push_endpoint": "http://b/"}
    )

    found = subscriber.get_subscription(subscription=names.subscription).push_config
    assert dict(found.attributes) == {"x-goog-version": "v1beta1"}


def test_a_dead_letter_topic_that_was_deleted_is_shown_as_such(
    only_ours, publisher, subscriber, topic, names
):
    """Google's emulator keeps the name."""
    publisher.create_topic(name=names.dead)
    policy = {"dead_letter_topic": names.dead}
    subscriber.create_subscription(
        request={"name": names.subscription, "topic": topic, "dead_letter_policy": policy}
    )

    publisher.delete_topic(topic=names.dead)

    found = subscriber.get_subscription(subscription=names.subscription)
    assert found.dead_letter_policy.dead_letter_topic == "_deleted-topic_"


def test_subscriptions_come_in_pages(publisher, subscriber, topic, names):
    created = [
        subscriber.create_subscription(
            name=f"{names.project}/subscriptions/reader-{number}", topic=topic
        ).name
        for number in range(5)
    ]

    pages = subscriber.list_subscriptions(request={"project": names.project, "page_size": 2}).pages
    by_project = [[one.name for one in page.subscriptions] for page in pages]
    pages = publisher.list_topic_subscriptions(request={"topic": topic, "page_size": 2}).pages
    by_topic = [list(page.subscriptions) for page in pages]

    for found in (by_project, by_topic):
        assert [len(page) for page in found] == [2, 2, 1]
        assert sorted(name for page in found for name in page) == created


def test_a_value_of_any_length_gets_a_readable_answer(subscriber, topic, names):
    """An error that quotes all of it would not fit into the header that carries it."""
    config = {"push_endpoint": "x" * 20_000}
    with pytest.raises(exceptions.InvalidArgument, match="push_endpoint"):
        subscriber.create_subscription(
            request={"name": names.subscription, "topic": topic, "push_config": config}
        )


async def test_the_asynchronous_clients_create_change_list_and_delete(
    only_by_grpc, emulator, names
):
    async with grpc.aio.insecure_channel(emulator.grpc) as channel:
        publisher = google.pubsub_v1.PublisherAsyncClient(
            transport=PublisherGrpcAsyncIOTransport(channel=channel)
        )
        subscriber = google.pubsub_v1.SubscriberAsyncClient(
            transport=SubscriberGrpcAsyncIOTransport(channel=channel)
        )
        await publisher.create_topic(name=names.topic)
        changed = await publisher.update_topic(
            topic={"name": names.topic, "message_retention_duration": {"seconds": 700}},
            update_mask={"paths": ["message_retention_duration"]},
        )
        await subscriber.create_subscription(name=names.subscription, topic=names.topic)
        updated = await subscriber.update_subscription(
            subscription={"name": names.subscription, "ack_deadline_seconds": 33},
            update_mask={"paths": ["ack_deadline_seconds"]},
        )

        topics = [one async for one in await publisher.list_topics(project=names.project)]
        assert topics == [changed]
        listed = await subscriber.list_subscriptions(project=names.project)
        assert [one async for one in listed] == [updated]
        await subscriber.delete_subscription(subscription=names.subscription)
        with pytest.raises(exceptions.NotFound):
            await subscriber.get_subscription(subscription=names.subscription)
