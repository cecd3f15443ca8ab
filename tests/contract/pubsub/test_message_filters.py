"""Filters end to end: who gets what, over all ways of delivery; the language is tested by unit."""

import pytest
from google.api_core import exceptions

MESSAGES = [
    {"data": b"en com", "attributes": {"lang": "en", "name": "com"}},
    {"data": b"fr com", "attributes": {"lang": "fr", "name": "com"}},
    {"data": b"co", "attributes": {"name": "co"}},
    {"data": b"org", "attributes": {"name": "org", "iana.org/language_tag": "de"}},
    {"data": b"nothing"},
]
FILTERS = {
    "attributes:name": {b"en com", b"fr com", b"co", b"org"},
    'attributes:"iana.org/language_tag"': {b"org"},
    'attributes.name = "com"': {b"en com", b"fr com"},
    'attributes.name != "com"': {b"co", b"org", b"nothing"},
    'hasPrefix(attributes.name, "co")': {b"en com", b"fr com", b"co"},
    "NOT attributes:name": {b"nothing"},
    '-attributes:lang AND (attributes.name = "co" OR attributes.name = "org")': {b"co", b"org"},
}


@pytest.fixture
def create(subscriber, topic, names):
    """Create a subscription with a filter; return its name."""

    def create(filter, **fields):
        request = {"name": names.other, "topic": topic, "filter": filter, **fields}
        return subscriber.create_subscription(request=request).name

    return create


def data(received):
    return {one.message.data for one in received}


@pytest.mark.parametrize(("filter", "wanted"), FILTERS.items(), ids=FILTERS)
def test_only_what_matches_is_delivered(
    only_ours, create, send, topic, pull, is_empty, filter, wanted
):
    """Google's emulator 0.8.20 keeps a filter and delivers everything."""
    name = create(filter)
    send(topic, MESSAGES)

    assert data(pull(name, len(wanted))) == wanted
    assert is_empty(name)


def test_a_filter_is_shown(create, subscriber):
    name = create("attributes:name")

    assert subscriber.get_subscription(subscription=name).filter == "attributes:name"


@pytest.mark.parametrize(
    "filter",
    ["attributes.name", "attributes:a AND attributes:b OR attributes:c", "attributes:" + "k" * 246],
)
def test_a_bad_filter_is_refused(only_ours, create, filter):
    """Google's emulator accepts it."""
    with pytest.raises(exceptions.InvalidArgument, match="filter"):
        create(filter)


def test_a_subscriber_gets_only_what_matches(only_ours, create, send, topic, subscriber):
    """Google's emulator delivers everything."""
    name = create('attributes.name = "com"')
    send(topic, MESSAGES * 10)
    bodies = []

    future = subscriber.subscribe(name, callback=lambda one: (bodies.append(one.data), one.ack()))
    for _ in range(200):
        if len(bodies) >= 20:
            break
        with pytest.raises(TimeoutError):
            future.result(timeout=0.05)
    future.cancel()
    future.result(timeout=20)

    assert sorted(bodies) == [b"en com"] * 10 + [b"fr com"] * 10
