"""Who takes the messages of one subscription: pulls and streams that wait, in turn.

It knows neither messages nor gRPC.
"""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from emulators.pubsub.stream_flow import Outstanding


class Stream(Protocol):
    """An open stream, as far as the subscription has to tell it something."""

    def wake(self) -> None:
        """Look whether there is something to send."""

    def end(self, reason: Exception | None = None) -> None:
        """Send nothing more and end with `reason`."""


class Line:
    """Members are called in the order in which they came; who is called takes messages.

    A member is the event that wakes it.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[asyncio.Event, None] = OrderedDict()
        self._called: set[asyncio.Event] = set()

    def __len__(self) -> int:
        """Return how many want messages: those who wait, and those called who took none yet."""
        return len(self._waiting) + len(self._called)

    def join(self, member: asyncio.Event) -> None:
        """Wait as the last."""
        self._waiting[member] = None

    def leave(self, member: asyncio.Event) -> bool:
        """Wait no more; True if it was called, so that its turn is to be used or passed on."""
        self._waiting.pop(member, None)
        was_called = member in self._called
        self._called.discard(member)
        return was_called

    def call(self) -> None:
        """Wake the one who has waited longest, if there is one."""
        if self._waiting:
            member, _ = self._waiting.popitem(last=False)
            self._called.add(member)
            member.set()

    async def turn(self, pass_on: Callable[[], None]) -> None:
        """Wait to be called. Given up after the call, the turn is passed on."""
        member = asyncio.Event()
        self.join(member)
        try:
            await member.wait()
        except asyncio.CancelledError:
            if self.leave(member):
                pass_on()
            raise
        self.leave(member)

    def call_all(self) -> None:
        """Wake everybody."""
        while self._waiting:
            self.call()


class Consumers:
    """The line, the open streams, and what counts against the streams' limits."""

    def __init__(self) -> None:
        self.line = Line()
        self.outstanding = Outstanding()
        self.streams: dict[int, Stream] = {}
        self._numbers = itertools.count(1)

    def open(self, stream: Stream) -> int:
        """Add a stream; return the number by which it is known as a consumer."""
        number = next(self._numbers)
        self.streams[number] = stream
        return number

    def close(self, number: int) -> None:
        """Forget a stream."""
        del self.streams[number]

    def wake_for(self, kept: dict[int, list[int]]) -> None:
        """Wake the streams that messages are kept for; of a stream that is gone, keep none."""
        for number in tuple(kept):
            if stream := self.streams.get(number):
                stream.wake()
            else:
                del kept[number]  # offered to all, once what is outstanding of the key is acked

    def end(self, reason: Exception) -> None:
        """Tell everybody that nothing more comes; who waits looks and finds out why."""
        self.line.call_all()
        for stream in tuple(self.streams.values()):
            stream.end(reason)
