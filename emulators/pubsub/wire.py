"""Answers put together from serialised parts, so that a stored message is never parsed again."""

from collections.abc import Iterable
from typing import NamedTuple

from emulators.pubsub.errors import InvalidArgument

# Tag bytes: field number << 3 | wire type 2 (length-delimited) or 0 (varint).
_RECEIVED_MESSAGE = b"\x0a"  # PullResponse.received_messages = 1
_ACK_ID, _MESSAGE, _ATTEMPT = b"\x0a", b"\x12", b"\x18"  # ReceivedMessage: 1, 2, 3


class AckId(NamedTuple):
    """What an ack id encodes: the subscription, the message and the delivery."""

    subscription: int
    seq: int
    generation: int

    def __str__(self) -> str:
        return f"{self.subscription}-{self.seq}-{self.generation}"

    @classmethod
    def parse(cls, text: str) -> "AckId":
        """Return what `str` made. Raises: InvalidArgument for anything else."""
        parts = text.split("-")
        if len(parts) != 3 or not all(map(_is_number, parts)):
            raise InvalidArgument(f"ack_id {text[:100]!r} is malformed")
        return cls(*map(int, parts))


class Received(NamedTuple):
    """One delivery to a puller; `attempt` 0 is left out of the answer."""

    ack_id: AckId
    body: bytes
    attempt: int


def pull_response(received: Iterable[Received]) -> bytes:
    """Return a serialised google.pubsub.v1.PullResponse."""
    return b"".join(_RECEIVED_MESSAGE + _sized(_received_message(one)) for one in received)


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 20


def _received_message(received: Received) -> bytes:
    ack_id = str(received.ack_id).encode()
    attempt = _ATTEMPT + _varint(received.attempt) if received.attempt else b""
    return b"".join((_ACK_ID, _sized(ack_id), _MESSAGE, _sized(received.body), attempt))


def _sized(payload: bytes) -> bytes:
    return _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
