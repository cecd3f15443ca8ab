"""Topics and subscriptions: creating, reading, listing, changing, deleting."""

import pytest
from google.api_core import exceptions
from google.protobuf.duration_pb2 import Duration

from tests.contract.pubsub.conftest import by_both_transports

pytestmark = by_both_transports


def test_a_topic_is_created_read_listed_and_deleted(publisher, names):
    created = publisher.create_topic(request={"name": names.topic, "labels": {"a": "b"}})

    assert publisher.get_topic(topic=names.topic) == created
    assert list(publisher.list_topics(project=names.project)) == [created]
    publisher.delete_topic(topic=names.topic)
    assert list(publisher.list_topics(project=names.project)) == []


def test_a_subscription_is_created_read_listed_and_deleted(publisher, subscriber, topic, names):
    created = subscriber.create_subscription(name=names.subscription, topic=topic)

    assert subscriber.get_subscription(subscription=names.subscription) == created
    assert list(subscriber.list_subscriptions(project=names.project)) == [created]
    assert list(publisher.list_topic_subscriptions(topic=topic)) == [names.subscription]
    subscriber.delete_subscription(subscription=names.subscription)
    assert list(subscriber.list_subscriptions(project=names.project)) == []
    assert list(publisher.list_topic_subscriptions(topic=topic)) == []


def test_a_new_subscription_shows_its_defaults(subscriber, subscription, topic):
    found = subscriber.get_subscription(subscription=subscription)

    assert found.topic == topic
    assert found.ack_deadline_seconds == 10
    assert found.message_retention_duration.total_seconds() == 604_800
    assert not found.push_config.push_endpoint


def test_a_new_subscription_shows_its_expiration_and_state(only_ours, subscriber, subscription):
    """Google's emulator omits both."""
    found = subscriber.get_subscription(subscription=subscription)

    assert found.expiration_policy.ttl.total_seconds() == 2_678_400
    assert found.state.name == "ACTIVE"


def test_policies_are_kept_and_completed(publisher, subscriber, topic, names):
    publisher.create_topic(name=names.dead)
    found = subscriber.create_subscription(
        request={
            "name": names.other,
            "topic": topic,
            "retry_policy": {},
            "dead_letter_policy": {"dead_letter_topic": names.dead},
        }
    )

    assert found.retry_policy.minimum_backoff.total_seconds() == 10
    assert found.retry_policy.maximum_backoff.total_seconds() == 600
    assert found.dead_letter_policy.max_delivery_attempts == 5


def test_lists_come_in_pages(publisher, names):
    created = [
        publisher.create_topic(name=f"{names.project}/topics/topic-{number}").name
        for number in range(5)
    ]

    pages = publisher.list_topics(request={"project": names.project, "page_size": 2}).pages
    sizes, found = [], []
    for page in pages:
        sizes.append(len(page.topics))
        found += [topic.name for topic in page.topics]

    assert sizes == [2, 2, 1]
    assert sorted(found) == sorted(created)


def test_a_deleted_topics_subscription_keeps_its_backlog(
    publisher, subscriber, publish, subscription, pull, names
):
    publish(b"left over")

    publisher.delete_topic(topic=names.topic)

    assert subscriber.get_subscription(subscription=subscription).topic == "_deleted-topic_"
    assert pull(subscription)[0].message.data == b"left over"


def test_a_new_topic_of_a_deleted_ones_name_is_another(
    publisher, publish, subscription, names, is_empty
):
    publisher.delete_topic(topic=names.topic)
    publisher.create_topic(name=names.topic)
    publish(b"not for the old one")

    assert is_empty(subscription)


def test_push_and_pull_are_switched_by_modify_push_config(subscriber, subscription):
    endpoint = "http://127.0.0.1:9/push"
    for url in (endpoint, ""):
        subscriber.modify_push_config(subscription=subscription, push_config={"push_endpoint": url})
        found = subscriber.get_subscription(subscription=subscription)
        assert found.push_config.push_endpoint == url


def test_an_update_changes_the_masked_fields_alone(subscriber, subscription):
    updated = subscriber.update_subscription(
        subscription={
            "name": subscription,
            "ack_deadline_seconds": 33,
            "message_retention_duration": Duration(seconds=1200),
        },
        update_mask={"paths": ["ack_deadline_seconds"]},
    )

    assert updated.ack_deadline_seconds == 33
    assert updated.message_retention_duration.total_seconds() == 604_800
    assert subscriber.get_subscription(subscription=subscription) == updated


def test_an_update_clears_a_masked_policy_that_is_not_given(subscriber, topic, names):
    subscriber.create_subscription(
        request={"name": names.other, "topic": topic, "retry_policy": {}}
    )

    updated = subscriber.update_subscription(
        subscription={"name": names.other}, update_mask={"paths": ["retry_policy"]}
    )

    assert "retry_policy" not in updated


def test_an_update_may_change_labels(only_ours, subscriber, subscription):
    """Google's emulator refuses the mask."""
    updated = subscriber.update_subscription(
        subscription={"name": subscription, "labels": {"a": "b"}},
        update_mask={"paths": ["labels"]},
    )

    assert dict(updated.labels) == {"a": "b"}


@pytest.mark.parametrize("paths", [[], ["nonsense"], ["name"], ["topic"], ["filter"]])
def test_an_update_of_what_cannot_change_is_refused(subscriber, subscription, paths):
    with pytest.raises(exceptions.InvalidArgument):
        subscriber.update_subscription(
            subscription={"name": subscription}, update_mask={"paths": paths}
        )


def test_what_exists_cannot_be_created_again(publisher, subscriber, topic, subscription):
    with pytest.raises(exceptions.AlreadyExists):
        publisher.create_topic(name=topic)
    with pytest.raises(exceptions.AlreadyExists):
        subscriber.create_subscription(name=subscription, topic=topic)


