"""StreamingPull by the protocol: requests, responses, flow control and endings."""

import grpc
import pytest
from google.api_core import exceptions

from tests.contract.pubsub.streams import RawStream


@pytest.fixture(scope="module")
def channel(emulator):
    """A channel of our own: streams stay open, and calls are written by hand."""
    with grpc.insecure_channel(emulator.grpc) as channel:
        yield channel


@pytest.fixture
def connect(channel, subscription):
    """Open a stream to `subscription` unless it is told otherwise."""
    streams = []

    def connect(**fields):
        first = {"subscription": subscription, "stream_ack_deadline_seconds": 60, **fields}
        streams.append(RawStream(channel, **first))
        return streams[-1]

    yield connect
    for stream in streams:
        stream.cancel()


@pytest.fixture
def subscribe(subscriber, topic, names):
    """Create another subscription to `topic`; return its name."""

    def subscribe(**fields):
        request = {"name": names.other, "topic": topic, **fields}
        return subscriber.create_subscription(request=request).name

    return subscribe


def data(received):
    """Return the bodies of received messages."""
    return [one.message.data for one in received]


def test_messages_come_as_they_are_published(connect, publish):
    stream = connect()
    (first,) = publish(b"1", attributes={"a": "b"})
    (received,) = stream.messages(1)
    publish(b"2")

    assert received.message.message_id == first
    assert received.message.attributes == {"a": "b"}
    assert data(stream.messages(2)) == [b"1", b"2"]


def test_what_was_published_before_the_stream_comes_too(connect, publish):
    for _ in range(2):
        publish(*(b"%d" % number for number in range(600)))

    stream = connect()

    assert len(stream.messages(1200)) == 1200


def test_an_ack_in_the_stream_counts(connect, publish, subscription, is_empty):
    stream = connect()
    publish(b"x")
    (received,) = stream.messages(1)

    stream.say(ack_ids=[received.ack_id])
    stream.finish()

    assert stream.end() == "OK"
    assert is_empty(subscription)


def test_a_nack_in_the_stream_brings_the_message_again(connect, publish):
    stream = connect()
    publish(b"x")
    (first,) = stream.messages(1)

    stream.say(modify_deadline_ack_ids=[first.ack_id], modify_deadline_seconds=[0])

    _, second = stream.messages(2)
    assert second.message == first.message


def test_an_ack_id_of_a_stream_is_good_in_a_unary_call(
    connect, publish, subscriber, subscription, is_empty
):
    stream = connect()
    publish(b"x")
    (received,) = stream.messages(1)
    stream.cancel()

    subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])

    assert is_empty(subscription)


def test_the_ack_id_of_a_pull_is_good_in_a_stream(connect, publish, pull, subscription, is_empty):
    publish(b"x")
    (received,) = pull(subscription)

    stream = connect()
    stream.say(ack_ids=[received.ack_id])
    stream.finish()

    assert stream.end() == "OK"
    assert is_empty(subscription)


def test_heartbeats_and_new_deadlines_are_taken(connect, publish):
    stream = connect(client_id="me")

    stream.say()
    stream.say(stream_ack_deadline_seconds=600)
    stream.say(client_id="me")
    publish(b"x")

    assert data(stream.messages(1)) == [b"x"]


def test_a_client_that_finishes_gets_ok(connect):
    stream = connect()

    stream.finish()

    assert stream.end() == "OK"


def test_a_client_that_says_nothing_gets_ok(channel):
    stream = RawStream(channel)

    stream.finish()

    assert stream.end() == "OK"


BAD_FIRST = {
    "no subscription": ({"subscription": ""}, "INVALID_ARGUMENT"),
    "no name": ({"subscription": "readers"}, "INVALID_ARGUMENT"),
    "no such subscription": ({"subscription": "projects/p/subscriptions/none"}, "NOT_FOUND"),
    "no deadline": ({"stream_ack_deadline_seconds": 0}, "INVALID_ARGUMENT"),
    "short deadline": ({"stream_ack_deadline_seconds": 9}, "INVALID_ARGUMENT"),
    "long deadline": ({"stream_ack_deadline_seconds": 601}, "INVALID_ARGUMENT"),
    "malformed ack": ({"ack_ids": ["nonsense"]}, "INVALID_ARGUMENT"),
}


@pytest.mark.parametrize(("fields", "code"), BAD_FIRST.values(), ids=BAD_FIRST)
def test_a_bad_first_request_ends_the_stream(connect, fields, code):
    assert connect(**fields).end() == code


BAD_LATER = {
    "short deadline": {"stream_ack_deadline_seconds": 9},
    "long deadline": {"stream_ack_deadline_seconds": 601},
    "negative deadline": {"stream_ack_deadline_seconds": -1},
    "fewer seconds than ids": {"modify_deadline_ack_ids": ["x"]},
    "more seconds than ids": {"modify_deadline_seconds": [10]},
    "malformed ack": {"ack_ids": ["nonsense"]},
    "subscription": {"subscription": "projects/p/subscriptions/readers"},
}
STRICTER_THAN_GOOGLES = {
    "messages": {"max_outstanding_messages": 10},
    "bytes": {"max_outstanding_bytes": 10},
    "protocol version": {"protocol_version": 1},
}


@pytest.mark.parametrize("fields", BAD_LATER.values(), ids=BAD_LATER)
def test_a_bad_later_request_ends_the_stream(connect, fields):
    stream = connect()

    stream.say(**fields)

    assert stream.end() == "INVALID_ARGUMENT"


