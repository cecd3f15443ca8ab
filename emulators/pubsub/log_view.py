"""A topic's log as one subscription's engine asks about it: keys, and what the filter lets pass."""

from emulators.pubsub.bodies import Bodies
from emulators.pubsub.protos import PubsubMessage, Subscription
from emulators.pubsub.resources import filter_of
from emulators.pubsub.store import StoredMessage, seq_of
from emulators.pubsub.topic import LiveTopic


class LogView:
    """Reads through the cache; a message that is gone matches, so that its delivery finds out."""

    def __init__(self, resource: Subscription, topic: LiveTopic, bodies: Bodies) -> None:
        self.ordered = resource.enable_message_ordering
        self._lets_pass = filter_of(resource)
        self.filtered = self._lets_pass is not None
        self._topic = topic
        self._bodies = bodies

    def message(self, seq: int) -> StoredMessage | None:
        """Return a message, None if it is gone or damaged."""
        topic = self._topic
        return self._bodies.get(topic.position(seq), topic.position(topic.head))

    def key(self, seq: int) -> str:
        message = self.message(seq)
        return message.ordering_key if message else ""

    def matches(self, seq: int) -> bool:
        message = self.message(seq)
        if message is None or self._lets_pass is None:
            return True
        return self._lets_pass(PubsubMessage.FromString(message.body).attributes)

    def later(self, key: str, after: int, up_to: int, limit: int) -> list[int]:
        first, last = self._topic.position(after + 1), self._topic.position(up_to)
        return [seq_of(one) for one in self._bodies.of_key(key, first, last, limit)]
