"""Remembers what was published lately, for tests that ask what their code has sent."""

from collections import deque
from collections.abc import Sequence

from emulators.pubsub.store import StoredMessage
from emulators.pubsub.topic import LiveTopic

MOST_BYTES = 64_000_000


class Recorder:
    """The newest messages of all topics, whether somebody is subscribed or not."""

    def __init__(self, *, max_bytes: int = MOST_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._published: deque[tuple[int, StoredMessage]] = deque()

    def published(self, topic: LiveTopic, messages: Sequence[StoredMessage]) -> None:
        """Remember messages; those remembered longest are forgotten."""
        for message in messages:
            self._published.append((topic.id, message))
            self._bytes += len(message.body)
        while self._bytes > self._max_bytes and len(self._published) > 1:
            _, forgotten = self._published.popleft()
            self._bytes -= len(forgotten.body)

    def of(self, topic: LiveTopic) -> list[StoredMessage]:
        """Return what was published to a topic, oldest first."""
        return [message for topic_id, message in self._published if topic_id == topic.id]
