"""When a subscription's messages are too old to be kept, and when it is unused for too long."""

from collections.abc import Callable

from emulators.pubsub.alarm import Alarm
from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.protos import Subscription
from emulators.pubsub.store import seq_of
from emulators.pubsub.topic import LiveTopic


class Ageing:
    """Watches the wall clock for one subscription; `too_old` and `unused` are called in time."""

    def __init__(
        self,
        topic: LiveTopic,
        bodies: Bodies,
        clock: Clock,
        *,
        too_old: Callable[[], None],
        unused: Callable[[], None],
    ) -> None:
        self._topic = topic
        self._bodies = bodies
        self._clock = clock
        self._next_ns = 0  # before this moment nothing can be too old
        self._used_ns = clock.wall_ns()
        self._old = Alarm(clock, too_old)
        self._idle = Alarm(clock, unused)

    def configure(self, resource: Subscription) -> None:
        """Take over a changed resource, or a changed topic."""
        ttl = resource.expiration_policy.ttl.ToNanoseconds()
        kept = resource.message_retention_duration.ToNanoseconds()
        self._kept_ns = max(kept, self._topic.own_retention_ns())
        self._idle_ns = ttl
        self._next_ns = 0
        self._old.cancel()
        self._idle.cancel()
        self._old.set(self._clock.wall_ns())
        self.used()
        if ttl:
            self._idle.set(self._used_ns + ttl)

    def published(self) -> None:
        """Make sure that what has come is looked at when it is too old."""
        if not self._old.is_set:
            self._old.set(self._clock.wall_ns() + self._kept_ns + 1)

    def sought(self) -> None:
        """Look anew at the next chance: a seek may have brought back what is too old."""
        self._next_ns = 0

    def used(self) -> None:
        """Begin to count anew how long the subscription is not used."""
        self._used_ns = self._clock.wall_ns()

    def is_unused(self) -> bool:
        """Say whether it was not used for as long as it may be; if not yet, `unused` rings again.

        Source: Pub/Sub, `Subscription.expiration_policy`.
        """
        over = self._used_ns + self._idle_ns
        if self._clock.wall_ns() >= over:
            return True
        self._idle.set(over)
        return False

    def too_old(self, floor: int) -> int:
        """Return up to which sequence number messages are too old; `floor` if none beyond is."""
        now = self._clock.wall_ns()
        if now < self._next_ns:
            self._old.set(self._next_ns)
            return floor
        first = self._bodies.first_since(
            self._topic.position(floor + 1),
            self._topic.position(self._topic.head),
            now - self._kept_ns,
        )
        if first is None:
            self._next_ns = now + self._kept_ns + 1
            return max(floor, self._topic.head)
        position, published_ns = first
        self._next_ns = published_ns + self._kept_ns + 1
        self._old.set(self._next_ns)
        return seq_of(position) - 1

    def end(self) -> None:
        """Watch no more."""
        self._old.cancel()
        self._idle.cancel()
