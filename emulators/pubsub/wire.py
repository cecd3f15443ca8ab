"""Answers put together from serialised parts, so that a stored message is never parsed again."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from emulators.pubsub.errors import InvalidArgument

# Tag bytes: field number << 3 | wire type 2 (length-delimited) or 0 (varint).
_RECEIVED_MESSAGE = b"\x0a"  # PullResponse and StreamingPullResponse.received_messages = 1
_ACK_ID, _MESSAGE, _ATTEMPT = b"\x0a", b"\x12", b"\x18"  # ReceivedMessage: 1, 2, 3
_PROPERTIES = b"\x22"  # StreamingPullResponse.subscription_properties = 4
_EXACTLY_ONCE, _ORDERED = b"\x08\x01", b"\x10\x01"  # SubscriptionProperties: 1, 2
_ONE_BYTE = [bytes((value,)) for value in range(0x80)]
# Short, because the ids of 100 failed acks must fit into the 8 KB of a gRPC trailer.
_PARTS = re.compile("-".join([r"(0|[1-9a-f][0-9a-f]{0,15})"] * 3))


class AckId(NamedTuple):
    """What an ack id encodes: the subscription, the message and the delivery."""

    subscription: int
    seq: int
    generation: int

    def __str__(self) -> str:
        return f"{self.subscription:x}-{self.seq:x}-{self.generation:x}"

    @classmethod
    def parse(cls, text: str) -> "AckId":
        """Return what `str` made. Raises: InvalidArgument for anything else."""
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise InvalidArgument(f"ack_id {text[:100]!r} is malformed")
        return cls(int(parts[1], 16), int(parts[2], 16), int(parts[3], 16))


class Received(NamedTuple):
    """One delivery to a puller; `attempt` 0 is left out of the answer."""

    ack_id: AckId
    body: bytes
    attempt: int


def pull_response(received: Iterable[Received]) -> bytes:
    """Return a serialised google.pubsub.v1.PullResponse."""
    parts: list[bytes] = []
    for one in received:
        ack_id = str(one.ack_id).encode()
        attempt = _ATTEMPT + _varint(one.attempt) if one.attempt else b""
        head = b"".join((_ACK_ID, _varint(len(ack_id)), ack_id, _MESSAGE, _varint(len(one.body))))
        size = _varint(len(head) + len(one.body) + len(attempt))
        parts += (_RECEIVED_MESSAGE, size, head, one.body, attempt)
    return b"".join(parts)


def stream_response(received: Iterable[Received], *, exactly_once: bool, ordered: bool) -> bytes:
    """Return a serialised google.pubsub.v1.StreamingPullResponse.

    Each has the properties: clients take them from whichever response came last.
    """
    properties = _EXACTLY_ONCE * exactly_once + _ORDERED * ordered
    return b"".join((pull_response(received), _PROPERTIES, _varint(len(properties)), properties))


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _ONE_BYTE[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
