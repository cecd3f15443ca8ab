"""One topic while the emulator runs: its numbering, its publish times, who is subscribed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emulators.pubsub.protos import PubsubMessage, Topic
from emulators.pubsub.store import StoredMessage, position_of

if TYPE_CHECKING:
    from emulators.pubsub.subscription import Subscription


class LiveTopic:
    """`head` is the last durable message; `numbered` the last that has been given a number."""

    def __init__(self, topic_id: int, resource: Topic, head: int) -> None:
        self.id = topic_id
        self.resource = resource
        self.head = self.numbered = head
        self.compacted = 0  # messages up to here are deleted
        self.subscriptions: dict[int, Subscription] = {}
        self._last_published_ns = 0

    def number(self, messages: Sequence[PubsubMessage], wall_ns: int) -> list[StoredMessage]:
        """Give each message its id and publish time, and serialise it, once for everybody.

        Publish times of a topic never run back, whatever the machine's clock does.
        """
        now = self._last_published_ns = max(wall_ns, self._last_published_ns)
        return [self._stored(message, now) for message in messages]

    def reach(self, head: int) -> None:
        """Tell all subscriptions that the messages up to `head` are durable."""
        self.head = max(self.head, head)
        for subscription in self.subscriptions.values():
            subscription.published(self.head)

    def floor(self) -> int:
        """Return the sequence number up to which every subscription has acked."""
        floors = [subscription.floor for subscription in self.subscriptions.values()]
        return min(floors, default=self.head)

    def position(self, seq: int) -> int:
        """Return where the log has the `seq`-th message."""
        return position_of(self.id, seq)

    def _stored(self, message: PubsubMessage, now_ns: int) -> StoredMessage:
        self.numbered += 1
        position = self.position(self.numbered)
        message.message_id = str(position)
        message.publish_time.seconds, message.publish_time.nanos = divmod(now_ns, 10**9)
        return StoredMessage(position, now_ns, message.ordering_key, message.SerializeToString())
