"""The rules of one subscription: who gets which message when, pure.

Messages are sequence numbers: the engine never sees a body, does no I/O and reads no clock; times
are monotonic seconds passed in. A backlog costs nothing here: what no one has asked for yet is a
range of numbers.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from emulators.pubsub.backlog import Log, PlainLog
from emulators.pubsub.entries import Entry, State
from emulators.pubsub.policy import Policy
from emulators.pubsub.unacked import Changes, Glimpse, Unacked


class Delivery(NamedTuple):
    """One message handed out: `generation` names the delivery, `attempt` counts from 1."""

    seq: int
    generation: int
    attempt: int


class Engine:
    """The deliveries of one subscription. Sequence numbers above `floor` exist for it."""

    def __init__(
        self,
        policy: Policy,
        *,
        floor: int = 0,
        acked: Iterable[int] = (),
        failures: Mapping[int, int] | None = None,
        log: Log | None = None,
        generation: int = 0,
    ) -> None:
        self.policy = policy
        # For the owner to forward, then call `forwarded` or `refused`: (seq, failed deliveries)
        self.exhausted: list[tuple[int, int]] = []
        self._log = log or PlainLog()
        self._generation = generation
        self._first_generation = 0
        self._turn = 0
        self._head = floor
        self._unacked = Unacked(self._log, floor=floor, acked=acked, failures=failures or {})

    # What happens to the subscription

    def publish(self, head: int) -> None:
        """Learn that all messages up to the sequence number `head` exist."""
        self._head = max(self._head, head)
        self._unacked.reach(head)
        self._unacked.look_on()

    def take(
        self,
        limit: int,
        now: float,
        *,
        per_key: int | None = None,
        lease_seconds: float | None = None,
        consumer: int = 0,
    ) -> list[Delivery]:
        """Hand out up to `limit` messages, oldest first, with a lease of the ack deadline.

        Of one ordering key at most `per_key`, and none while an earlier take's are outstanding,
        unless all those were taken by the same `consumer`; 0 is nobody in particular.
        """
        self.tick(now)
        self._turn += 1
        self._unacked.look_on()
        self._unacked.offer_kept(consumer)
        due = now + (lease_seconds or self.policy.ack_deadline)
        deliveries: list[Delivery] = []
        while len(deliveries) < limit and (
            entry := self._unacked.next(self._turn, per_key or limit, consumer)
        ):
            deliveries.append(self._lease(entry, due, consumer))
        return deliveries

    def ack(self, seq: int, generation: int) -> bool:
        """Finish a message; return whether the ack counted.

        Any delivery's ack counts since the last seek; with an ordering key or exactly-once only
        the newest's, while it is outstanding; with both only if nothing earlier of the key waits.
        Call `tick` before, or a deadline that has passed still holds.
        """
        if generation < self._first_generation:
            return False
        strict = self.policy.exactly_once
        entry = self._unacked.entries.get(seq)
        if entry is None:
            return not strict and self._unacked.ack_ahead(seq)
        if (strict or entry.key) and not entry.is_out(generation):
            return False
        if not entry.key:
            self._unacked.finish(entry)
        elif strict and self._unacked.lanes[entry.key].entries[0] is not entry:
            return False
        else:
            self._unacked.move(entry, State.HELD)
            self._unacked.settle(entry.key)
        return True

    def modify(self, seq: int, generation: int, seconds: float, now: float) -> bool:
        """Move the deadline to `seconds` from now, 0 is a nack; older deliveries are ignored.

        Returns whether the delivery was outstanding, and the newest of its message.
        """
        self.tick(now)
        entry = self._unacked.entries.get(seq)
        if entry is None or not entry.is_out(generation):
            return False
        if seconds == 0:
            self._fail(entry, now)
        else:
            self._unacked.move(entry, State.OUTSTANDING, now + seconds)
        return True

    def tick(self, now: float) -> None:
        """Treat every deadline passed at `now` as a nack and end every back-off that is over.

        Source: Pub/Sub, "delivery attempt = 1 + nacks + expired deadlines".
        """
        while entry := self._unacked.timetable.pop(now):
            if entry.state is State.OUTSTANDING:
                self._fail(entry, now)
            else:
                self._unacked.make_ready(entry)

    def give_back(self, seq: int, generation: int) -> None:
        """Make a delivery that never left the emulator available again; it counts as none."""
        entry = self._unacked.entries.get(seq)
        if entry and entry.is_out(generation):
            self._unacked.make_ready(entry)

    def forwarded(self, seq: int) -> None:
        """Finish an exhausted message that is on the dead-letter topic now."""
        self._unacked.remove(self._unacked.entries[seq])

    def refused(self, seq: int, now: float) -> None:
        """Keep an exhausted message that could not be forwarded: it is delivered again."""
        self._redeliver(self._unacked.entries[seq], now)

    def drop_through(self, seq: int) -> None:
        """Finish everything up to `seq`, delivered or not: it is older than is kept."""
        self._unacked.drop_through(seq)
        self._unacked.look_on()

    def seek(self, floor: int, acked: Iterable[int]) -> None:
        """Begin anew: all up to `floor` is acked, and `acked` beyond it; attempts count from 1.

        Every lease ends, and acks of earlier deliveries no longer count. The owner persists it.
        """
        released = self.released + [entry.generation for entry in self._unacked.outstanding()]
        self.exhausted.clear()
        self._generation += 1
        self._first_generation = self._generation
        self._unacked = Unacked(self._log, floor=floor, acked=acked, failures={})
        self._unacked.released = released
        self.publish(self._head)

    def look_on(self) -> None:
        """Do one more turn of looking through the backlog, while `is_behind`."""
        self._unacked.look_on()

    # What the owner asks

    @property
    def released(self) -> list[int]:
        """Generations of the deliveries that have ended, however they ended; for it to drain."""
        return self._unacked.released

    @released.setter
    def released(self, generations: list[int]) -> None:
        self._unacked.released = generations

    def has_ready(self) -> bool:
        """Say whether `take` may find something; it may still come back empty."""
        return self._unacked.has_ready()

    def kept(self) -> dict[int, list[int]]:
        """Return what only one consumer may have next, by consumer."""
        return self._unacked.kept

    def available(self) -> int:
        """Return how many messages `take` may find at most."""
        return self._unacked.available()

    def is_behind(self) -> bool:
        """Say whether the last turn ended before all was looked at; `look_on` begins another."""
        return self._unacked.is_behind()

    def is_out(self, seq: int, generation: int) -> bool:
        """Say whether this delivery is outstanding."""
        entry = self._unacked.entries.get(seq)
        return entry is not None and entry.is_out(generation)

    def has_changes(self) -> bool:
        """Say whether `changes` has something worth a commit."""
        return self._unacked.has_changes()

    def changes(self) -> Changes:
        """Return what has changed since the last call, to be persisted."""
        return self._unacked.take_changes()

    def unacked(self) -> int:
        """Return how many messages are neither acked nor forwarded."""
        return len(self._unacked)

    def outstanding(self) -> int:
        """Return how many messages are delivered, neither acked nor expired."""
        return len(self._unacked.outstanding())

    def next_at(self) -> float | None:
        """Return when `tick` has something to do, None for never."""
        return self._unacked.timetable.next_at()

    def position(self) -> tuple[int, list[int]]:
        """Return the floor, and what is acked beyond it; an ordered ack only once it is final."""
        return self._unacked.floor(), self._unacked.acked_beyond_floor()

    def glimpses(self, after: int) -> Iterator[Glimpse]:
        """Yield the unacked messages beyond `after` in publish order; nothing is delivered."""
        return self._unacked.glimpses(after)

    # How

    def _lease(self, entry: Entry, due: float, consumer: int) -> Delivery:
        self._generation += 1
        entry.generation = self._generation
        self._unacked.move(entry, State.OUTSTANDING, due)
        if entry.key:
            lane = self._unacked.lanes[entry.key]
            lane.took(self._turn, consumer)
            self._unacked.offer(entry.key, lane.sent)
        return Delivery(entry.seq, entry.generation, entry.failures + 1)

    def _fail(self, entry: Entry, now: float) -> None:
        entry.failures += 1
        self._unacked.changes.failures[entry.seq] = entry.failures
        if self.policy.max_attempts and entry.failures >= self.policy.max_attempts:
            self._unacked.move(entry, State.EXHAUSTED)
            self.exhausted.append((entry.seq, entry.failures))
        else:
            self._redeliver(entry, now)
        self._take_back_later_ones(entry)

    def _redeliver(self, entry: Entry, now: float) -> None:
        delay = self.policy.retry.delay(entry.failures) if self.policy.retry else 0
        if delay:
            self._unacked.move(entry, State.DELAYED, now + delay)
        else:
            self._unacked.make_ready(entry)

    def _take_back_later_ones(self, entry: Entry) -> None:
        """A redelivery in a key redelivers all later messages of it, acked or not."""
        if lane := self._unacked.lanes.get(entry.key):
            for later in lane.after(entry):
                if later.state in (State.OUTSTANDING, State.HELD):
                    self._unacked.move(later, State.READY)
            self._unacked.settle(entry.key)
