"""A push in each of its forms becomes the same delivery; anything else is undecodable."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.envelope import Delivery, UndecodableEnvelope
from shared.edges.delivery import PUBLISHED, delivery_of, raw_delivery
from tests.support.push import binary_event, push_body, structured_event
from tests.support.unhurried import unhurried

SUBSCRIPTION = "projects/p/subscriptions/tasks-greet-push"
BODY = push_body(
    b"\x00\xffdata",
    subscription=SUBSCRIPTION,
    message_id="99",
    attributes={"task_id": "x", "traceparent": "y"},
    delivery_attempt=3,
    ordering_key="customer-1",
)
JSON = {"content-type": "application/json"}


def bare(body):
    return JSON, json.dumps(body).encode()


@pytest.mark.parametrize("form", [bare, binary_event, structured_event])
def test_a_push_is_the_same_delivery_in_every_form(form):
    assert delivery_of(*form(BODY)) == Delivery(
        message_id="99",
        subscription=SUBSCRIPTION,
        data=b"\x00\xffdata",
        attributes={"task_id": "x", "traceparent": "y"},
        delivery_attempt=3,
        ordering_key="customer-1",
    )


def test_a_structured_event_may_carry_its_data_as_base64():
    headers, _ = structured_event(BODY)
    event = {
        "specversion": "1.0",
        "id": "99",
        "source": "s",
        "type": PUBLISHED,
        "data_base64": base64.b64encode(json.dumps(BODY).encode()).decode(),
    }

    assert delivery_of(headers, json.dumps(event).encode()).data == b"\x00\xffdata"


@pytest.mark.parametrize("form", [bare, binary_event, structured_event])
def test_what_pubsub_may_leave_out_has_a_default(form):
    body = {"message": {"messageId": "7"}}

    assert delivery_of(*form(body)) == Delivery("7", "", b"", {}, 0, "")


def test_a_push_without_a_content_type_is_a_push():
    assert delivery_of({}, json.dumps(BODY).encode()).message_id == "99"


def changed(**message):
    return {**BODY, "message": {**BODY["message"], **message}}


UNDECODABLE = {
    "empty": (JSON, b""),
    "not JSON": (JSON, b"{"),
    "not UTF-8": (JSON, b"\xff\xfe{}"),
    "a list": (JSON, b"[]"),
    "a text": (JSON, b'"message"'),
    "null": (JSON, b"null"),
    "too deep": (JSON, b"[" * 100_000),
    "a huge number": (JSON, b'{"message": ' + b"9" * 5000 + b"}"),
    "no message": bare({"subscription": SUBSCRIPTION}),
    "message a text": bare({"message": "messageId"}),
    "message null": bare({"message": None}),
    "no message id": bare({"message": {"data": ""}}),
    "message id a number": bare(changed(messageId=7)),
    "message id with NUL": bare(changed(messageId="a\0b")),
    "message id half a character": bare(changed(messageId="\ud800")),
    "message id endless": bare(changed(messageId="9" * 2000)),
    "bad base64": bare(changed(data="%%%")),
    "cut base64": bare(changed(data="abc")),
    "data a number": bare(changed(data=1)),
    "attributes a list": bare(changed(attributes=["a"])),
    "attribute a number": bare(changed(attributes={"a": 1})),
    "attribute with NUL": bare(changed(attributes={"a": "\0"})),
    "ordering key a number": bare(changed(orderingKey=5)),
    "attempt a text": bare({**BODY, "deliveryAttempt": "5"}),
    "attempt true": bare({**BODY, "deliveryAttempt": True}),
    "attempt negative": bare({**BODY, "deliveryAttempt": -1}),
    "attempt endless": bare({**BODY, "deliveryAttempt": 2**31}),
    "subscription a number": bare({**BODY, "subscription": 1}),
    "event of another type": binary_event(BODY, type="google.cloud.storage.object.v1.finalized"),
    "event of an unknown version": binary_event(BODY, specversion="9.9"),
    "event of broken JSON": (binary_event(BODY)[0], b"{"),
    "event of nothing": (binary_event(BODY)[0], b""),
    "event without a type": ({**binary_event(BODY)[0], "ce-type": ""}, binary_event(BODY)[1]),
    "structured not JSON": (structured_event(BODY)[0], b"{"),
    "structured a list": (structured_event(BODY)[0], b"[]"),
    "structured without a version": (structured_event(BODY)[0], b'{"type": "x"}'),
    "structured version a list": (structured_event(BODY)[0], b'{"specversion": []}'),
    "structured too deep": (structured_event(BODY)[0], b"[" * 100_000),
    "structured, bad base64": (
        structured_event(BODY)[0],
        json.dumps(
            {"specversion": "1.0", "id": "1", "source": "s", "type": PUBLISHED, "data_base64": "%"}
        ).encode(),
    ),
    "a batch of events": ({"content-type": "application/cloudevents-batch+json"}, b"[]"),
}


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_is_no_push_cannot_be_decoded(name):
    headers, body = UNDECODABLE[name]

    with pytest.raises(UndecodableEnvelope):
        delivery_of(headers, body)


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_cannot_be_decoded_is_kept_raw_under_an_id_of_its_own(name):
    _, body = UNDECODABLE[name]

    raw = raw_delivery(body)

    assert raw.data == body
    assert raw == raw_delivery(body)
    assert raw.message_id
    assert "\0" not in raw.message_id


def test_a_broken_message_is_kept_under_its_message_id():
    raw = raw_delivery(bare(changed(data="%%%"))[1])

    assert (raw.message_id, raw.subscription) == ("99", SUBSCRIPTION)


def test_a_reason_does_not_quote_the_body():
    secret = "card-4111111111111111"
    for headers, body in (bare({"message": secret}), structured_event(BODY)):
        with pytest.raises(UndecodableEnvelope) as refused:
            delivery_of(headers, body[:-2] + secret.encode())
        assert secret not in str(refused.value)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FORMS = st.sampled_from(
    [JSON, {}, binary_event(BODY)[0], structured_event(BODY)[0], {"ce-specversion": "1.0"}]
)


@unhurried
@given(FORMS, st.binary())
def test_no_bytes_break_the_decoder(headers, body):
    decoded_or_undecodable(headers, body)


@unhurried
@given(
    FORMS,
    st.fixed_dictionaries(
        {},
        optional={
            "message": JSON_VALUES
            | st.dictionaries(
                st.sampled_from(["data", "messageId", "attributes", "orderingKey"]), JSON_VALUES
            ),
            "subscription": JSON_VALUES,
            "deliveryAttempt": JSON_VALUES,
            "specversion": st.sampled_from(["1.0", "0.3"]) | JSON_VALUES,
            "type": st.just(PUBLISHED) | JSON_VALUES,
            "source": JSON_VALUES,
            "id": JSON_VALUES,
            "data": JSON_VALUES,
            "extension": JSON_VALUES,
        },
    ),
)
def test_no_json_breaks_the_decoder(headers, value):
    decoded_or_undecodable(headers, json.dumps(value).encode())


def decoded_or_undecodable(headers, body):
    try:
        assert isinstance(delivery_of(headers, body), Delivery)
    except UndecodableEnvelope:
        assert raw_delivery(body).data == body
