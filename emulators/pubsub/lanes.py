"""The ordering keys of a subscription that have unacked messages. Bookkeeping, no rules.

A key that waits keeps only its first messages in memory: the others rest in the log, so that any
number of them neither hides other keys' messages nor costs memory.
"""

from collections.abc import Collection

from emulators.pubsub.backlog import Log
from emulators.pubsub.entries import Entry, Lane

LOADED_OF_A_KEY = 100  # of a key that waits
LOADED_OF_ALL = 10_000  # with more than this in memory, a key that waits loads none


class Lanes(dict[str, Lane]):
    """Lanes by key. `resting` counts the messages that the cursor has passed and nobody loaded."""

    def __init__(self, log: Log, acked: Collection[int]) -> None:
        super().__init__()
        self.resting = 0
        self.dropped = 0  # nothing up to here is delivered any more
        self._log = log
        self._acked = acked if log.ordered else ()  # before this run

    def append(self, entry: Entry) -> None:
        """Add a loaded message, the latest of its key."""
        self.setdefault(entry.key, Lane()).append(entry)

    def must_rest(self, key: str, loaded: int, turn: int, per_key: int, consumer: int) -> bool:
        """Say whether the next message of a key is to rest, and count it if so."""
        lane = self.get(key)
        if lane is None:
            return False
        if not lane.resting and (
            (lane.sent == len(lane.entries) and lane.admits(turn, per_key, consumer))
            or (len(lane.entries) < LOADED_OF_A_KEY and loaded < LOADED_OF_ALL)
        ):
            return False
        lane.resting += 1
        self.resting += 1
        return True

    def wake(self, key: str, up_to: int) -> list[int]:
        """Return the next resting messages of a key, to be loaded."""
        lane = self[key]
        woken: list[int] = []
        while lane.resting and not woken:
            found = self._log.later(key, lane.last, up_to, LOADED_OF_A_KEY)
            wanted = [seq for seq in found if self._rests(seq)]
            woken = [seq for seq in wanted if seq > self.dropped]
            # Dropped ones may have left the log already: with the last found, none is left.
            left = lane.resting - len(wanted) if len(found) == LOADED_OF_A_KEY else 0
            self.resting -= lane.resting - left
            lane.resting = left
            if found:
                lane.last = found[-1]
        return woken

    def all_resting(self, up_to: int) -> set[int]:
        """Return every message that rests."""
        if not self.resting:
            return set()
        return {
            seq
            for key, lane in self.items()
            if lane.resting
            for seq in self._log.later(key, lane.last, up_to, up_to)
            if seq > self.dropped and self._rests(seq)
        }

    def _rests(self, seq: int) -> bool:
        return seq not in self._acked and (not self._log.filtered or self._log.matches(seq))
