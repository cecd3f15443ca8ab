"""Publish, Pull, Acknowledge and ModifyAckDeadline."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions

from tests.contract.pubsub.conftest import by_both_transports

pytestmark = by_both_transports


def test_a_published_message_arrives_with_its_data_attributes_id_and_time(
    publish, subscription, pull
):
    (message_id,) = publish(b"hello", attributes={"colour": "blue"})

    (received,) = pull(subscription)

    assert received.message.data == b"hello"
    assert dict(received.message.attributes) == {"colour": "blue"}
    assert received.message.message_id == message_id
    assert abs(received.message.publish_time.timestamp() - time.time()) < 60
    assert received.delivery_attempt == 0


def test_the_batching_client_publishes(publisher, topic, subscription, pull):
    futures = [publisher.publish(topic, b"%d" % number) for number in range(50)]

    ids = {future.result(10) for future in futures}

    assert len(ids) == 50
    assert {received.message.message_id for received in pull(subscription, 50)} == ids


def test_every_subscription_gets_every_message(
    publish, subscriber, topic, subscription, names, pull
):
    subscriber.create_subscription(name=names.other, topic=topic)
    publish(b"one", b"two")

    for name in (subscription, names.other):
        assert {received.message.data for received in pull(name, 2)} == {b"one", b"two"}


def test_a_message_published_before_the_subscription_does_not_arrive(
    publish, subscriber, topic, names, pull
):
    publish(b"early")
    subscriber.create_subscription(name=names.subscription, topic=topic)
    publish(b"late")

    assert [received.message.data for received in pull(names.subscription)] == [b"late"]


def test_an_acked_message_does_not_come_again(publish, subscriber, subscription, pull, is_empty):
    publish(b"x")
    (received,) = pull(subscription)
    subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])

    subscriber.modify_ack_deadline(
        subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0
    )

    assert is_empty(subscription)


def test_a_nack_brings_the_message_back_with_another_ack_id(
    publish, subscriber, subscription, pull
):
    publish(b"x")
    (first,) = pull(subscription)

    subscriber.modify_ack_deadline(
        subscription=subscription, ack_ids=[first.ack_id], ack_deadline_seconds=0
    )
    (second,) = pull(subscription)

    assert second.message == first.message


def test_a_second_ack_is_accepted(publish, subscriber, subscription, pull):
    publish(b"x")
    (received,) = pull(subscription)

    for _ in range(2):
        subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])


def test_a_pull_waits_for_a_message_to_come(publish, subscription, pull):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(pull, subscription)
        publish(b"now")

        assert [received.message.data for received in waiting.result(10)] == [b"now"]


def test_a_pull_of_nothing_answers_empty_before_the_callers_deadline(
    only_ours, only_by_grpc, subscriber, subscription
):
    """Google's emulator lets the deadline pass; the REST client does not tell it."""
    answer = subscriber.pull(subscription=subscription, max_messages=1, timeout=1, retry=None)

    assert not answer.received_messages


def test_ten_megabytes_arrive_in_one_message(publish, subscription, pull):
    body = bytes(9_900_000)
    publish(body)

    assert pull(subscription)[0].message.data == body


def test_a_request_may_have_a_thousand_messages(publish, subscription, pull):
    ids = publish(*(b"%d" % number for number in range(1000)))

    assert {received.message.message_id for received in pull(subscription, 1000)} == set(ids)


def test_publish_times_do_not_run_back(publish, subscription, pull):
    for number in range(20):
        publish(b"%d" % number)

    received = sorted(pull(subscription, 20), key=lambda one: int(one.message.data))
    times = [one.message.publish_time for one in received]
    assert times == sorted(times)


def test_messages_of_an_ordering_key_arrive_in_order(publish, subscriber, topic, names, pull):
    subscriber.create_subscription(
        request={"name": names.other, "topic": topic, "enable_message_ordering": True}
    )
    for number in range(20):
        publish(b"%d" % number, ordering_key="k")

    bodies = []
    for _ in range(20):
        for received in pull(names.other, 1):
            bodies.append(int(received.message.data))
            assert received.message.ordering_key == "k"
            subscriber.acknowledge(subscription=names.other, ack_ids=[received.ack_id])
    assert bodies == list(range(20))


