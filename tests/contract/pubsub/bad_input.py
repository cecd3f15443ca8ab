"""The table of bad input: calls, and the codes that they end with.

A call takes the clients (see `test_bad_input.py`); `TOPIC` exists, and `SUBSCRIPTION` to it.
"""

import itertools

DAY = 86_400
BAD, TAKEN, MISSING, RANGE = "INVALID_ARGUMENT", "ALREADY_EXISTS", "NOT_FOUND", "OUT_OF_RANGE"
TOPIC, SUBSCRIPTION = "projects/p/topics/letters", "projects/p/subscriptions/readers"
NO_TOPIC, NO_SUBSCRIPTION = "projects/p/topics/none", "projects/p/subscriptions/none"
PUSH = {"push_endpoint": "http://127.0.0.1:9/"}
AVRO = '{"type": "record", "name": "R", "fields": [{"name": "n", "type": "int"}]}'
numbers = itertools.count(1)


def on_publisher(method, **request):
    """A call of the publisher's."""
    return lambda c: getattr(c.publisher, method)(**request)


def on_subscriber(method, **request):
    """A call of the subscriber's."""
    return lambda c: getattr(c.subscriber, method)(**request)


def create(**fields):
    """A call that creates a subscription with these fields."""
    return lambda c: c.subscriber.create_subscription(
        name=f"projects/p/subscriptions/sub-{next(numbers)}", **({"topic": TOPIC} | fields)
    )


def publish(*messages, topic=TOPIC):
    """A call that publishes these messages."""
    return on_publisher("publish", topic=topic, messages=messages)


def update(*paths):
    """A call that updates these fields of the subscription."""
    resource, mask = {"name": SUBSCRIPTION}, {"paths": paths}
    return on_subscriber("update_subscription", subscription=resource, update_mask=mask)


def update_topic(*paths, name=TOPIC):
    """A call that updates these fields of a topic."""
    return on_publisher("update_topic", topic={"name": name}, update_mask={"paths": paths})


def pull(most):
    """A call that pulls when a message waits."""

    def call(c):
        publish({"data": b"x"})(c)
        return c.subscriber.pull(subscription=SUBSCRIPTION, max_messages=most)

    return call


def modify(seconds):
    """A call that sets the ack deadline of a message just pulled."""

    def call(c):
        ack_ids = [pull(1)(c).received_messages[0].ack_id]
        c.subscriber.modify_ack_deadline(
            subscription=SUBSCRIPTION, ack_ids=ack_ids, ack_deadline_seconds=seconds
        )

    return call


def stream(**fields):
    """A call that opens a stream with this first request, when a message waits."""

    def call(c):
        publish({"data": b"x"})(c)
        opening = {"subscription": SUBSCRIPTION, "stream_ack_deadline_seconds": 10}
        c.subscriber.stream(opening | fields)

    return call


def publish_to_schema(c):
    """Publish to a topic with a schema what does not conform."""
    schema_id, topic = f"schema-{next(numbers)}", f"projects/p/topics/topic-{next(numbers)}"
    schema = {"type_": "AVRO", "definition": AVRO}
    made = c.schemas.create_schema(parent="projects/p", schema_id=schema_id, schema=schema)
    settings = {"schema": made.name, "encoding": "JSON"}
    c.publisher.create_topic(name=topic, schema_settings=settings)
    publish({"data": b'{"m": 1}'}, topic=topic)(c)


def create_bad_schema(c):
    """Create a schema that cannot be parsed."""
    schema = {"type_": "AVRO", "definition": "{"}
    c.schemas.create_schema(parent="projects/p", schema_id="bad", schema=schema)


def seconds(value):
    """A duration."""
    return {"seconds": value}


def attempts(most):
    """A dead-letter policy."""
    return {"dead_letter_policy": {"dead_letter_topic": TOPIC, "max_delivery_attempts": most}}


