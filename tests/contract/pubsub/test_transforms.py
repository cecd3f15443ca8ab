"""Single message transforms, which Google's emulator takes and does not run."""

import json
import zlib
from contextlib import contextmanager
from queue import SimpleQueue

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import SchemaServiceClient
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcTransport
from google.pubsub_v1.types import Compression, JavaScriptUDF, MessageTransform

pytest.importorskip("py_mini_racer", reason="JavaScript transforms need mini-racer")

UPPER = "function f(message) { message.data = message.data.toUpperCase(); return message; }"
NO_TWOS = "function f(message) { return message.data === '2' ? null : message; }"
FAILING = "function f(message) { if (message.data === '2') throw Error('two'); return message; }"
ENDLESS = "function f(message) { for (; message.data === '2';); return message; }"


@pytest.fixture(autouse=True)
def ours(only_ours):
    """Google's does not run them."""


def udf(code=UPPER, name="f", **fields):
    return MessageTransform(javascript_udf=JavaScriptUDF(function_name=name, code=code), **fields)


def compression(mode):
    return MessageTransform(
        compression=Compression(
            compression_algorithm=Compression.CompressionAlgorithm.ZLIB, compression_mode=mode
        )
    )


@pytest.fixture
def topic_with(publisher, names):
    """Create a topic with transforms."""

    def topic_with(*transforms, **fields):
        request = {"name": names.topic, "message_transforms": list(transforms), **fields}
        return publisher.create_topic(request=request).name

    return topic_with


@pytest.fixture
def subscribe(subscriber, names):
    """Create a subscription to the topic."""

    def subscribe(*transforms, topic=names.topic, **fields):
        request = {"name": names.subscription, "topic": topic, **fields}
        request["message_transforms"] = list(transforms)
        return subscriber.create_subscription(request=request).name

    return subscribe


def data(received):
    return [one.message.data for one in received]


def test_a_topics_transforms_come_before_the_message_is_stored(topic_with, subscribe, send, pull):
    size = "function g(m) { m.attributes.size = String(m.data.length); return m }"
    topic = topic_with(udf(), udf(size, "g"))
    subscription = subscribe()
    ids = send(topic, [{"data": b"letter"}])
    (received,) = pull(subscription)

    assert received.message.data == b"LETTER"
    assert dict(received.message.attributes) == {"size": "6"}
    assert [received.message.message_id] == ids


def test_a_topics_filtered_messages_have_ids_and_come_to_nobody(
    topic_with, subscribe, send, pull, is_empty
):
    topic = topic_with(udf(NO_TWOS))
    subscription = subscribe()
    ids = send(topic, [{"data": b"1"}, {"data": b"2"}, {"data": b"3"}])
    assert send(topic, [{"data": b"2"}])[0] not in ids
    received = pull(subscription, 2)

    assert len(set(ids)) == 3
    assert data(received) == [b"1", b"3"]
    assert [one.message.message_id for one in received] == [ids[0], ids[2]]
    assert is_empty(subscription)


@pytest.mark.parametrize(
    ("code", "why"), [(FAILING, "Error: two"), (ENDLESS, "more than 0.5 s"), (UPPER, "UTF-8")]
)
def test_a_topics_failing_transform_fails_the_whole_publish(
    topic_with, subscribe, send, is_empty, code, why
):
    topic = topic_with(udf(code))
    subscription = subscribe()

    with pytest.raises(exceptions.InvalidArgument, match=f"message 1, transformed: .*{why}"):
        send(topic, [{"data": b"1"}, {"data": b"\xff" if why == "UTF-8" else b"2"}])
    assert is_empty(subscription)


def test_what_a_topics_transform_makes_keeps_the_limits_of_a_message(topic_with, send):
    topic = topic_with(udf("function f(m) { m.attributes.goog = 'x'; return m }"))

    with pytest.raises(exceptions.InvalidArgument, match="must not start with 'goog'"):
        send(topic, [{"data": b"1"}])


def test_a_topics_transforms_come_before_its_schema(topic_with, send, names, schemas):
    schema = schemas.create_schema(
        request={
            "parent": names.project,
            "schema_id": "letters",
            "schema": {"type_": "AVRO", "definition": '"string"'},
        }
    )
    settings = {"schema": schema.name, "encoding": "JSON"}
    quote = "function f(m) { m.data = JSON.stringify(m.data); return m }"
    topic = topic_with(udf(quote), schema_settings=settings)

    assert send(topic, [{"data": b"text"}])


@pytest.fixture
def schemas(emulator):
    """The official client of the SchemaService."""
    channel = grpc.insecure_channel(emulator.grpc)
    return SchemaServiceClient(transport=SchemaServiceGrpcTransport(channel=channel))


def test_a_subscriptions_transforms_are_its_own(topic, subscribe, subscriber, names, publish, pull):
    transformed = subscribe(udf())
    plain = subscriber.create_subscription(name=names.other, topic=topic).name
    publish(b"a", b"b")

    assert data(pull(transformed, 2)) == [b"A", b"B"]
    assert data(pull(plain, 2)) == [b"a", b"b"]


def test_a_subscriptions_function_knows_the_message(topic, subscribe, publish, pull):
    code = "const f = (m, metadata) => ({data: JSON.stringify([m, metadata])})"
    subscription = subscribe(udf(code))
    ids = publish(b"a", ordering_key="key", attributes={"a": "b"})
    (received,) = pull(subscription)

    content, metadata = json.loads(received.message.data)
    assert content == {"data": "a", "attributes": {"a": "b"}}
    published = received.message.publish_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert metadata == {"message_id": ids[0], "ordering_key": "key", "publish_time": published}
    assert received.message.attributes == {"a": "b"}


