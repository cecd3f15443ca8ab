"""Deletes from the log what nobody needs any more, a bounded piece with each commit."""

from collections.abc import Callable

from emulators.pubsub.alarm import Alarm
from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.store import Batch, seq_of
from emulators.pubsub.topic import LiveTopic

AT_ONCE = 10_000  # messages deleted in one commit


class Compaction:
    """The topics whose log may be shortened; `wake` asks for a commit before long."""

    def __init__(self, bodies: Bodies, clock: Clock, wake: Callable[[], None]) -> None:
        self._bodies = bodies
        self._clock = clock
        self._wake = wake
        self._topics: set[LiveTopic] = set()
        self._alarms: dict[LiveTopic, Alarm] = {}

    def look_at(self, topic: LiveTopic) -> None:
        """Shorten a topic's log with the next commit, if its messages are needed no longer."""
        self._topics.add(topic)
        self._wake()

    def published(self, topic: LiveTopic) -> None:
        """Make sure that messages which are kept for a time are looked at when it is over."""
        if topic.retention_ns() and topic not in self._alarms:
            self._ring_for(topic, self._clock.wall_ns() + topic.retention_ns() + 1)

    def remove(self, topic: LiveTopic) -> None:
        """Delete all of a topic that nobody needs any more, and then the topic."""
        topic.is_orphan = True
        if alarm := self._alarms.pop(topic, None):
            alarm.cancel()
        self.look_at(topic)

    def add_to(self, batch: Batch) -> None:
        """Add to a batch what it is to delete."""
        topics, self._topics = self._topics, set()
        for topic in topics:
            unneeded = topic.numbered if topic.is_orphan else self._unneeded(topic)
            upto = min(unneeded, topic.compacted + AT_ONCE)
            if upto > topic.compacted:
                batch.compacted[topic.id] = upto
                for seq in range(topic.compacted + 1, upto + 1):
                    self._bodies.forget(topic.position(seq))
                topic.compacted = upto
            if upto < unneeded:
                self.look_at(topic)
            elif topic.is_orphan:
                batch.statements.append(("DELETE FROM topics WHERE id = ?", (topic.id,)))

    def _unneeded(self, topic: LiveTopic) -> int:
        """Return up to where all messages are acked, in no snapshot, and too old to be replayed."""
        floor = topic.floor()
        retention = topic.retention_ns()
        if not retention or floor <= topic.compacted:
            return floor
        first = self._bodies.first_since(
            topic.position(topic.compacted + 1),
            topic.position(floor),
            self._clock.wall_ns() - retention,
        )
        if first is None:
            return floor
        position, published_ns = first
        self._ring_for(topic, published_ns + retention + 1)
        return seq_of(position) - 1

    def _ring_for(self, topic: LiveTopic, at_ns: int) -> None:
        if topic not in self._alarms:
            self._alarms[topic] = Alarm(self._clock, lambda: self._rang(topic))
        self._alarms[topic].set(at_ns)

    def _rang(self, topic: LiveTopic) -> None:
        del self._alarms[topic]
        self.look_at(topic)
