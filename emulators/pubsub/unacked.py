"""A subscription's unacked messages: those in memory, in what state, and the backlog behind them.

It knows where each one is and what is to be persisted, not when or why one moves. Pure.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from emulators.pubsub.backlog import Backlog, Log
from emulators.pubsub.entries import BLOCKING, NEVER, SENT, Entry, State
from emulators.pubsub.lanes import Lanes
from emulators.pubsub.timetable import Timetable

# Messages looked at in one turn for one that may be delivered, so that the loop goes on meanwhile.
MOST_LOOKS = 1000


@dataclass(slots=True)
class Changes:
    """What to persist: all up to `floor` is acked, beyond it `acked`; and counts of failures."""

    floor: int = 0
    acked: list[int] = field(default_factory=list)
    failures: dict[int, int] = field(default_factory=dict)


class Glimpse(NamedTuple):
    """An unacked message as somebody sees it who looks in: `state` is a word of `State`."""

    seq: int
    state: str
    failures: int


class Unacked:
    """Every message above `floor`, but for those in `acked`, until it is finished."""

    def __init__(
        self, log: Log, *, floor: int, acked: Iterable[int], failures: Mapping[int, int]
    ) -> None:
        acked = set(acked)
        self.entries: dict[int, Entry] = {}
        self.lanes = Lanes(log, acked)
        self.timetable = Timetable(self.entries)
        self.changes = Changes()
        self.released: list[int] = []  # generations of deliveries that have ended
        self._log = log
        self._backlog = Backlog(log, floor=floor, acked=acked, failures=failures)
        self._loaded: list[int] = []  # a heap
        self._ready: list[int] = []  # a heap
        self.kept: dict[int, list[int]] = {}  # for a consumer who has earlier ones of the key
        self._told_floor = floor
        self._looks = MOST_LOOKS

    def __len__(self) -> int:
        return len(self.entries) + self.lanes.resting + len(self._backlog)

    def reach(self, head: int) -> None:
        """Learn that the messages up to `head` exist."""
        self._backlog.head = max(self._backlog.head, head)

    def next(self, turn: int, per_key: int, consumer: int) -> Entry | None:
        """Return the first message that `consumer` may have, None if this turn has found none."""
        while self._ready:
            entry = self.entries.get(heapq.heappop(self._ready))
            if entry and self._is_free(entry, turn, per_key, consumer):
                return entry
        while self._looks > 0 and self._backlog.cursor < self._backlog.head:
            entry = self._load(turn, per_key, consumer)
            if entry and self._is_free(entry, turn, per_key, consumer):
                return entry
            self._looks -= 1
        return None

    def offer_kept(self, consumer: int) -> None:
        """Let `next` find what is kept for a consumer."""
        for seq in self.kept.pop(consumer, ()):
            heapq.heappush(self._ready, seq)

    def look_on(self) -> None:
        """Begin a new turn of looking through the backlog."""
        self._looks = MOST_LOOKS
        self._backlog.sift(MOST_LOOKS)

    def is_behind(self) -> bool:
        """Say whether there is more to look through than this turn allows."""
        return self._looks <= 0 or self._backlog.is_unsifted

    def available(self) -> int:
        """Return how many messages are not delivered; an ordering key may still hold some back."""
        return len(self._ready) + len(self._backlog)

    def has_ready(self) -> bool:
        """Say whether `next` may find something; it may still find nothing."""
        return bool(self._ready) or self._backlog.cursor < self._backlog.head

    def move(self, entry: Entry, state: State, due: float = NEVER) -> None:
        """Change a message's state; in DELAYED and OUTSTANDING until `due`."""
        if lane := self.lanes.get(entry.key):
            lane.blocking += (state in BLOCKING) - (entry.state in BLOCKING)
            if state not in SENT:
                lane.recede(entry)
        if entry.state is State.OUTSTANDING and state is not State.OUTSTANDING:
            self.released.append(entry.generation)
        entry.state = state
        entry.due = due
        if due != NEVER:
            self.timetable.add(entry)

    def make_ready(self, entry: Entry) -> None:
        """Let a message be delivered as soon as its ordering key allows."""
        self.move(entry, State.READY)
        if not entry.key:
            heapq.heappush(self._ready, entry.seq)
            return
        self.settle(entry.key)
        lane = self.lanes.get(entry.key)
        if lane and lane.blocking and lane.is_next(entry):
            heapq.heappush(self._ready, entry.seq)  # for the consumer who has the earlier ones

    def settle(self, key: str) -> None:
        """After a change in an ordering key: finish what may be, offer what no longer waits."""
        lane = self.lanes.get(key)
        if lane is None:
            return
        for acked in lane.drain():
            self.finish(acked)
        if lane.blocking == 0:
            self.offer(key, 0)
        if not lane.entries:
            del self.lanes[key]

    def offer(self, key: str, index: int) -> None:
        """Let the message at `index` of a key be the next one of it."""
        lane = self.lanes[key]
        if index >= len(lane.entries) and lane.resting:
            for seq in self.lanes.wake(key, self._backlog.cursor):
                self._enter(seq, key)
        if index < len(lane.entries):
            heapq.heappush(self._ready, lane.entries[index].seq)

    def finish(self, entry: Entry) -> None:
        """Forget a message that is acked, of which nothing earlier of its key waits."""
        if entry.state is State.OUTSTANDING:
            self.released.append(entry.generation)
        del self.entries[entry.seq]
        self.changes.failures.pop(entry.seq, None)
        self.changes.acked.append(entry.seq)

    def remove(self, entry: Entry) -> None:
        """Finish a message wherever it stands in its ordering key."""
        self.move(entry, State.HELD)
        if lane := self.lanes.get(entry.key):
            lane.remove(entry)
        self.finish(entry)
        self.settle(entry.key)

    def ack_ahead(self, seq: int) -> bool:
        """Finish a message that is not loaded; False if there is none, or its key may wait."""
        if self._log.ordered or not self._backlog.ack(seq):
            return False
        self.changes.acked.append(seq)
        return True

    def drop_through(self, seq: int) -> None:
        """Finish everything up to `seq`, delivered or not."""
        seq = min(seq, self._backlog.head)
        self._backlog.jump(seq)
        self.lanes.dropped = max(self.lanes.dropped, seq)
        for entry in [entry for entry in self.entries.values() if entry.seq <= seq]:
            self.remove(entry)

    def outstanding(self) -> list[Entry]:
        """Return what is delivered, neither acked nor expired."""
        return [entry for entry in self.entries.values() if entry.state is State.OUTSTANDING]

    # How far it is

    def floor(self) -> int:
        """Return the sequence number up to which all is acked."""
        while self._loaded and self._loaded[0] not in self.entries:
            heapq.heappop(self._loaded)
        return self._loaded[0] - 1 if self._loaded else self._backlog.cursor

    def has_changes(self) -> bool:
        """Say whether `take_changes` has something worth a commit."""
        changes = self.changes
        return bool(changes.acked or changes.failures) or self.floor() > self._told_floor

    def take_changes(self) -> Changes:
        """Return what has changed since the last call, to be persisted."""
        changes, self.changes = self.changes, Changes()
        changes.floor = self._told_floor = self.floor()
        changes.acked = [seq for seq in changes.acked if seq > changes.floor]
        return changes

    def acked_beyond_floor(self) -> list[int]:
        """Return what is acked beyond the floor; an ordered ack only once it is final."""
        cursor = self._backlog.cursor
        waiting = self.entries.keys() | self.lanes.all_resting(cursor)
        behind = (seq for seq in range(self.floor() + 1, cursor + 1) if seq not in waiting)
        return [*behind, *self._backlog.acked()]

    def glimpses(self, after: int) -> Iterator[Glimpse]:
        """Yield the messages beyond `after` in publish order; nothing moves."""
        cursor = self._backlog.cursor
        resting = self.lanes.all_resting(cursor)
        for seq in range(max(after, self.floor()) + 1, self._backlog.head + 1):
            if entry := self.entries.get(seq):
                yield Glimpse(seq, entry.state.name.lower(), entry.failures)
            elif seq in resting or (seq > cursor and self._backlog.has(seq)):
                yield Glimpse(seq, "ready", self._backlog.failures_so_far(seq))

    # How

    def _is_free(self, entry: Entry, turn: int, per_key: int, consumer: int) -> bool:
        if entry.state is not State.READY:
            return False
        if not entry.key:
            return True
        lane = self.lanes[entry.key]
        if not lane.is_next(entry):
            return False
        if not lane.admits(turn, per_key, consumer):
            if lane.consumer not in (0, consumer):
                self.kept.setdefault(lane.consumer, []).append(entry.seq)
            return False
        return True

    def _load(self, turn: int, per_key: int, consumer: int) -> Entry | None:
        if not self._backlog.pop():
            return None
        seq = self._backlog.cursor
        key = self._log.key(seq) if self._log.ordered else ""
        if key and self.lanes.must_rest(key, len(self.entries), turn, per_key, consumer):
            return None
        return self._enter(seq, key)

    def _enter(self, seq: int, key: str) -> Entry:
        entry = self.entries[seq] = Entry(seq, key, self._backlog.failures(seq))
        heapq.heappush(self._loaded, seq)
        if key:
            self.lanes.append(entry)
        return entry
