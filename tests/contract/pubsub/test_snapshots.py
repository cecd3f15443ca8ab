"""Snapshots, Seek and DetachSubscription."""

import datetime

import pytest
from google.api_core import exceptions
from google.protobuf.timestamp_pb2 import Timestamp

from tests.contract.pubsub.conftest import by_both_transports

pytestmark = by_both_transports


@pytest.fixture
def snapshot_name(names):
    return f"{names.project}/snapshots/before"


@pytest.fixture
def snapshot(subscriber, subscription, snapshot_name):
    """Take a snapshot of the subscription."""

    def snapshot(name=snapshot_name, **fields):
        request = {"name": name, "subscription": subscription, **fields}
        return subscriber.create_snapshot(request=request)

    return snapshot


@pytest.fixture
def seek(subscriber, subscription):
    """Seek the subscription to a time or a snapshot."""

    def seek(**target):
        return subscriber.seek(request={"subscription": subscription, **target})

    return seek


@pytest.fixture
def ack_all(subscriber, subscription, pull):
    """Pull so many messages and ack them; return their bodies, sorted."""

    def ack_all(count, name=subscription):
        received = pull(name, count)
        subscriber.acknowledge(subscription=name, ack_ids=[one.ack_id for one in received])
        return sorted(one.message.data for one in received)

    return ack_all


def test_a_snapshot_has_its_labels(only_ours, snapshot):
    """Google's emulator forgets them."""
    assert dict(snapshot(labels={"colour": "blue"}).labels) == {"colour": "blue"}


def test_a_snapshot_has_its_name_its_topic_and_a_week(snapshot, topic, snapshot_name):
    created = snapshot()

    assert (created.name, created.topic) == (snapshot_name, topic)
    left = created.expire_time - datetime.datetime.now(datetime.UTC)
    assert abs(left.total_seconds() - 7 * 86_400) < 60


def test_get_and_list_return_what_was_created(subscriber, publisher, snapshot, names, topic):
    created = snapshot()

    assert subscriber.get_snapshot(snapshot=created.name) == created
    assert list(subscriber.list_snapshots(project=names.project)) == [created]
    assert list(publisher.list_topic_snapshots(request={"topic": topic})) == [created.name]


def test_snapshots_are_listed_in_pages(subscriber, snapshot, names):
    expected = {snapshot(f"{names.project}/snapshots/number-{number}").name for number in range(5)}

    pager = subscriber.list_snapshots(request={"project": names.project, "page_size": 2})

    pages = [[one.name for one in page.snapshots] for page in pager.pages]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {name for page in pages for name in page} == expected


def test_the_server_names_a_snapshot_without_a_name(only_ours, only_by_grpc, snapshot, names):
    """Google's emulator refuses the request; REST has no way to leave the name out."""
    one, two = snapshot(name=""), snapshot(name="")

    assert one.name.startswith(f"{names.project}/snapshots/")
    assert one.name != two.name


def test_a_taken_name_is_already_exists(snapshot):
    snapshot()

    with pytest.raises(exceptions.AlreadyExists):
        snapshot()


def test_a_snapshot_of_a_missing_subscription_is_not_found(subscriber, snapshot_name, names):
    with pytest.raises(exceptions.NotFound):
        subscriber.create_snapshot(name=snapshot_name, subscription=names.other)


@pytest.mark.parametrize("call", ["get_snapshot", "delete_snapshot"])
def test_a_missing_snapshot_is_not_found(subscriber, snapshot_name, call):
    with pytest.raises(exceptions.NotFound):
        getattr(subscriber, call)(snapshot=snapshot_name)


def test_labels_are_updated(only_ours, subscriber, snapshot):
    """Google's emulator has no UpdateSnapshot."""
    created = snapshot(labels={"colour": "blue"})

    changed = subscriber.update_snapshot(
        request={
            "snapshot": {"name": created.name, "labels": {"size": "big"}},
            "update_mask": {"paths": ["labels"]},
        }
    )

    assert dict(changed.labels) == {"size": "big"}
    assert subscriber.get_snapshot(snapshot=created.name) == changed


@pytest.mark.parametrize("paths", [[], ["topic"], ["name"], ["nonsense"]])
def test_nothing_else_is_updated(only_ours, only_by_grpc, subscriber, snapshot, paths):
    """Google's emulator has no UpdateSnapshot; JSON cannot even name an unknown field."""
    created = snapshot()

    with pytest.raises(exceptions.InvalidArgument):
        subscriber.update_snapshot(
            request={"snapshot": {"name": created.name}, "update_mask": {"paths": paths}}
        )


def test_a_deleted_snapshot_is_gone(subscriber, snapshot, seek):
    created = snapshot()
    subscriber.delete_snapshot(snapshot=created.name)

    with pytest.raises(exceptions.NotFound):
        seek(snapshot=created.name)