@pytest.mark.parametrize("fields", STRICTER_THAN_GOOGLES.values(), ids=STRICTER_THAN_GOOGLES)
def test_limits_may_be_set_by_the_first_request_only(only_ours, connect, fields):
    """Google's emulator ignores them later."""
    stream = connect()

    stream.say(**fields)

    assert stream.end() == "INVALID_ARGUMENT"


def test_a_bad_deadline_for_a_message_ends_the_stream(only_ours, connect, publish):
    """Google's emulator accepts more than 600 s."""
    stream = connect()
    publish(b"x")
    (received,) = stream.messages(1)

    stream.say(modify_deadline_ack_ids=[received.ack_id], modify_deadline_seconds=[601])

    assert stream.end() == "INVALID_ARGUMENT"


def test_a_deleted_subscription_ends_its_streams(connect, subscriber, subscription):
    stream = connect()

    subscriber.delete_subscription(subscription=subscription)

    assert stream.end() == "NOT_FOUND"


def test_a_push_subscription_has_no_streams(connect, subscribe):
    name = subscribe(push_config={"push_endpoint": "http://127.0.0.1:9/nobody"})

    assert connect(subscription=name).end() == "FAILED_PRECONDITION"


def test_a_subscription_that_becomes_push_ends_its_streams(
    only_ours, connect, subscriber, subscription
):
    """Google's emulator lets them wait."""
    stream = connect()

    subscriber.modify_push_config(
        subscription=subscription, push_config={"push_endpoint": "http://127.0.0.1:9/nobody"}
    )

    assert stream.end() == "FAILED_PRECONDITION"


def test_a_push_subscription_cannot_be_pulled(only_ours, subscriber, subscribe):
    """Google's emulator answers a pull with nothing."""
    name = subscribe(push_config={"push_endpoint": "http://127.0.0.1:9/nobody"})

    with pytest.raises(exceptions.FailedPrecondition):
        subscriber.pull(subscription=name, max_messages=1, timeout=5)


# Flow control


def test_no_more_messages_come_than_the_client_takes(
    only_ours, connect, publish, subscriber, subscription
):
    """Google's emulator knows no limits."""
    stream = connect(max_outstanding_messages=2)
    publish(b"1", b"2", b"3", b"4")
    first, second = stream.messages(2)

    stream.say(ack_ids=[first.ack_id])
    assert data(stream.messages(3)) == [b"1", b"2", b"3"]
    subscriber.acknowledge(subscription=subscription, ack_ids=[second.ack_id])

    assert data(stream.messages(4)) == [b"1", b"2", b"3", b"4"]


def test_no_more_bytes_come_than_the_client_takes(only_ours, connect, publish):
    """Google's emulator knows no limits."""
    stream = connect(max_outstanding_bytes=1000)
    publish(bytes(900), bytes(901), bytes(902))
    first, _ = stream.messages(2)
    stream.say(protocol_version=0)  # a heartbeat: what was to come has come
    stream.say(ack_ids=[first.ack_id])

    assert [len(body) for body in data(stream.messages(2))] == [900, 901]


def test_messages_are_shared_out_among_streams(only_ours, connect, publish):
    """Google's emulator gives a batch to one of them."""
    streams = [connect(protocol_version=1) for _ in range(3)]
    for stream in streams:
        stream.say()
        stream.until(lambda stream: stream.responses)  # it is open

    publish(*(b"%d" % number for number in range(90)))

    assert all(len(stream.messages(10)) < 80 for stream in streams)


# What the client is told


def test_a_heartbeat_is_answered_from_protocol_version_1_on(only_ours, connect):
    """Google's emulator does not answer."""
    stream = connect(protocol_version=1)

    stream.say()

    stream.until(lambda stream: stream.responses)
    assert stream.responses[0].HasField("subscription_properties")


@pytest.mark.parametrize(
    ("field", "property_name"),
    [
        ("enable_exactly_once_delivery", "exactly_once_delivery_enabled"),
        ("enable_message_ordering", "message_ordering_enabled"),
    ],
)
def test_every_response_has_the_properties(connect, publish, subscribe, field, property_name):
    stream = connect(subscription=subscribe(**{field: True}))
    publish(b"x")

    stream.messages(1)

    assert all(
        getattr(response.subscription_properties, property_name) for response in stream.responses
    )


def test_properties_come_before_the_first_message(only_ours, connect, subscribe):
    """Google's emulator sends them with the first message."""
    stream = connect(subscription=subscribe(enable_exactly_once_delivery=True))

    stream.until(lambda stream: stream.responses)

    assert stream.responses[0].subscription_properties.exactly_once_delivery_enabled


def test_acks_in_the_stream_are_confirmed(only_ours, connect, publish, subscribe):
    """Google's emulator never confirms."""
    stream = connect(subscription=subscribe(enable_exactly_once_delivery=True))
    publish(b"x")
    (received,) = stream.messages(1)

    for _ in range(2):
        stream.say(ack_ids=[received.ack_id])

    def confirmed(stream):
        return [response.acknowledge_confirmation for response in stream.responses]

    stream.until(lambda stream: any(one.invalid_ack_ids for one in confirmed(stream)))
    assert [ack_id for one in confirmed(stream) for ack_id in one.ack_ids] == [received.ack_id]


def test_an_ordering_key_goes_on_in_the_same_stream(connect, publish, subscribe):
    name = subscribe(enable_message_ordering=True)
    stream = connect(subscription=name)

    for number in range(3):
        publish(b"%d" % number, ordering_key="k")
        stream.messages(number + 1)

    assert data(stream.received()) == [b"0", b"1", b"2"]