def test_what_does_not_exist_is_not_found(publisher, subscriber, publish, names):
    missing = f"{names.project}/topics/missing"
    calls = [
        lambda: publisher.get_topic(topic=missing),
        lambda: publisher.delete_topic(topic=missing),
        lambda: publish(b"x", topic=missing),
        lambda: subscriber.create_subscription(name=names.other, topic=missing),
        lambda: subscriber.get_subscription(subscription=names.other),
        lambda: subscriber.delete_subscription(subscription=names.other),
        lambda: subscriber.pull(subscription=names.other, max_messages=1),
        lambda: subscriber.acknowledge(subscription=names.other, ack_ids=["1-1-1"]),
        lambda: subscriber.modify_push_config(subscription=names.other, push_config={}),
    ]
    for call in calls:
        with pytest.raises(exceptions.NotFound):
            call()


def test_the_subscriptions_of_a_missing_topic_are_not_found(only_ours, publisher, names):
    """Google's emulator answers an empty list."""
    with pytest.raises(exceptions.NotFound):
        list(publisher.list_topic_subscriptions(topic=names.topic))


def test_a_missing_dead_letter_topic_is_not_found(subscriber, topic, names):
    with pytest.raises(exceptions.NotFound):
        subscriber.create_subscription(
            request={
                "name": names.other,
                "topic": topic,
                "dead_letter_policy": {"dead_letter_topic": names.dead},
            }
        )


@pytest.mark.parametrize(
    "short_id", ["ab", "1abc", "googabc", "a" * 256, "a b c", "abc/def", "", "abcé"]
)
def test_a_bad_topic_id_is_refused(publisher, names, short_id):
    # The REST client itself refuses what makes no path: a ValueError.
    with pytest.raises((exceptions.InvalidArgument, ValueError)):
        publisher.create_topic(name=f"{names.project}/topics/{short_id}")


@pytest.mark.parametrize("short_id", ["abc", "a" * 255, "A-_.~+%9", "Google"])
def test_an_id_at_the_limits_is_accepted(publisher, names, short_id):
    publisher.create_topic(name=f"{names.project}/topics/{short_id}")


def seconds(value):
    return Duration(seconds=value)


BAD = {
    "ack deadline 601": {"ack_deadline_seconds": 601},
    "ack deadline -1": {"ack_deadline_seconds": -1},
    "retention under 10 min": {"message_retention_duration": seconds(599)},
    "retention over 31 days": {"message_retention_duration": seconds(31 * 86400 + 1)},
    "retry over 600 s": {"retry_policy": {"maximum_backoff": seconds(601)}},
    "retry minimum above maximum": {
        "retry_policy": {"minimum_backoff": seconds(20), "maximum_backoff": seconds(10)}
    },
    "endpoint that is no URL": {"push_config": {"push_endpoint": "nowhere"}},
}
STRICTER_THAN_GOOGLES = {
    "ack deadline 9": {"ack_deadline_seconds": 9},
    "expiration under a day": {"expiration_policy": {"ttl": seconds(86_399)}},
    "endpoint with a line break": {"push_config": {"push_endpoint": "http://a/\r\nX: y"}},
    "endpoint with a bad port": {"push_config": {"push_endpoint": "http://a:99999/"}},
    "token without an account": {
        "push_config": {"push_endpoint": "http://a/", "oidc_token": {"audience": "a"}}
    },
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
def test_a_subscription_field_out_of_range_is_refused(subscriber, topic, names, fields):
    with pytest.raises(exceptions.InvalidArgument):
        subscriber.create_subscription(request={"name": names.other, "topic": topic, **fields})


@pytest.mark.parametrize("fields", STRICTER_THAN_GOOGLES.values(), ids=STRICTER_THAN_GOOGLES)
def test_a_subscription_field_over_a_documented_limit_is_refused(
    only_ours, subscriber, topic, names, fields
):
    with pytest.raises(exceptions.InvalidArgument):
        subscriber.create_subscription(request={"name": names.other, "topic": topic, **fields})


@pytest.mark.parametrize("attempts", [4, 101])
def test_dead_letter_attempts_out_of_range_are_refused(
    publisher, subscriber, topic, names, attempts
):
    publisher.create_topic(name=names.dead)
    policy = {"dead_letter_topic": names.dead, "max_delivery_attempts": attempts}

    with pytest.raises(exceptions.OutOfRange):
        subscriber.create_subscription(
            request={"name": names.other, "topic": topic, "dead_letter_policy": policy}
        )


AT_THE_LIMITS = {
    "ack deadline 10": {"ack_deadline_seconds": 10},
    "ack deadline 600": {"ack_deadline_seconds": 600},
    "retention 10 min": {"message_retention_duration": seconds(600)},
    "expiration 1 day": {"expiration_policy": {"ttl": seconds(86_400)}},
    "never expires": {"expiration_policy": {}},
    "retry of 0 s": {
        "retry_policy": {"minimum_backoff": seconds(0), "maximum_backoff": seconds(0)}
    },
}


@pytest.mark.parametrize("fields", AT_THE_LIMITS.values(), ids=AT_THE_LIMITS)
def test_a_subscription_field_at_a_limit_is_accepted(subscriber, topic, names, fields):
    subscriber.create_subscription(request={"name": names.other, "topic": topic, **fields})


@pytest.mark.parametrize("token", ["nonsense", "YWZ0ZXI6eA==", "é"])
def test_a_bad_page_token_is_refused(only_ours, publisher, names, token):
    """Google's emulator accepts any."""
    with pytest.raises(exceptions.InvalidArgument):
        list(publisher.list_topics(request={"project": names.project, "page_token": token}))
