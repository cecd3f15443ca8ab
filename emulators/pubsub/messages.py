"""What a message may be: the limits of Publish. It changes nothing."""

from collections.abc import Sequence

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import DOCUMENTED, Limits
from emulators.pubsub.protos import PublishRequest, PubsubMessage

MAX_MESSAGES = 1000
MAX_DATA_BYTES = DOCUMENTED.max_data_bytes


def check_publish(request: PublishRequest, limits: Limits) -> None:
    """Check all messages of one request; nothing of it is accepted if one is wrong.

    Raises: InvalidArgument, with the number of the message and the limit it broke.
    """
    messages, size = request.messages, request.ByteSize()
    if size > limits.max_request_bytes:
        raise InvalidArgument(
            f"request_size is too large: {size} bytes, the limit is {limits.max_request_bytes}"
        )
    if not 1 <= len(messages) <= MAX_MESSAGES:
        raise InvalidArgument(
            f"a request has 1 to {MAX_MESSAGES} messages, this one {len(messages)}"
        )
    for number, message in enumerate(messages):
        problem = problem_of(message, limits)
        if problem:
            raise InvalidArgument(f"message {number}: {problem}")
    _check_together(messages, limits)


def _check_together(messages: Sequence[PubsubMessage], limits: Limits) -> None:
    if sum(len(message.data) for message in messages) > limits.max_data_bytes:
        raise InvalidArgument(
            f"request_size is too large: more than {limits.max_data_bytes} bytes of data"
        )
    keys = {message.ordering_key for message in messages}
    if len(keys) > 1 and not limits.mixed_ordering_keys:
        raise InvalidArgument("all messages of a request must have the same ordering_key")


def problem_of(message: PubsubMessage, limits: Limits) -> str | None:
    """Return which limit a message breaks, None if none."""
    if not message.data and not message.attributes:
        return "data is empty and there is no attribute; one of them is needed"
    if len(message.data) > limits.max_data_bytes:
        return f"data has {len(message.data)} bytes, the limit is {limits.max_data_bytes}"
    if _size(message.ordering_key) > limits.max_ordering_key_bytes:
        return f"ordering_key is longer than {limits.max_ordering_key_bytes} bytes"
    if message.attributes:
        return _attribute_problem(message, limits)
    return None


def _attribute_problem(message: PubsubMessage, limits: Limits) -> str | None:
    if len(message.attributes) > limits.max_attributes:
        return f"{len(message.attributes)} attributes, the limit is {limits.max_attributes}"
    for key, value in message.attributes.items():
        if not limits.min_key_bytes <= _size(key) <= limits.max_key_bytes:
            return f"attribute key {key[:40]!r} must have 1 to {limits.max_key_bytes} bytes"
        if limits.reserved_prefix and key.startswith(limits.reserved_prefix):
            return f"attribute key {key[:40]!r} must not start with {limits.reserved_prefix!r}"
        if _size(value) > limits.max_value_bytes:
            return f"attribute {key[:40]!r} is longer than {limits.max_value_bytes} bytes"
    return None


def _size(text: str) -> int:
    return len(text.encode())
