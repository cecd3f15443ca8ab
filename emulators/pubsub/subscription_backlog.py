"""What is unacked of one subscription: what can be asked of it, and what is kept of it on disk."""

from collections.abc import Iterator

from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.engine import Engine
from emulators.pubsub.sources import Source
from emulators.pubsub.store import StoredMessage
from emulators.pubsub.topic import LiveTopic
from emulators.pubsub.unacked import Changes, Glimpse
from emulators.pubsub.wire import AckId


class SubscriptionBacklog:
    """The part of `Subscription` that delivers nothing and wakes nobody."""

    topic: LiveTopic
    floor: int
    _engine: Engine
    _source: Source
    _bodies: Bodies
    _clock: Clock
    _gone: Exception | None

    def position(self) -> tuple[int, list[int]]:
        """Return the floor, and what is acked beyond it."""
        return self._engine.position()

    def oldest_unacked_ns(self) -> int | None:
        """Return when the oldest unacked message was published, None if there is none.

        Raises: what `end` was told.
        """
        if self._gone:
            raise self._gone
        oldest = next(self._engine.glimpses(0), None)
        message = self.body(oldest.seq) if oldest else None
        return message.published_ns if message else None

    def available(self) -> int:
        """Return how many messages a `take` may find at most."""
        return self._source.available()

    def kept(self, consumer: int) -> int:
        """Return how many messages only `consumer` may have, as it has earlier ones of the key."""
        return len(self._engine.kept().get(consumer, ()))

    def is_out(self, ack_id: AckId) -> bool:
        """Say whether this delivery is outstanding."""
        return self._engine.is_out(ack_id.seq, ack_id.generation)

    def counts(self) -> dict[str, int]:
        """Return the sizes of the backlog, for people who look in."""
        return {"unacked": self._engine.unacked(), "outstanding": self._engine.outstanding()}

    def glimpses(self, after: int) -> Iterator[Glimpse]:
        """Yield the unacked messages beyond `after` in publish order; nothing is delivered."""
        return self._engine.glimpses(after)

    def changes(self) -> Changes:
        """Return what is to be persisted, and move the floor."""
        changes = self._engine.changes()
        self.floor = changes.floor
        return changes

    def forwarded(self, seq: int) -> None:
        """Finish a message that stands on the dead-letter topic now."""
        self._engine.forwarded(seq)

    def refused(self, seq: int) -> None:
        """Deliver a message again that could not be forwarded."""
        self._engine.refused(seq, self._clock.now())

    def body(self, seq: int) -> StoredMessage | None:
        """Return a message of this subscription's topic."""
        return self._bodies.get(self.topic.position(seq), self.topic.position(self.topic.head))

    def _message(self, seq: int) -> bytes | None:
        message = self.body(seq)
        return message.body if message else None
