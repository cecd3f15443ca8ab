"""Messages and events as HTTP headers: whatever a publisher wrote cannot break out of its line."""

import re
from collections.abc import Mapping

from emulators.pubsub.protos import PubsubMessage

Headers = dict[str, str]

METADATA = "x-goog-pubsub-"
# What belongs to the request itself; an attribute of such a name stays out of the headers.
RESERVED = {
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection",
    "te", "trailer", "upgrade", "expect", "user-agent",
}  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TEXT = re.compile(r"[ -~]*")
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"


def metadata_headers(message: PubsubMessage, subscription: str) -> Headers:
    """Return a message's attributes and metadata as an unwrapped push with `write_metadata` has it.

    Of attributes that differ only in case the first in order is kept. Source: Pub/Sub, "Payload
    unwrapping"; what becomes of characters that no header can carry is ours: percent-encoded.
    """
    headers = _attribute_headers(message.attributes)
    headers[f"{METADATA}message-id"] = message.message_id
    headers[f"{METADATA}publish-time"] = message.publish_time.ToJsonString()
    headers[f"{METADATA}subscription-name"] = subscription
    if message.ordering_key:
        headers[f"{METADATA}ordering-key"] = _value(message.ordering_key)
    return headers


def event_headers(message: PubsubMessage, topic: str) -> Headers:
    """Return the attributes of the CloudEvent that Eventarc makes of a message, in binary mode."""
    return {
        "ce-id": message.message_id,
        "ce-source": f"//pubsub.googleapis.com/{_value(topic)}",
        "ce-specversion": "1.0",
        "ce-type": PUBLISHED,
        "ce-time": message.publish_time.ToJsonString(),
    }


def _attribute_headers(attributes: Mapping[str, str]) -> Headers:
    taken = set(RESERVED)
    headers: Headers = {}
    for key in sorted(attributes):
        name = _name(key)
        if name.lower() not in taken and not name.lower().startswith(METADATA):
            taken.add(name.lower())
            headers[name] = _value(attributes[key])
    return headers


def _name(key: str) -> str:
    if _TOKEN.fullmatch(key):
        return key
    return "".join(char if _TOKEN.fullmatch(char) else _percent(char) for char in key)


def _value(text: str) -> str:
    if _TEXT.fullmatch(text):
        return text
    return "".join(char if _TEXT.fullmatch(char) else _percent(char) for char in text)


def _percent(char: str) -> str:
    return "".join(f"%{octet:02X}" for octet in char.encode())
