"""What one subscription must and may do, as the documentation says it, message by message.

Each method is told what the broker did and asserts that it was right. After a crash some things
cannot be known, as acks that were not written yet: those messages are UNSURE until they come again.
"""

import itertools
from dataclasses import dataclass, field

from tests.unit.pubsub.broker_fates import FINISHED, NEVER, Fate, Message


@dataclass
class Model:
    """A subscription with these settings; times in seconds."""

    ordered: bool
    exactly_once: bool
    retains_acked: bool
    attempts: int | None
    retention: float
    deadline: float = 10
    messages: list[Message] = field(default_factory=list)
    snapshots: dict[str, list[Fate]] = field(default_factory=dict)
    old: set[object] = field(default_factory=set)  # ack ids from before a restart: may count
    void: set[object] = field(default_factory=set)  # … from before a seek: do not count
    given: set[object] = field(default_factory=set)  # all ack ids
    unsure_letters: set[int] = field(default_factory=set)

    def publish(self, key: str, now: float, *, wanted: bool) -> Message:
        """Note a message that is published and committed."""
        fate = Fate.UNACKED if wanted else Fate.ACKED
        key = key if self.ordered else ""
        message = Message(len(self.messages), key, now, wanted, fate, fate)
        self.messages.append(message)
        return message

    def delivered(self, number: int, ack_id: object, attempt: int, now: float) -> None:
        """Check a delivery: it is due, in order, to nobody else, and its attempt is right."""
        message = self.messages[number]
        assert message.fate in (Fate.UNACKED, Fate.UNSURE), f"{message} was delivered"
        assert message.due == NEVER, f"{message} is outstanding"
        for earlier in self._earlier(message):
            if earlier.fate is Fate.UNSURE and earlier.due == NEVER:
                earlier.fate = earlier.on_disk = Fate.ACKED  # so the ack was written after all
            assert earlier.fate is not Fate.UNACKED or earlier.due != NEVER, f"{earlier} is first"
        if self.attempts:
            assert message.least + 1 <= attempt <= message.failures + 1
            message.least = message.failures = attempt - 1
        if message.fate is Fate.UNSURE:
            message.fate = message.on_disk = Fate.UNACKED
        message.due, message.delivery = now + self.deadline, ack_id
        self.given.add(ack_id)

    def acked(self, number: int, ack_id: object, *, accepted: bool) -> None:
        """Note an ack, and check under exactly-once that it counted exactly if it may."""
        message = self.messages[number]
        if message.fate is Fate.GONE:
            return
        alive = self._is_alive(message, ack_id)
        if self.exactly_once:
            first = all(earlier.fate in FINISHED for earlier in self._earlier(message))
            assert accepted == (alive and first), f"ack of {message}: {accepted}"
            if accepted:
                message.fate, message.due = Fate.ACKED, NEVER
        elif message.key:
            if alive:
                message.fate, message.due = Fate.HELD, NEVER
                self._settle(message.key)
        elif message.fate in (Fate.UNACKED, Fate.UNSURE) and ack_id not in self.void:
            message.fate = Fate.UNSURE if ack_id in self.old else Fate.ACKED
            message.due = NEVER

    def modified(self, number: int, ack_id: object, seconds: float, now: float) -> bool:
        """Note a modack, 0 is a nack; return whether it may have counted."""
        message = self.messages[number]
        alive = self._is_alive(message, ack_id)
        if alive and seconds:
            message.due = now + seconds
        elif alive:
            self._fail(message)
        return alive or message.fate is Fate.GONE

    def time_is(self, now: float) -> None:
        """Let deadlines pass and old messages go, in the order of their moments."""
        while True:
            moments = [
                (at, rank, message.number)
                for message in self.messages
                for rank, at in enumerate((message.due, self._gone_at(message)))
                if at <= now
            ]
            if not moments:
                return
            _, rank, number = min(moments)
            if rank == 0:
                self._fail(self.messages[number])
            else:
                self._go(self.messages[number])

    def sought_to_time(self, time: float, now: float) -> None:
        """Note a committed seek: the earlier acked, the later unacked if it is still there."""
        for message in self._sought():
            if message.published < time:
                message.fate = Fate.ACKED
            elif self.retains_acked and now - message.published <= self.retention:
                message.fate = Fate.UNACKED
        self.committed()

    def snapshot(self, name: str) -> None:
        """Note a committed snapshot."""
        finished = {Fate.DEAD: Fate.ACKED, Fate.HELD: Fate.UNACKED}
        self.snapshots[name] = [finished.get(one.fate, one.fate) for one in self.messages]
        self.committed()

    def sought_to_snapshot(self, name: str) -> None:
        """Note a committed seek: as it was at the snapshot, and all later ones unacked."""
        fates = itertools.chain(self.snapshots[name], itertools.repeat(Fate.UNACKED))
        for message, fate in zip(self.messages, fates, strict=False):
            if message.fate is not Fate.GONE and message.wanted:
                message.fate = fate
        list(self._sought())
        self.committed()

    def committed(self) -> None:
        """Note that all is written that has happened."""
        for message in self.messages:
            message.on_disk = Fate.UNACKED if message.fate is Fate.HELD else message.fate
            message.written = message.least
            message.letters_written = message.letters

    def restarted(self) -> None:
        """Note a clean stop and a start: leases are forgotten, and what only they held."""
        self._end_run()
        self.committed()

    def crashed(self) -> None:
        """Note a crash and a start: what was not written may be forgotten."""
        self._end_run()
        for message in self.messages:
            message.least = message.written
            if message.letters != message.letters_written:
                self.unsure_letters.add(message.number)
            if message.fate is not message.on_disk and message.fate is not Fate.GONE:
                message.fate = Fate.UNSURE

    def detached(self) -> None:
        """Note that the subscription is detached."""
        self._forget_leases()
        for message in self.messages:
            message.fate = Fate.GONE

    def is_counted(self, unacked: int) -> bool:
        """Say whether the broker's count of unacked messages may be right."""
        fates = [message.fate for message in self.messages]
        least = fates.count(Fate.UNACKED) + fates.count(Fate.HELD)
        return least <= unacked <= least + fates.count(Fate.UNSURE)

    # How

    def _gone_at(self, message: Message) -> float:
        if message.fate is Fate.GONE:
            return NEVER
        return message.published + self.retention + 1e-6

    def _go(self, message: Message) -> None:
        """What is too old is finished wherever it stood in its key."""
        message.fate, message.due = Fate.GONE, NEVER
        self._settle(message.key)

    def _is_alive(self, message: Message, ack_id: object) -> bool:
        return message.due != NEVER and message.delivery == ack_id

    def _earlier(self, message: Message) -> list[Message]:
        return [one for one in self._of_key(message.key) if one.number < message.number]

    def _of_key(self, key: str) -> list[Message]:
        return [message for message in self.messages if key and message.key == key]

    def _fail(self, message: Message) -> None:
        """A nack or an expiry; in a key, all later ones are to be delivered again."""
        message.due = NEVER
        message.failures += 1
        message.least += 1
        if self.attempts and message.failures >= self.attempts:
            message.fate = Fate.DEAD
            message.letters += 1
        for later in self._of_key(message.key)[::-1]:
            if later.number > message.number:
                later.due = NEVER
                if later.fate is Fate.HELD:
                    later.fate = Fate.UNACKED
        self._settle(message.key)

    def _settle(self, key: str) -> None:
        """An ordered ack is final once everything earlier of its key is finished."""
        for message in self._of_key(key):
            if message.fate is Fate.HELD:
                message.fate = Fate.ACKED
            if message.fate not in FINISHED:
                return

    def _sought(self):
        """Forget leases and attempts; yield what a seek may move."""
        self._forget_leases()
        self.void |= self.given
        for message in self.messages:
            message.failures = message.least = message.written = 0
            if message.fate is not Fate.GONE and message.wanted:
                yield message

    def _end_run(self) -> None:
        """The next run knows no lease, and not which acks a seek has made void."""
        self._forget_leases()
        self.old |= self.given
        self.void.clear()

    def _forget_leases(self) -> None:
        for message in self.messages:
            message.due = NEVER
            if message.fate is Fate.HELD:
                message.fate = Fate.UNACKED
