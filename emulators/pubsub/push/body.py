"""The wrapped JSON body of a push request."""

import json
from base64 import b64encode

from emulators.pubsub.protos import PubsubMessage

_encode = json.JSONEncoder(separators=(",", ":")).encode


def wrapped(message: PubsubMessage, subscription: str, attempt: int) -> bytes:
    """Return the request body for a message; `attempt` 0 is left out.

    Source: Pub/Sub, "Receive push messages"; ids and times stand there twice, in both spellings.
    """
    published = message.publish_time.ToJsonString()
    inner: dict[str, object] = {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.data:
        inner["data"] = b64encode(message.data).decode()
    if message.attributes:
        inner["attributes"] = dict(message.attributes)
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    envelope: dict[str, object] = {"message": inner, "subscription": subscription}
    if attempt:
        envelope["deliveryAttempt"] = attempt
    return _encode(envelope).encode()
