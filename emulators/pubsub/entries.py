"""What the subscription engine keeps of one message it has loaded, and of the messages of one
ordering key. No rules of delivery stand here, only the bookkeeping that they need."""

import enum
import math
from collections import deque
from collections.abc import Iterator

NEVER = math.inf


class State(enum.Enum):
    """Where an unacked message of a subscription is."""

    READY = enum.auto()  # may be delivered, if its ordering key allows
    OUTSTANDING = enum.auto()  # delivered, neither acked nor expired
    DELAYED = enum.auto()  # waits for the retry policy's back-off
    HELD = enum.auto()  # acked, but something earlier of its ordering key is not
    EXHAUSTED = enum.auto()  # out of attempts, about to be forwarded


# While a message of an ordering key is in one of these, the key's later messages wait.
BLOCKING = frozenset({State.OUTSTANDING, State.DELAYED, State.EXHAUSTED})
SENT = frozenset({State.OUTSTANDING, State.HELD})  # at a consumer, as far as anybody knows


class Entry:
    """A message loaded and not finished. `due` is when its deadline or its back-off ends."""

    __slots__ = ("due", "failures", "generation", "key", "seq", "state")

    def __init__(self, seq: int, key: str, failures: int) -> None:
        self.seq = seq
        self.key = key
        self.failures = failures
        self.state = State.READY
        self.generation = 0
        self.due = NEVER

    def is_out(self, generation: int) -> bool:
        """Say whether `generation` is the delivery that is outstanding."""
        return self.state is State.OUTSTANDING and self.generation == generation


class Lane:
    """The messages of one ordering key, in publish order: those loaded, and how many rest behind.

    A key that waits does not need all its messages in memory; `last` is the last one loaded.
    `sent` counts the messages at the front that are out or held: the next to go out comes then.
    """

    __slots__ = ("blocking", "consumer", "entries", "last", "resting", "sent", "taken", "turn")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.last = 0
        self.resting = 0
        self.blocking = 0
        self.turn = 0
        self.taken = 0
        self.sent = 0
        self.consumer = 0  # who got the last one; 0 for one who is not known again

    def append(self, entry: Entry) -> None:
        """Add a message later than all that are loaded."""
        self.entries.append(entry)
        self.last = entry.seq

    def admits(self, turn: int, per_key: int, consumer: int) -> bool:
        """Say whether `consumer` may have the next message: nothing is out, or all is out to it."""
        if self.turn == turn:
            return self.taken < per_key
        return self.blocking == 0 or 0 != consumer == self.consumer

    def is_next(self, entry: Entry) -> bool:
        """Say whether everything before `entry` is out or held."""
        return self.sent < len(self.entries) and self.entries[self.sent] is entry

    def took(self, turn: int, consumer: int) -> None:
        """Count the next message as taken in `turn` by `consumer`."""
        self.taken = self.taken + 1 if self.turn == turn else 1
        self.turn = turn
        self.consumer = consumer
        self.sent += 1
        while self.sent < len(self.entries) and self.entries[self.sent].state in SENT:
            self.sent += 1

    def recede(self, entry: Entry) -> None:
        """Let `entry` be the next to go out, if it had gone out."""
        if self.sent and entry.seq <= self.entries[self.sent - 1].seq:
            self.sent = self.entries.index(entry)

    def remove(self, entry: Entry) -> None:
        """Forget a message, wherever it stands."""
        if self.sent and entry.seq <= self.entries[self.sent - 1].seq:
            self.sent -= 1
        self.entries.remove(entry)

    def after(self, entry: Entry) -> Iterator[Entry]:
        """Yield the entries published later than `entry`."""
        return (other for other in self.entries if other.seq > entry.seq)

    def drain(self) -> Iterator[Entry]:
        """Remove and yield the acked entries that nothing earlier waits for."""
        while self.entries and self.entries[0].state is State.HELD:
            self.sent = max(0, self.sent - 1)
            yield self.entries.popleft()
