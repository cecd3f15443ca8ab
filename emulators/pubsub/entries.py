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


class Lane:
    """The loaded messages of one ordering key, in publish order."""

    __slots__ = ("blocking", "entries", "taken", "turn")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.blocking = 0
        self.turn = 0
        self.taken = 0

    def admits(self, turn: int, per_key: int) -> bool:
        """Say whether the next message may go out: nothing is out, or only what this turn took."""
        if self.turn == turn:
            return self.taken < per_key and self.blocking == self.taken
        return self.blocking == 0

    def took(self, turn: int) -> None:
        """Count one message taken in `turn`."""
        self.taken = self.taken + 1 if self.turn == turn else 1
        self.turn = turn

    def after(self, entry: Entry) -> Iterator[Entry]:
        """Yield the entries published later than `entry`."""
        return (other for other in self.entries if other.seq > entry.seq)

    def drain(self) -> Iterator[Entry]:
        """Remove and yield the acked entries that nothing earlier waits for."""
        while self.entries and self.entries[0].state is State.HELD:
            yield self.entries.popleft()
