"""What a message looks like on the dead-letter topic."""

from datetime import UTC, datetime

from emulators.pubsub.names import split
from emulators.pubsub.protos import PubsubMessage

_SOURCE = "CloudPubSubDeadLetterSource"


def dead_letter_of(body: bytes, subscription: str, deliveries: int) -> PubsubMessage:
    """Return the message to publish: data, attributes and ordering key kept, four attributes added.

    `body` is the serialised message, `subscription` the full name of the one that gave up on it.
    Source: the public samples' output; the time has milliseconds and a numeric offset.
    """
    message = PubsubMessage.FromString(body)
    project, short_id = split(subscription)
    message.attributes.update(
        {
            f"{_SOURCE}DeliveryCount": str(deliveries),
            f"{_SOURCE}Subscription": short_id,
            f"{_SOURCE}SubscriptionProject": project,
            f"{_SOURCE}TopicPublishTime": _rfc3339(message),
        }
    )
    return message


def _rfc3339(message: PubsubMessage) -> str:
    seconds = message.publish_time.seconds + message.publish_time.nanos / 1e9
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
