"""What a message may be: the limits of Publish. It changes nothing."""

from collections.abc import Sequence

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import PubsubMessage

MAX_REQUEST_BYTES = 10 * 1024 * 1024
MAX_MESSAGES = 1000
MAX_DATA_BYTES = 10_000_000
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024


def check_publish(messages: Sequence[PubsubMessage]) -> None:
    """Check all messages of one request; nothing of it is accepted if one is wrong.

    Raises: InvalidArgument, with the number of the message and the limit it broke.
    """
    if not 1 <= len(messages) <= MAX_MESSAGES:
        raise InvalidArgument(
            f"a request has 1 to {MAX_MESSAGES} messages, this one {len(messages)}"
        )
    for number, message in enumerate(messages):
        problem = _problem(message)
        if problem:
            raise InvalidArgument(f"message {number}: {problem}")
    if sum(len(message.data) for message in messages) > MAX_DATA_BYTES:
        raise InvalidArgument(f"the data of a request is more than {MAX_DATA_BYTES} bytes")
    if len({message.ordering_key for message in messages}) > 1:
        raise InvalidArgument("all messages of a request have the same ordering_key")


def _problem(message: PubsubMessage) -> str | None:
    if not message.data and not message.attributes:
        return "data is empty and there is no attribute; one of them is needed"
    if len(message.data) > MAX_DATA_BYTES:
        return f"data has {len(message.data)} bytes, the limit is {MAX_DATA_BYTES}"
    if _size(message.ordering_key) > MAX_ORDERING_KEY_BYTES:
        return f"ordering_key is longer than {MAX_ORDERING_KEY_BYTES} bytes"
    if message.attributes:
        return _attribute_problem(message)
    return None


def _attribute_problem(message: PubsubMessage) -> str | None:
    if len(message.attributes) > MAX_ATTRIBUTES:
        return f"{len(message.attributes)} attributes, the limit is {MAX_ATTRIBUTES}"
    for key, value in message.attributes.items():
        if not 1 <= _size(key) <= MAX_KEY_BYTES:
            return f"attribute key {key[:40]!r} must have 1 to {MAX_KEY_BYTES} bytes"
        if key.startswith("goog"):
            return f"attribute key {key[:40]!r} must not start with 'goog'"
        if _size(value) > MAX_VALUE_BYTES:
            return f"attribute {key[:40]!r} is longer than {MAX_VALUE_BYTES} bytes"
    return None


def _size(text: str) -> int:
    return len(text.encode())