def retry(minimum, maximum):
    """A retry policy."""
    policy = {"minimum_backoff": seconds(minimum), "maximum_backoff": seconds(maximum)}
    return {"retry_policy": policy}


# The service, Google's emulator 0.8.20, ours and ours with `--lenient` agree.
REFUSED_BY_ALL = {
    "bad topic name": (on_publisher("create_topic", name="letters"), BAD),
    "bad topic id": (on_publisher("create_topic", name="projects/p/topics/1"), BAD),
    "bad subscription name": (on_subscriber("get_subscription", subscription="s"), BAD),
    "bad topic of a subscription": (create(topic="letters"), BAD),
    "existing topic": (on_publisher("create_topic", name=TOPIC), TAKEN),
    "existing subscription": (
        on_subscriber("create_subscription", name=SUBSCRIPTION, topic=TOPIC),
        TAKEN,
    ),
    "get missing topic": (on_publisher("get_topic", topic=NO_TOPIC), MISSING),
    "delete missing topic": (on_publisher("delete_topic", topic=NO_TOPIC), MISSING),
    "publish to missing topic": (publish({"data": b"x"}, topic=NO_TOPIC), MISSING),
    "update missing topic": (update_topic("message_retention_duration", name=NO_TOPIC), MISSING),
    "get missing subscription": (
        on_subscriber("get_subscription", subscription=NO_SUBSCRIPTION),
        MISSING,
    ),
    "delete missing subscription": (
        on_subscriber("delete_subscription", subscription=NO_SUBSCRIPTION),
        MISSING,
    ),
    "pull from missing subscription": (
        on_subscriber("pull", subscription=NO_SUBSCRIPTION, max_messages=1),
        MISSING,
    ),
    "ack on missing subscription": (
        on_subscriber("acknowledge", subscription=NO_SUBSCRIPTION, ack_ids=["1-1-1"]),
        MISSING,
    ),
    "stream of missing subscription": (stream(subscription=NO_SUBSCRIPTION), MISSING),
    "subscription to missing topic": (create(topic=NO_TOPIC), MISSING),
    "missing dead-letter topic": (
        create(dead_letter_policy={"dead_letter_topic": NO_TOPIC}),
        MISSING,
    ),
    "missing schema": (
        on_publisher(
            "create_topic",
            name="projects/p/topics/with-schema",
            schema_settings={"schema": "projects/p/schemas/none", "encoding": "JSON"},
        ),
        MISSING,
    ),
    "no messages": (publish(), BAD),
    "empty message": (publish({}), BAD),
    "ordering key alone": (publish({"ordering_key": "k"}), BAD),
    "1001 messages": (publish(*[{"data": b"x"}] * 1001), BAD),
    "ack deadline 601": (create(ack_deadline_seconds=601), BAD),
    "ack deadline -1": (create(ack_deadline_seconds=-1), BAD),
    "retention 599 s": (create(message_retention_duration=seconds(599)), BAD),
    "retention over 31 days": (create(message_retention_duration=seconds(31 * DAY + 1)), BAD),
    "topic retention 599 s": (
        on_publisher("create_topic", name=NO_TOPIC, message_retention_duration=seconds(599)),
        BAD,
    ),
    "retry 601 s": (create(**retry(10, 601)), BAD),
    "retry -1 s": (create(**retry(-1, 10)), BAD),
    "retry minimum above maximum": (create(**retry(20, 10)), BAD),
    "retry maximum below the default minimum": (
        create(retry_policy={"maximum_backoff": seconds(5)}),
        BAD,
    ),
    "4 attempts": (create(**attempts(4)), RANGE),
    "101 attempts": (create(**attempts(101)), RANGE),
    "endpoint that is no URL": (create(push_config={"push_endpoint": "nowhere"}), BAD),
    "endpoint of another scheme": (create(push_config={"push_endpoint": "ftp://a/"}), BAD),
    "pull of 0": (pull(0), BAD),
    "ack of nothing": (on_subscriber("acknowledge", subscription=SUBSCRIPTION, ack_ids=[]), BAD),
    "malformed ack id": (
        on_subscriber("acknowledge", subscription=SUBSCRIPTION, ack_ids=["x"]),
        BAD,
    ),
    "deadline -1 of a message": (modify(-1), BAD),
    "update with an empty mask": (update(), BAD),
    "update of an unknown field": (update("nonsense"), BAD),
    "update written in camel case": (update("ackDeadlineSeconds"), BAD),
    "update of name": (update("name"), BAD),
    "update of topic": (update("topic"), BAD),
    "update of filter": (update("filter"), BAD),
    "update of ordering": (update("enable_message_ordering"), BAD),
    "update of detached": (update("detached"), BAD),
    "topic update with an empty mask": (update_topic(), BAD),
    "topic update of name": (update_topic("name"), BAD),
    "seek without a target": (on_subscriber("seek", subscription=SUBSCRIPTION), BAD),
    "stream deadline 0": (stream(stream_ack_deadline_seconds=0), BAD),
    "stream deadline 9": (stream(stream_ack_deadline_seconds=9), BAD),
    "stream deadline 601": (stream(stream_ack_deadline_seconds=601), BAD),
    "stream with lists of two sizes": (stream(modify_deadline_ack_ids=["1-1-1"]), BAD),
    "stream with a malformed ack id": (stream(ack_ids=["x"]), BAD),
    "unparsable schema": (create_bad_schema, BAD),
    "message that does not conform": (publish_to_schema, BAD),
}

