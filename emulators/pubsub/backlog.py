"""What a subscription has not looked at yet, and why some of it never counts. Pure.

A range of sequence numbers from `cursor` to `head`, whatever its length, plus what is acked in it.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Log(Protocol):
    """What is asked about the messages themselves; only where `ordered` or `filtered` says so."""

    @property
    def ordered(self) -> bool:
        """Whether ordering keys count."""

    @property
    def filtered(self) -> bool:
        """Whether `matches` may be False."""

    def key(self, seq: int) -> str:
        """Return the ordering key of a message, "" for none."""

    def matches(self, seq: int) -> bool:
        """Say whether the filter lets a message through."""

    def later(self, key: str, after: int, up_to: int, limit: int) -> list[int]:
        """Return the first `limit` messages of an ordering key after `after` and to `up_to`."""


class PlainLog:
    """A log without ordering keys and filter."""

    ordered = False
    filtered = False

    def key(self, _: int) -> str:
        return ""

    def matches(self, _: int) -> bool:
        return True

    def later(self, _key: str, _after: int, _up_to: int, _limit: int) -> list[int]:
        return []


class Backlog:
    """The messages after `cursor`; its length is how many of them are to be delivered."""

    def __init__(
        self, log: Log, *, floor: int, acked: Iterable[int], failures: Mapping[int, int]
    ) -> None:
        self.head = self.cursor = floor
        self._log = log
        self._acked = set(acked)
        self._failures = dict(failures)
        self._sifted = floor  # how far the filter has been asked ahead of the cursor
        self._unwanted = 0  # what it leaves out up to there

    def __len__(self) -> int:
        return self.head - self.cursor - len(self._acked) - self._unwanted

    @property
    def is_unsifted(self) -> bool:
        """Whether there are messages that the filter has not been asked about."""
        return self._log.filtered and self._sifted < self.head

    def pop(self) -> bool:
        """Move the cursor on by one; say whether the message it stands on is to be delivered."""
        self.cursor += 1
        if self.cursor in self._acked:
            self._acked.remove(self.cursor)
            return False
        if not self._log.filtered or self._log.matches(self.cursor):
            return True
        if self.cursor <= self._sifted:
            self._unwanted -= 1
        return False

    def failures(self, seq: int) -> int:
        """Return, and forget, how many deliveries of a message failed before it was loaded."""
        return self._failures.pop(seq, 0)

    def failures_so_far(self, seq: int) -> int:
        """Return the same and keep it."""
        return self._failures.get(seq, 0)

    def sift(self, limit: int) -> None:
        """Ask the filter about up to `limit` messages more; what it leaves out counts as acked."""
        if not self._log.filtered:
            return
        start = max(self._sifted, self.cursor)
        self._sifted = min(self.head, start + limit)
        for seq in range(start + 1, self._sifted + 1):
            if seq not in self._acked and not self._log.matches(seq):
                self._unwanted += 1
                if seq - self.cursor == self._unwanted:
                    self.cursor, self._unwanted = seq, 0
        if not len(self):
            self.jump(self.head)

    def ack(self, seq: int) -> bool:
        """Finish a message that is not loaded; False if there is none to be delivered."""
        if not self.cursor < seq <= self.head or not self.has(seq):
            return False
        self._acked.add(seq)
        return True

    def has(self, seq: int) -> bool:
        """Say whether a message after the cursor is to be delivered."""
        return seq not in self._acked and (not self._log.filtered or self._log.matches(seq))

    def acked(self) -> list[int]:
        """Return what is acked after the cursor."""
        return sorted(self._acked)

    def jump(self, seq: int) -> None:
        """Finish everything up to `seq`."""
        if seq <= self.cursor:
            return
        self.cursor = self._sifted = seq
        self._unwanted = 0
        self._acked = {acked for acked in self._acked if acked > seq}
        self._failures = {one: count for one, count in self._failures.items() if one > seq}
