"""From the HTTP request of a push to the domain's Delivery, through a CloudEvent.

Three forms carry a Pub/Sub message: the bare push envelope of a push subscription, and Eventarc's
binary and structured CloudEvents around that same envelope. Translation only: no token, no task.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from cloudevents.exceptions import GenericException
from cloudevents.http import CloudEvent, from_http

from shared.domain.envelope import Delivery, UndecodableEnvelope
from shared.domain.json_value import unstorable

PUBLISHED: Final = "google.cloud.pubsub.topic.v1.messagePublished"
_STRUCTURED: Final = "application/cloudevents"
_MAX_NAME: Final = 1024
_UNREADABLE: Final = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


def is_cloud_event(headers: Mapping[str, str]) -> bool:
    """Whether the request is a CloudEvent (of Eventarc), and no bare push envelope."""
    content_type = headers.get("content-type", "").strip().lower()
    return "ce-specversion" in headers or content_type.startswith(_STRUCTURED)


def delivery_of(headers: Mapping[str, str], body: bytes) -> Delivery:
    """The message that the request delivers; `headers` have names in lower case.

    Raises: UndecodableEnvelope when it is in none of the three forms.
    """
    event = _eventarc_event(headers, body) if is_cloud_event(headers) else _bare_event(body)
    return _delivery(_push_body(event))


def raw_delivery(body: bytes) -> Delivery:
    """A body that cannot be decoded, as a delivery to keep on the desk: the body is its data.

    It has the message's own id where that can be found, else one made from the body's hash, so
    that a redelivery of the same body is the same entry.
    """
    try:
        envelope = json.loads(body)
        message_id = _text(envelope["message"], "messageId", "message_id")
        subscription = _text(envelope, "subscription")
    except (*_UNREADABLE, UndecodableEnvelope):
        message_id, subscription = "", ""
    return Delivery(message_id or f"sha256:{_digest(body)}", subscription, body, {})


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _bare_event(body: bytes) -> CloudEvent:
    """The CloudEvent that Eventarc would have made of a push envelope."""
    try:
        envelope = json.loads(body)
        message = envelope["message"]
        attributes = {
            "type": PUBLISHED,
            "source": f"//pubsub.googleapis.com/{envelope.get('subscription', '')}",
            "id": _text(message, "messageId", "message_id"),
            "time": message.get("publishTime", ""),
        }
    except _UNREADABLE as wrong:
        raise UndecodableEnvelope(f"not a push envelope: {_said(wrong)}") from None
    return CloudEvent(attributes, envelope)


def _eventarc_event(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    try:
        event = from_http(dict(headers), body)
    except (GenericException, *_UNREADABLE) as wrong:
        # The kind only: this library's texts quote the whole body, which does not belong in a log.
        raise UndecodableEnvelope(f"not a CloudEvent: {type(wrong).__name__}") from None
    if event["type"] != PUBLISHED:
        raise UndecodableEnvelope(f"a CloudEvent of type {str(event['type'])[:100]!r}")
    return event


def _push_body(event: CloudEvent) -> dict[str, Any]:
    """The push envelope in the event's data, which may still be text or bytes."""
    data = event.get_data()
    try:
        envelope = json.loads(data) if isinstance(data, str | bytes) else data
    except (ValueError, RecursionError) as wrong:
        raise UndecodableEnvelope(f"the event's data is not JSON: {_said(wrong)}") from None
    if not isinstance(envelope, dict):
        raise UndecodableEnvelope(f"the event's data is a {type(envelope).__name__}")
    return envelope


def _delivery(envelope: dict[str, Any]) -> Delivery:
    message = envelope.get("message")
    if not isinstance(message, dict):
        raise UndecodableEnvelope("there is no message")
    message_id = _text(message, "messageId", "message_id")
    if not message_id:
        raise UndecodableEnvelope("the message has no id")
    return Delivery(
        message_id=message_id,
        subscription=_text(envelope, "subscription"),
        data=_data(message.get("data", "")),
        attributes=_attributes(message.get("attributes") or {}),
        delivery_attempt=_count(envelope.get("deliveryAttempt", 0)),
        ordering_key=_text(message, "orderingKey", "ordering_key"),
    )


def _text(part: Mapping[str, Any], *names: str) -> str:
    """The first of `names` that is there, a text that a row can hold; empty when none is."""
    value = next((part[name] for name in names if name in part), "")
    if not isinstance(value, str) or len(value) > _MAX_NAME or unstorable(value):
        raise UndecodableEnvelope(f"{names[0]} is not a text of at most {_MAX_NAME} characters")
    return value


def _data(encoded: Any) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError) as wrong:
        raise UndecodableEnvelope(f"the message's data is not base64: {_said(wrong)}") from None


def _attributes(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise UndecodableEnvelope("the message's attributes are not texts")
    if problem := unstorable(given):
        raise UndecodableEnvelope(f"the message's attributes cannot be stored: {problem}")
    return given


def _count(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2**31:
        raise UndecodableEnvelope("deliveryAttempt is not a count")
    return given


def _said(wrong: Exception) -> str:
    """The error for a log line: its kind and the start of its text."""
    return f"{type(wrong).__name__}: {str(wrong)[:100]}"
