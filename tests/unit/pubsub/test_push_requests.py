"""The forms of a push request: wrapped, unwrapped, with metadata, as a CloudEvent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub.protos import PubsubMessage, PushConfig, Subscription
from emulators.pubsub.push.headers import RESERVED
from emulators.pubsub.push.request import event_topic, push_request

NAME = "projects/p/subscriptions/readers"
TOPIC = "projects/p/topics/letters"
EVENTS = "?a=b&__GCP_CloudEventsMode=CUSTOM_PUBSUB_projects%2Fp%2Ftopics%2Fletters"


def message(**fields):
    made = PubsubMessage(**{"data": b"hello", **fields})
    made.message_id = "17"
    made.publish_time.FromJsonString("2026-01-02T03:04:05.678Z")
    return made.SerializeToString()


def subscription(endpoint="https://example.com/push", **config):
    push_config = PushConfig(push_endpoint=endpoint, **config)
    return Subscription(name=NAME, topic=TOPIC, push_config=push_config)


def unwrapped(*, write_metadata=True, token="", **fields):
    config = {"no_wrapper": {"write_metadata": write_metadata}}
    return push_request(message(**fields), 0, subscription(**config), token)


def test_without_a_wrapper_the_body_is_the_data_and_nothing_else_is_told():
    request = unwrapped(write_metadata=False, data=b"\x00\xff", attributes={"colour": "blue"})

    assert request.body == b"\x00\xff"
    assert request.headers == {}


def test_metadata_and_attributes_become_headers():
    request = unwrapped(attributes={"colour": "blue", "Content-Type": "text/x"}, ordering_key="k")

    assert request.headers == {
        "colour": "blue",
        "Content-Type": "text/x",
        "x-goog-pubsub-message-id": "17",
        "x-goog-pubsub-publish-time": "2026-01-02T03:04:05.678Z",
        "x-goog-pubsub-subscription-name": NAME,
        "x-goog-pubsub-ordering-key": "k",
    }


def test_no_ordering_key_is_no_header():
    assert "x-goog-pubsub-ordering-key" not in unwrapped().headers


@pytest.mark.parametrize(
    ("key", "value", "name", "shown"),
    [
        ("a b", "x", "a%20b", "x"),
        ("schlüssel", "x", "schl%C3%BCssel", "x"),
        ("a\r\nHost: evil", "x", "a%0D%0AHost%3A%20evil", "x"),
        ("a", "x\r\nEvil: yes", "a", "x%0D%0AEvil: yes"),
        ("a", "grün\x00", "a", "gr%C3%BCn%00"),
        ("a", "50% {of} all", "a", "50% {of} all"),
    ],
)
def test_what_no_header_can_carry_is_percent_encoded(key, value, name, shown):
    assert unwrapped(attributes={key: value}).headers[name] == shown


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5), st.text())
def test_nothing_that_is_published_breaks_out_of_its_line(attributes, key):
    for name, value in unwrapped(attributes=attributes, ordering_key=key).headers.items():
        line = f"{name}: {value}"
        assert line.isascii()
        assert line.isprintable()
        assert ":" not in name
        assert " " not in name


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Host", "X-Goog-Pubsub-Message-Id"])
def test_an_attribute_cannot_replace_what_belongs_to_the_request(name):
    headers = unwrapped(attributes={name: "evil"}).headers

    assert "evil" not in headers.values()


def test_of_attributes_that_differ_in_case_alone_the_first_in_order_is_kept():
    attributes = {name: name for letter in "abcdefgh" for name in (letter, letter.upper())}
    headers = unwrapped(attributes=attributes).headers

    assert [name for name in headers if len(name) == 1] == list("ABCDEFGH")


def test_a_token_takes_the_place_of_an_attribute():
    attributes = {"AUTHORIZATION": "mine"}

    assert unwrapped(attributes=attributes).headers["AUTHORIZATION"] == "mine"
    headers = unwrapped(attributes=attributes, token="t").headers
    assert headers["Authorization"] == "Bearer t"
    assert "mine" not in headers.values()


@pytest.mark.parametrize("config", [{}, {"pubsub_wrapper": {}}])
def test_wrapped_is_json_with_the_attempt(config):
    request = push_request(message(), 3, subscription(**config))

    assert request.headers["Content-Type"] == "application/json"
    assert not any(name.startswith(("ce-", "x-goog")) for name in request.headers)
    body = json.loads(request.body)
    assert (body["subscription"], body["deliveryAttempt"]) == (NAME, 3)


def test_an_eventarc_endpoint_gets_a_binary_cloud_event_around_the_wrapped_body():
    endpoint = f"https://example.com/{EVENTS}"
    request = push_request(message(), 2, subscription(endpoint))

    assert {name: value for name, value in request.headers.items() if name[:3] == "ce-"} == {
        "ce-id": "17",
        "ce-source": f"//pubsub.googleapis.com/{TOPIC}",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "ce-time": "2026-01-02T03:04:05.678Z",
    }
    assert request.headers["Content-Type"] == "application/json"
    assert request.body == push_request(message(), 2, subscription()).body


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        (EVENTS, TOPIC),
        ("", ""),
        ("?__GCP_CloudEventsMode=CE_PUBSUB_BINDING", ""),
        ("?mode=CUSTOM_PUBSUB_projects%2Fp%2Ftopics%2Fletters", ""),
    ],
)
def test_the_endpoints_query_says_of_which_topic_it_wants_events(query, topic):
    assert event_topic(f"https://example.com/{query}") == topic


def test_a_topic_in_the_query_cannot_break_out_of_its_header():
    query = "?__GCP_CloudEventsMode=CUSTOM_PUBSUB_x%0D%0AEvil:%20yes"
    request = push_request(message(), 0, subscription(f"https://example.com/{query}"))

    assert "\n" not in request.headers["ce-source"]
