"""The rules of one subscription: who gets which message when, pure.

Messages are sequence numbers: the engine never sees a body, does no I/O and reads no clock; times
are monotonic seconds passed in. A backlog costs nothing here: what no one has asked for yet is the
range between `cursor` and `head`.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from emulators.pubsub.entries import BLOCKING, NEVER, Entry, Lane, State
from emulators.pubsub.policy import Policy
from emulators.pubsub.timetable import Timetable

# An ordered subscription looks this far for a message whose key is free.
ORDERED_WINDOW = 10_000


class Delivery(NamedTuple):
    """One message handed out: `generation` names the delivery, `attempt` counts from 1."""

    seq: int
    generation: int
    attempt: int


@dataclass(slots=True)
class Changes:
    """What to persist: all up to `floor` is acked, beyond it `acked`; and counts of failures."""

    floor: int = 0
    acked: list[int] = field(default_factory=list)
    failures: dict[int, int] = field(default_factory=dict)


class Engine:
    """The deliveries of one subscription. Sequence numbers above `floor` exist for it."""

    def __init__(
        self,
        policy: Policy,
        *,
        floor: int = 0,
        acked: Iterable[int] = (),
        failures: Mapping[int, int] | None = None,
        key_of: Callable[[int], str] | None = None,
        generation: int = 0,
    ) -> None:
        self.policy = policy
        # For the owner to forward, then call `forwarded` or `refused`: (seq, failed deliveries)
        self.exhausted: list[tuple[int, int]] = []
        self._head = self._cursor = floor
        self._acked_ahead = set(acked)
        self._known_failures = dict(failures or {})
        self._key_of = key_of
        self._generation = generation
        self._turn = 0
        self._entries: dict[int, Entry] = {}
        self._loaded: deque[int] = deque()
        self._lanes: dict[str, Lane] = {}
        self._ready: list[int] = []
        self._timetable = Timetable(self._entries)
        self._changes = Changes()

    # What happens to the subscription

    def publish(self, head: int) -> None:
        """Learn that all messages up to the sequence number `head` exist."""
        self._head = max(self._head, head)

    def take(self, limit: int, now: float, *, per_key: int | None = None) -> list[Delivery]:
        """Hand out up to `limit` messages, oldest first, with a lease of the ack deadline.

        Of one ordering key at most `per_key`, and none while an earlier take's are outstanding.
        """
        self.tick(now)
        self._turn += 1
        deliveries: list[Delivery] = []
        while len(deliveries) < limit and (entry := self._next(per_key or limit)):
            deliveries.append(self._lease(entry, now))
        return deliveries

    def ack(self, seq: int, generation: int) -> None:
        """Finish a message. Any delivery's ack counts; with an ordering key only the newest's."""
        entry = self._entries.get(seq)
        if entry is None:
            self._ack_unloaded(seq)
        elif not entry.key:
            self._finish(entry)
        elif entry.state is State.OUTSTANDING and entry.generation == generation:
            self._move(entry, State.HELD)
            self._settle(entry)

    def modify(self, seq: int, generation: int, seconds: float, now: float) -> None:
        """Move the deadline to `seconds` from now, 0 is a nack; older deliveries are ignored."""
        self.tick(now)
        entry = self._entries.get(seq)
        if entry is None or entry.state is not State.OUTSTANDING or entry.generation != generation:
            return
        if seconds == 0:
            self._fail(entry, now)
        else:
            self._move(entry, State.OUTSTANDING, now + seconds)

    def tick(self, now: float) -> None:
        """Treat every deadline passed at `now` as a nack and end every back-off that is over.

        Source: Pub/Sub, "delivery attempt = 1 + nacks + expired deadlines".
        """
        while entry := self._timetable.pop(now):
            if entry.state is State.OUTSTANDING:
                self._fail(entry, now)
            else:
                self._make_ready(entry)

    def give_back(self, seq: int, generation: int) -> None:
        """Make a delivery that never left the emulator available again; it counts as none."""
        entry = self._entries.get(seq)
        if entry and entry.state is State.OUTSTANDING and entry.generation == generation:
            self._make_ready(entry)

    def forwarded(self, seq: int) -> None:
        """Finish an exhausted message that is on the dead-letter topic now."""
        self._remove(self._entries[seq])

    def refused(self, seq: int, now: float) -> None:
        """Keep an exhausted message that could not be forwarded: it is delivered again."""
        self._redeliver(self._entries[seq], now)

    def drop_through(self, seq: int) -> None:
        """Finish everything up to `seq`, delivered or not: it is older than is kept."""
        self._cursor = max(self._cursor, min(seq, self._head))
        for entry in [entry for entry in self._entries.values() if entry.seq <= seq]:
            self._remove(entry)

    # What the owner asks

    def has_ready(self) -> bool:
        """Say whether `take` may find something; it may still come back empty."""
        return bool(self._ready) or (self._cursor < self._head and not self._window_is_full())

    def has_changes(self) -> bool:
        """Say whether `changes` has something worth a commit."""
        return bool(self._changes.acked or self._changes.failures)

    def unacked(self) -> int:
        """Return how many messages are neither acked nor forwarded."""
        return len(self._entries) + self._head - self._cursor - len(self._acked_ahead)

    def outstanding(self) -> int:
        """Return how many messages are delivered, neither acked nor expired."""
        return sum(entry.state is State.OUTSTANDING for entry in self._entries.values())

    def next_at(self) -> float | None:
        """Return when `tick` has something to do, None for never."""
        return self._timetable.next_at()

    def changes(self) -> Changes:
        """Return what has changed since the last call, to be persisted."""
        while self._loaded and self._loaded[0] not in self._entries:
            self._loaded.popleft()
        floor = self._loaded[0] - 1 if self._loaded else self._cursor
        changes, self._changes = self._changes, Changes()
        changes.floor = floor
        changes.acked = [seq for seq in changes.acked if seq > floor]
        return changes

    # How

    def _next(self, per_key: int) -> Entry | None:
        while self._ready:
            entry = self._entries.get(heapq.heappop(self._ready))
            if entry and self._is_free(entry, per_key):
                return entry
        while self._cursor < self._head and not self._window_is_full():
            entry = self._load()
            if entry and self._is_free(entry, per_key):
                return entry
        return None

    def _window_is_full(self) -> bool:
        return self._key_of is not None and len(self._entries) >= ORDERED_WINDOW

    def _is_free(self, entry: Entry, per_key: int) -> bool:
        if entry.state is not State.READY:
            return False
        return not entry.key or self._lanes[entry.key].admits(self._turn, per_key)

    def _load(self) -> Entry | None:
        self._cursor += 1
        seq = self._cursor
        if seq in self._acked_ahead:
            self._acked_ahead.remove(seq)
            self._known_failures.pop(seq, None)
            return None
        key = self._key_of(seq) if self._key_of else ""
        entry = self._entries[seq] = Entry(seq, key, self._known_failures.pop(seq, 0))
        self._loaded.append(seq)
        if key:
            self._lanes.setdefault(key, Lane()).entries.append(entry)
        return entry

    def _lease(self, entry: Entry, now: float) -> Delivery:
        self._generation += 1
        entry.generation = self._generation
        self._move(entry, State.OUTSTANDING, now + self.policy.ack_deadline)
        if entry.key:
            lane = self._lanes[entry.key]
            lane.took(self._turn)
            self._offer(lane, lane.taken)
        return Delivery(entry.seq, entry.generation, entry.failures + 1)

    def _offer(self, lane: Lane, index: int) -> None:
        if index < len(lane.entries):
            heapq.heappush(self._ready, lane.entries[index].seq)

    def _fail(self, entry: Entry, now: float) -> None:
        entry.failures += 1
        self._changes.failures[entry.seq] = entry.failures
        if self.policy.max_attempts and entry.failures >= self.policy.max_attempts:
            self._move(entry, State.EXHAUSTED)
            self.exhausted.append((entry.seq, entry.failures))
        else:
            self._redeliver(entry, now)
        self._take_back_later_ones(entry)

    def _redeliver(self, entry: Entry, now: float) -> None:
        delay = self.policy.retry.delay(entry.failures) if self.policy.retry else 0
        if delay:
            self._move(entry, State.DELAYED, now + delay)
        else:
            self._make_ready(entry)

    def _take_back_later_ones(self, entry: Entry) -> None:
        """A redelivery in a key redelivers all later messages of it, acked or not."""
        if lane := self._lanes.get(entry.key):
            for later in lane.after(entry):
                if later.state in (State.OUTSTANDING, State.HELD):
                    self._move(later, State.READY)
            self._settle(entry)

    def _make_ready(self, entry: Entry) -> None:
        self._move(entry, State.READY)
        if entry.key:
            self._settle(entry)
        else:
            heapq.heappush(self._ready, entry.seq)

    def _settle(self, entry: Entry) -> None:
        """After a change in an ordering key: finish what may be, offer what no longer waits."""
        lane = self._lanes.get(entry.key)
        if lane is None:
            return
        for acked in lane.drain():
            self._finish(acked)
        if not lane.entries:
            del self._lanes[entry.key]
        elif lane.blocking == 0:
            self._offer(lane, 0)

    def _move(self, entry: Entry, state: State, due: float = NEVER) -> None:
        if lane := self._lanes.get(entry.key):
            lane.blocking += (state in BLOCKING) - (entry.state in BLOCKING)
        entry.state = state
        entry.due = due
        if due != NEVER:
            self._timetable.add(entry)

    def _remove(self, entry: Entry) -> None:
        """Finish a message wherever it stands in its ordering key."""
        self._move(entry, State.HELD)
        if lane := self._lanes.get(entry.key):
            lane.entries.remove(entry)
        self._finish(entry)
        self._settle(entry)

    def _finish(self, entry: Entry) -> None:
        del self._entries[entry.seq]
        self._changes.failures.pop(entry.seq, None)
        self._changes.acked.append(entry.seq)

    def _ack_unloaded(self, seq: int) -> None:
        """An ack of a delivery before a restart: the message is not loaded again yet."""
        if self._cursor < seq <= self._head and not self._key_of:
            self._acked_ahead.add(seq)
            self._changes.acked.append(seq)
