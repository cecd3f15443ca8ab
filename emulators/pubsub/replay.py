"""Seeks: lets a subscription's messages be acked or unacked again, in bulk."""

from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.errors import FailedPrecondition
from emulators.pubsub.resources import acked_retention_ns
from emulators.pubsub.seeking import sought
from emulators.pubsub.snapshots import Snapshots
from emulators.pubsub.store import seq_of
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic


class Replay:
    """Seeks to a time or to a snapshot. They take effect at once, durable with the next commit."""

    def __init__(self, bodies: Bodies, snapshots: Snapshots, clock: Clock) -> None:
        self._bodies = bodies
        self._snapshots = snapshots
        self._clock = clock

    def to_time(self, subscription: Subscription, time_ns: int) -> None:
        """Let all that was published before `time_ns` be acked, and all after it unacked.

        What is no longer retained stays acked. Raises: FailedPrecondition if it is detached.
        """
        floor, acked = subscription.position()
        floor, acked = sought(
            floor,
            acked,
            before=self._last_before(subscription.topic, time_ns),
            replayable_after=self._replayable_after(subscription),
        )
        subscription.seek(floor, acked)

    def to_snapshot(self, subscription: Subscription, name: str) -> None:
        """Let be unacked what was so in the snapshot, and all that was published after it.

        Raises: NotFound; FailedPrecondition if it is of another topic, or detached.
        """
        snapshot = self._snapshots.get(name)
        if snapshot.topic is not subscription.topic:
            raise FailedPrecondition(
                f"snapshot {name!r} is of topic {snapshot.resource.topic!r}, subscription "
                f"{subscription.resource.name!r} of {subscription.resource.topic!r}: "
                "they must have the same topic"
            )
        subscription.seek(snapshot.floor, snapshot.acked())

    def _last_before(self, topic: LiveTopic, time_ns: int) -> int:
        """Return the sequence number of the last message published before `time_ns`."""
        first = self._bodies.first_since(
            topic.position(topic.compacted + 1), topic.position(topic.head), time_ns
        )
        if first:
            return seq_of(first[0]) - 1
        return topic.numbered if time_ns > topic.last_published_ns else topic.head

    def _replayable_after(self, subscription: Subscription) -> int:
        """Return the sequence number after which acked messages are still retained."""
        topic, now = subscription.topic, self._clock.wall_ns()
        bounds = [topic.numbered]
        if own := topic.own_retention_ns():
            bounds.append(self._last_before(topic, now - own))
        if acked := acked_retention_ns(subscription.resource):
            bounds.append(max(subscription.retained_from, self._last_before(topic, now - acked)))
        return min(bounds)