# Google's emulator and ours with `--lenient` accept it.
REFUSED_BY_THE_SERVICE = {
    "subscriptions of missing topic": (
        on_publisher("list_topic_subscriptions", topic=NO_TOPIC),
        MISSING,
    ),
    "data over 10 MB": (publish({"data": bytes(10_000_001)}), BAD),
    "101 attributes": (publish({"attributes": {str(n): "" for n in range(101)}}), BAD),
    "attribute key of 257": (publish({"attributes": {"k" * 257: ""}}), BAD),
    "attribute key of 0": (publish({"attributes": {"": "v"}}), BAD),
    "attribute key goog": (publish({"attributes": {"googkey": "v"}}), BAD),
    "attribute value of 1025": (publish({"attributes": {"k": "v" * 1025}}), BAD),
    "ordering key of 1025": (publish({"data": b"x", "ordering_key": "k" * 1025}), BAD),
    "mixed ordering keys": (publish(*({"data": b"x", "ordering_key": key} for key in "ab")), BAD),
    "ack deadline 5": (create(ack_deadline_seconds=5), BAD),
    "ack deadline 9": (create(ack_deadline_seconds=9), BAD),
    "expiration 1 h": (create(expiration_policy={"ttl": seconds(3600)}), BAD),
    "bad filter": (create(filter="nonsense ("), BAD),
    "filter of 257 bytes": (create(filter=f'attributes.a = "{"b" * 241}"'), BAD),
    "filter that mixes AND and OR": (
        create(filter="attributes:a AND attributes:b OR attributes:c"),
        BAD,
    ),
    "push with exactly-once": (create(push_config=PUSH, enable_exactly_once_delivery=True), BAD),
    "label in capitals": (create(labels={"A": "b"}), BAD),
    "65 labels": (create(labels={f"a{n}": "b" for n in range(65)}), BAD),
    "two destinations": (create(push_config=PUSH, bigquery_config={"table": "p.d.t"}), BAD),
    "pull of -1": (pull(-1), BAD),
    "deadline 601 of a message": (modify(601), BAD),
    "bad page token": (on_publisher("list_topics", project="projects/p", page_token="zzz"), BAD),
    "negative page size": (on_publisher("list_topics", project="projects/p", page_size=-1), BAD),
}