def test_a_subscriptions_filtered_messages_are_acked(topic, subscribe, publish, pull, is_empty):
    subscription = subscribe(udf(NO_TWOS))
    publish(b"1", b"2", b"3")

    assert data(pull(subscription, 2)) == [b"1", b"3"]
    assert is_empty(subscription)


@pytest.mark.parametrize("code", [FAILING, ENDLESS])
def test_a_subscriptions_failing_message_goes_to_the_dead_letters_as_it_was_published(
    topic, subscribe, publisher, subscriber, names, publish, pull, streaming, code
):
    publisher.create_topic(name=names.dead)
    dead = subscriber.create_subscription(name=names.other, topic=names.dead).name
    policy = {"dead_letter_topic": names.dead, "max_delivery_attempts": 5}
    subscription = subscribe(udf(code), dead_letter_policy=policy)
    publish(b"1", b"2", b"3")
    with streaming(subscription) as found:
        (given_up,) = pull(dead)
        received = {found.get(timeout=10) for _ in range(2)}

    assert received == {b"1", b"3"}
    assert given_up.message.data == b"2"
    assert given_up.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_an_endless_script_does_not_hold_up_other_topics(
    topic_with, subscribe, publisher, names, send
):
    topic = topic_with(udf("function f() { for (;;); }"))
    subscribe()
    other = publisher.create_topic(name=f"{names.topic}-fast").name
    waiting = publisher.publish(topic, b"1")
    for _ in range(20):
        send(other, [{"data": b"1"}])

    assert not waiting.done()
    with pytest.raises(exceptions.InvalidArgument):
        waiting.result(10)


@pytest.fixture
def streaming(subscriber):
    """Ack by streaming pull what comes on a subscription, and put its data into a queue."""

    @contextmanager
    def streaming(subscription):
        found = SimpleQueue()
        future = subscriber.subscribe(subscription, lambda one: (found.put(one.data), one.ack()))
        try:
            yield found
        finally:
            future.cancel()
            future.result(10)

    return streaming


def test_streaming_pull_delivers_what_is_transformed(topic, subscribe, publish, streaming):
    subscription = subscribe(udf(NO_TWOS), udf(UPPER.replace("f(", "g("), "g"))
    publish(*[b"letter %d" % number for number in range(100)], b"2")
    with streaming(subscription) as found:
        received = {found.get(timeout=10) for _ in range(100)}

    assert received == {b"LETTER %d" % number for number in range(100)}


def test_the_order_of_a_key_is_kept(topic, subscribe, publish, subscriber, pull):
    subscription = subscribe(udf(NO_TWOS), enable_message_ordering=True)
    publish(*[str(number).encode() for number in range(30)], ordering_key="key")
    received = []
    while len(received) < 29:
        answer = pull(subscription)
        subscriber.acknowledge(subscription=subscription, ack_ids=[one.ack_id for one in answer])
        received += answer

    assert data(received) == [str(number).encode() for number in range(30) if number != 2]
    assert {one.message.ordering_key for one in received} == {"key"}


def test_transforms_are_changed_disabled_and_taken_away(
    topic, subscribe, subscriber, publish, pull
):
    subscription = subscribe(udf())
    for transforms, expected in (
        ([udf(disabled=True)], b"a"),
        ([udf(UPPER.replace("toUpperCase()", "repeat(2)"))], b"aa"),
        ([], b"a"),
    ):
        subscriber.update_subscription(
            request={
                "subscription": {"name": subscription, "message_transforms": transforms},
                "update_mask": {"paths": ["message_transforms"]},
            }
        )
        publish(b"a")
        (received,) = pull(subscription)
        assert received.message.data == expected
        subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])


def test_data_is_compressed_on_the_topic_and_whole_again_at_the_subscriber(
    topic_with, subscribe, subscriber, names, send, pull
):
    mode = Compression.CompressionMode
    topic = topic_with(compression(mode.COMPRESS))
    whole = subscribe(compression(mode.DECOMPRESS))
    stored = subscriber.create_subscription(name=names.other, topic=topic).name
    send(topic, [{"data": b"x" * 1000}])

    assert data(pull(whole)) == [b"x" * 1000]
    assert zlib.decompress(pull(stored)[0].message.data) == b"x" * 1000


@pytest.mark.parametrize(
    "transforms",
    [
        [udf("function f(")],
        [udf(name="g")],
        [udf(name="")],
        [udf(UPPER + " " * 20_480)],
        [udf(), udf()],
        [udf("for (;;);")],
        [MessageTransform()],
    ],
    ids=["syntax", "other name", "no name", "long", "twice", "endless", "empty"],
)
def test_a_transform_that_cannot_be_used_is_refused(
    topic, topic_with, subscribe, names, transforms
):
    with pytest.raises(exceptions.InvalidArgument):
        subscribe(*transforms)
    with pytest.raises(exceptions.InvalidArgument):
        topic_with(*transforms, name=f"{names.topic}-other")


def test_what_is_not_run_here_is_refused_by_name(topic_with):
    inference = MessageTransform()
    inference.ai_inference.endpoint = "projects/p/locations/l/endpoints/e"

    with pytest.raises(exceptions.MethodNotImplemented, match="ai_inference"):
        topic_with(inference)