def test_a_seek_to_a_snapshot_restores_its_backlog_and_all_after_it(
    publish, snapshot, seek, ack_all, is_empty, subscription
):
    publish(b"1")
    ack_all(1)
    publish(b"2")
    created = snapshot()
    ack_all(1)
    publish(b"3")
    ack_all(1)
    assert is_empty(subscription)

    seek(snapshot=created.name)

    assert ack_all(2) == [b"2", b"3"]
    assert is_empty(subscription)


def test_a_seek_to_the_snapshot_of_another_subscription_moves_forward(
    publish, subscriber, snapshot, ack_all, topic, names, is_empty
):
    subscriber.create_subscription(name=names.other, topic=topic)
    publish(b"1", b"2")
    ack_all(2)
    created = snapshot()

    subscriber.seek(request={"subscription": names.other, "snapshot": created.name})

    assert is_empty(names.other)


def test_a_snapshot_of_another_topic_is_refused(publisher, subscriber, snapshot, names):
    created = snapshot()
    publisher.create_topic(name=names.dead)
    subscriber.create_subscription(name=names.other, topic=names.dead)

    with pytest.raises(exceptions.FailedPrecondition):
        subscriber.seek(request={"subscription": names.other, "snapshot": created.name})


def test_a_seek_to_now_acks_everything(publish, seek, is_empty, subscription):
    publish(b"1", b"2")

    seek(time=in_seconds(1))

    assert is_empty(subscription)


def test_a_seek_to_the_past_replays_what_is_retained(
    publish, subscriber, ack_all, seek, topic, names
):
    request = {"name": names.other, "topic": topic, "retain_acked_messages": True}
    subscriber.create_subscription(request=request)
    publish(b"1", b"2")
    ack_all(2, names.other)

    subscriber.seek(request={"subscription": names.other, "time": in_seconds(-60)})

    assert ack_all(2, names.other) == [b"1", b"2"]


def test_a_seek_to_the_past_replays_nothing_that_is_not_retained(
    publish, seek, ack_all, is_empty, subscription
):
    publish(b"1")
    ack_all(1)

    seek(time=in_seconds(-60))

    assert is_empty(subscription)


@pytest.fixture
def retaining_topic(publisher, names):
    """The name of a topic that retains its messages for ten minutes."""
    request = {"name": names.topic, "message_retention_duration": {"seconds": 600}}
    return publisher.create_topic(request=request).name


def test_a_subscription_shows_its_topics_retention(only_ours, retaining_topic, subscriber, names):
    """Google's emulator does not show it."""
    created = subscriber.create_subscription(name=names.subscription, topic=retaining_topic)

    assert created.topic_message_retention_duration == datetime.timedelta(minutes=10)


def test_a_topics_retention_replays_to_a_subscription_that_is_created_later(
    only_ours, retaining_topic, send, subscriber, names, pull, is_empty
):
    """Google's emulator delivers them at once, without a seek."""
    send(retaining_topic, [{"data": b"early"}])
    subscriber.create_subscription(name=names.subscription, topic=retaining_topic)
    assert is_empty(names.subscription)

    subscriber.seek(request={"subscription": names.subscription, "time": in_seconds(-60)})

    assert [one.message.data for one in pull(names.subscription)] == [b"early"]


def test_a_seek_without_a_target_is_refused(seek):
    with pytest.raises(exceptions.InvalidArgument):
        seek()


def in_seconds(seconds):
    """Return the time so many seconds from now."""
    moment = Timestamp()
    moment.GetCurrentTime()
    moment.seconds += seconds
    return moment


@pytest.fixture
def detach(publisher):
    def detach(name):
        return publisher.detach_subscription(request={"subscription": name})

    return detach


def test_a_detached_subscription_gives_nothing_and_says_so(
    only_ours, publish, detach, subscriber, publisher, subscription, topic
):
    """Google's emulator has no DetachSubscription."""
    publish(b"x")
    detach(subscription)
    publish(b"y")

    with pytest.raises(exceptions.FailedPrecondition):
        subscriber.pull(subscription=subscription, max_messages=1, retry=None)
    assert subscriber.get_subscription(subscription=subscription).detached
    assert list(publisher.list_topic_subscriptions(topic=topic)) == []


def test_a_detached_subscription_can_be_deleted_and_created_again(
    only_ours, detach, subscriber, subscription, topic, publish, pull
):
    """Google's emulator has no DetachSubscription."""
    detach(subscription)
    detach(subscription)
    subscriber.delete_subscription(subscription=subscription)

    subscriber.create_subscription(name=subscription, topic=topic)
    publish(b"x")

    assert [one.message.data for one in pull(subscription)] == [b"x"]


def test_detaching_what_does_not_exist_is_not_found(only_ours, detach, names):
    """Google's emulator has no DetachSubscription."""
    with pytest.raises(exceptions.NotFound):
        detach(names.other)