def test_after_a_nack_the_order_of_a_key_is_kept(
    only_ours, publish, subscriber, topic, names, pull
):
    """Google's emulator delivers a nacked message behind its successors."""
    subscriber.create_subscription(
        request={"name": names.other, "topic": topic, "enable_message_ordering": True}
    )
    publish(*(b"%d" % number for number in range(5)), ordering_key="k")
    first = pull(names.other, 5)

    subscriber.modify_ack_deadline(
        subscription=names.other, ack_ids=[first[1].ack_id], ack_deadline_seconds=0
    )
    subscriber.acknowledge(subscription=names.other, ack_ids=[first[0].ack_id])

    assert [received.message.data for received in pull(names.other, 4)] == [b"1", b"2", b"3", b"4"]


BAD_MESSAGES = {
    "empty": [{}],
    "none": [],
    "too many": [{"data": b"x"}] * 1001,
}
STRICTER_THAN_GOOGLES = {
    "empty attribute key": [{"attributes": {"": "v"}}],
    "long attribute key": [{"attributes": {"k" * 257: "v"}}],
    "reserved attribute key": [{"attributes": {"googkey": "v"}}],
    "long attribute value": [{"attributes": {"k": "v" * 1025}}],
    "101 attributes": [{"attributes": {str(number): "" for number in range(101)}}],
    "long ordering key": [{"data": b"x", "ordering_key": "k" * 1025}],
    "mixed ordering keys": [
        {"data": b"x", "ordering_key": "a"},
        {"data": b"x", "ordering_key": "b"},
    ],
    "data over 10 MB": [{"data": bytes(10_000_001)}],
    "data over 10 MB together": [{"data": bytes(5_000_001)}] * 2,
}


@pytest.mark.parametrize("messages", BAD_MESSAGES.values(), ids=BAD_MESSAGES)
def test_a_bad_message_is_refused(send, topic, messages):
    with pytest.raises(exceptions.InvalidArgument):
        send(topic, messages)


@pytest.mark.parametrize("messages", STRICTER_THAN_GOOGLES.values(), ids=STRICTER_THAN_GOOGLES)
def test_a_message_over_a_documented_limit_is_refused(only_ours, send, topic, messages):
    with pytest.raises(exceptions.InvalidArgument):
        send(topic, messages)


AT_THE_LIMIT = {
    "attributes": {"attributes": {"k" * 256: "v" * 1024} | {str(n): "" for n in range(99)}},
    "ordering key": {"data": b"x", "ordering_key": "k" * 1024},
    "attributes alone": {"attributes": {"a": ""}},
}


@pytest.mark.parametrize("message", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_a_message_at_a_limit_is_accepted(send, topic, message):
    assert send(topic, [message])


def test_a_pull_of_no_messages_is_refused(subscriber, subscription):
    with pytest.raises(exceptions.InvalidArgument):
        subscriber.pull(subscription=subscription, max_messages=0)


def test_a_pull_of_a_negative_number_is_refused(only_ours, subscriber, subscription):
    """Google's emulator accepts it."""
    with pytest.raises(exceptions.InvalidArgument):
        subscriber.pull(subscription=subscription, max_messages=-1)


@pytest.mark.parametrize("ack_ids", [[], ["not one"], ["1-2"], ["9" * 5000]])
def test_malformed_ack_ids_are_refused(subscriber, subscription, ack_ids):
    with pytest.raises(exceptions.InvalidArgument):
        subscriber.acknowledge(subscription=subscription, ack_ids=ack_ids)


def test_a_negative_ack_deadline_is_refused(publish, subscriber, subscription, pull):
    publish(b"x")
    (received,) = pull(subscription)

    with pytest.raises(exceptions.InvalidArgument):
        subscriber.modify_ack_deadline(
            subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=-1
        )


def test_an_ack_deadline_over_ten_minutes_is_refused(
    only_ours, publish, subscriber, subscription, pull
):
    """Google's emulator accepts it."""
    publish(b"x")
    (received,) = pull(subscription)

    with pytest.raises(exceptions.InvalidArgument):
        subscriber.modify_ack_deadline(
            subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=601
        )


def test_the_ack_id_of_another_subscription_is_refused(
    only_ours, publish, subscriber, topic, subscription, names, pull
):
    subscriber.create_subscription(name=names.other, topic=topic)
    publish(b"x")
    (received,) = pull(subscription)

    with pytest.raises(exceptions.InvalidArgument):
        subscriber.acknowledge(subscription=names.other, ack_ids=[received.ack_id])
