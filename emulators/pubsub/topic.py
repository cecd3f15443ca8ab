"""One topic while the emulator runs: its numbering, its publish times, who needs its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emulators.pubsub.protos import PubsubMessage, Topic
from emulators.pubsub.resources import acked_retention_ns
from emulators.pubsub.store import StoredMessage, position_of

if TYPE_CHECKING:
    from emulators.pubsub.protos import Subscription as Resource
    from emulators.pubsub.snapshots import LiveSnapshot
    from emulators.pubsub.subscription import Subscription


class LiveTopic:
    """`head` is the last durable message; `numbered` the last that has been given a number.

    `subscriptions` are those attached to it, not those that were detached.
    """

    def __init__(self, topic_id: int, resource: Topic, head: int) -> None:
        self.id = topic_id
        self.resource = resource
        self.head = self.numbered = head
        self.compacted = 0  # messages up to here are deleted
        self.is_orphan = False  # deleted, and needed by nobody
        self.subscriptions: dict[int, Subscription] = {}
        self.detached: dict[int, Subscription] = {}
        self.snapshots: dict[str, LiveSnapshot] = {}
        self.last_published_ns = 0

    def number(self, messages: Sequence[PubsubMessage], wall_ns: int) -> list[StoredMessage]:
        """Give each message its id and publish time, and serialise it, once for everybody.

        Publish times of a topic never run back, whatever the machine's clock does.
        """
        now = self.last_published_ns = max(wall_ns, self.last_published_ns)
        return [self._stored(message, now) for message in messages]

    def reach(self, head: int) -> None:
        """Tell all subscriptions that the messages up to `head` are durable."""
        self.head = max(self.head, head)
        for subscription in self.subscriptions.values():
            subscription.published(self.head)

    def floor(self) -> int:
        """Return the sequence number up to which every subscription and snapshot has acked."""
        floors = [subscription.floor for subscription in self.subscriptions.values()]
        floors += [snapshot.floor for snapshot in self.snapshots.values()]
        return min(floors, default=self.head)

    def own_retention_ns(self) -> int:
        """Return how long every message is kept for all subscriptions, 0 if only while needed."""
        return self.resource.message_retention_duration.ToNanoseconds()

    def retention_ns(self) -> int:
        """Return how long messages that are acked may still be asked for, 0 for not at all."""
        kept = [acked_retention_ns(one.resource) for one in self.subscriptions.values()]
        return max(self.own_retention_ns(), *kept, 0)

    def is_wanted(self) -> bool:
        """Say whether anybody may ever ask for what is published now."""
        return bool(self.subscriptions or self.snapshots or self.own_retention_ns())

    def show_retention(self, resource: Resource) -> None:
        """Let a subscription's resource show this topic's retention, which only the server sets."""
        resource.ClearField("topic_message_retention_duration")
        if self.resource.HasField("message_retention_duration"):
            shown = resource.topic_message_retention_duration
            shown.CopyFrom(self.resource.message_retention_duration)

    def position(self, seq: int) -> int:
        """Return where the log has the `seq`-th message."""
        return position_of(self.id, seq)

    def _stored(self, message: PubsubMessage, now_ns: int) -> StoredMessage:
        self.numbered += 1
        position = self.position(self.numbered)
        message.message_id = str(position)
        message.publish_time.seconds, message.publish_time.nanos = divmod(now_ns, 10**9)
        return StoredMessage(position, now_ns, message.ordering_key, message.SerializeToString())
