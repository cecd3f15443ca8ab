"""How much a stream may still be sent: what is sent and neither acked, nacked nor expired. Pure.

Acks arrive anywhere, also in unary calls; so outstanding deliveries are known by their generation.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Room(NamedTuple):
    """What may be sent now; the last message may be larger than the bytes that are left."""

    messages: float
    size: float

    def __bool__(self) -> bool:
        return self.messages > 0 and self.size > 0


class Flow:
    """The limits of one stream and what counts against them; a limit of 0 or less is none.

    `has_room` is called whenever a full stream may be sent something again.
    """

    __slots__ = ("_has_room", "_max_messages", "_max_size", "_messages", "_size", "is_limited")

    def __init__(self, max_messages: int, max_size: int, has_room: Callable[[], None]) -> None:
        self.is_limited = max_messages > 0 or max_size > 0
        self._max_messages = max_messages if max_messages > 0 else math.inf
        self._max_size = max_size if max_size > 0 else math.inf
        self._messages = self._size = 0
        self._has_room = has_room

    def room(self) -> Room:
        """Return what may be sent now.

        Source: Pub/Sub, sending stops at `max_outstanding_bytes` "or more".
        """
        return Room(self._max_messages - self._messages, self._max_size - self._size)

    def add(self, size: int) -> None:
        """Count a message that is sent."""
        self._messages += 1
        self._size += size

    def remove(self, size: int) -> None:
        """Count one of those messages no more."""
        was_full = not self.room()
        self._messages -= 1
        self._size -= size
        if was_full and self.room():
            self._has_room()


class Outstanding:
    """The deliveries of a subscription that count against some stream, by generation."""

    def __init__(self) -> None:
        self._counted: dict[int, tuple[Flow, int]] = {}

    def __len__(self) -> int:
        return len(self._counted)

    def add(self, flow: Flow, generation: int, size: int) -> None:
        """Count a delivery against its stream's limits, if it has any."""
        if flow.is_limited:
            flow.add(size)
            self._counted[generation] = flow, size

    def remove(self, generations: Iterable[int]) -> None:
        """Count deliveries that have ended no more, whichever stream they went to."""
        if not self._counted:
            return
        for generation in generations:
            if counted := self._counted.pop(generation, None):
                flow, size = counted
                flow.remove(size)
