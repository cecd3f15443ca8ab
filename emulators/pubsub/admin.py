"""Creating, changing, listing and deleting topics and subscriptions, durably."""

from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub import protos
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import AlreadyExists, NotFound
from emulators.pubsub.names import DELETED_TOPIC
from emulators.pubsub.resources import ACTIVE, check_topic, complete_subscription, updated
from emulators.pubsub.store import DELETE_MESSAGES, Store
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic


class Admin:
    """The resources of a broker. Every change is durable once the method returns."""

    def __init__(self, broker: Broker, store: Store) -> None:
        self._broker = broker
        by_id = self._load_topics(store)
        self._load_subscriptions(store, by_id)
        self._next_topic = max(by_id, default=0) + 1
        ids = (subscription.id for subscription in broker.subscriptions.values())
        self._next_subscription = max(ids, default=0) + 1

    async def create_topic(self, resource: protos.Topic) -> protos.Topic:
        """Create a topic. Raises: AlreadyExists, and what `check_topic` raises."""
        check_topic(resource)
        if resource.name in self._broker.topics:
            raise AlreadyExists(f"topic {resource.name!r} exists")
        resource.state = ACTIVE
        topic = self._broker.topics[resource.name] = LiveTopic(self._next_topic, resource, head=0)
        self._next_topic += 1
        await self._write(
            "INSERT INTO topics (id, name, resource, head) VALUES (?, ?, ?, 0)",
            (topic.id, resource.name, resource.SerializeToString()),
        )
        return resource

    async def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions stay, with their backlog. Raises: NotFound."""
        topic = self._broker.topic(name)
        del self._broker.topics[name]
        self._add("UPDATE topics SET name = NULL WHERE id = ?", (topic.id,))
        for subscription in topic.subscriptions.values():
            subscription.resource.topic = DELETED_TOPIC
            self._save(subscription)
        self._drop_if_orphan(topic)
        await self._broker.journal.commit()

    async def create_subscription(self, resource: protos.Subscription) -> protos.Subscription:
        """Create a subscription; it gets what is published from now on.

        Raises: AlreadyExists, NotFound (topic, dead-letter topic), and what
        `complete_subscription` raises.
        """
        complete_subscription(resource)
        if resource.name in self._broker.subscriptions:
            raise AlreadyExists(f"subscription {resource.name!r} exists")
        topic = self._broker.topic(resource.topic)
        self._check_dead_letter_topic(resource)
        subscription_id, floor = self._next_subscription, topic.numbered
        self._next_subscription += 1
        self._broker.attach(subscription_id, resource, topic, floor)
        await self._write(
            "INSERT INTO subscriptions (id, topic, resource, floor) VALUES (?, ?, ?, ?)",
            (subscription_id, topic.id, resource.SerializeToString(), floor),
        )
        return resource

    async def update_subscription(
        self, changes: protos.Subscription, mask: FieldMask
    ) -> protos.Subscription:
        """Change the masked fields. Raises: NotFound, and what `updated` raises."""
        subscription = self._broker.subscription(changes.name)
        resource = updated(subscription.resource, changes, mask)
        self._check_dead_letter_topic(resource)
        subscription.configure(resource)
        self._save(subscription)
        await self._broker.journal.commit()
        return resource

    async def delete_subscription(self, name: str) -> None:
        """Delete a subscription and its backlog; waiting pulls get NotFound. Raises: NotFound."""
        subscription = self._broker.subscription(name)
        self._broker.detach(subscription, NotFound(f"subscription {name!r} was deleted"))
        for statement in (
            "DELETE FROM subscriptions WHERE id = ?",
            "DELETE FROM acks WHERE subscription = ?",
            "DELETE FROM failures WHERE subscription = ?",
        ):
            self._add(statement, (subscription.id,))
        self._drop_if_orphan(subscription.topic)
        await self._broker.journal.commit()

    def _check_dead_letter_topic(self, resource: protos.Subscription) -> None:
        if resource.HasField("dead_letter_policy"):
            self._broker.topic(resource.dead_letter_policy.dead_letter_topic)

    def _drop_if_orphan(self, topic: LiveTopic) -> None:
        deleted = self._broker.topics.get(topic.resource.name) is not topic
        if topic.subscriptions or not deleted:
            return
        self._add(DELETE_MESSAGES, (topic.position(0), topic.position(topic.numbered)))
        self._add("DELETE FROM topics WHERE id = ?", (topic.id,))

    def _save(self, subscription: Subscription) -> None:
        self._add(
            "UPDATE subscriptions SET resource = ? WHERE id = ?",
            (subscription.resource.SerializeToString(), subscription.id),
        )

    def _add(self, statement: str, row: tuple[int | str | bytes, ...]) -> None:
        self._broker.journal.batch.statements.append((statement, row))

    async def _write(self, statement: str, row: tuple[int | str | bytes, ...]) -> None:
        self._add(statement, row)
        await self._broker.journal.commit()

    def _load_topics(self, store: Store) -> dict[int, LiveTopic]:
        by_id: dict[int, LiveTopic] = {}
        for topic_id, name, resource, head in store.topics():
            topic = LiveTopic(topic_id, protos.Topic.FromString(resource), head)
            by_id[topic_id] = topic
            if name is not None:
                self._broker.topics[name] = topic
        return by_id

    def _load_subscriptions(self, store: Store, topics: dict[int, LiveTopic]) -> None:
        for row in store.subscriptions():
            resource = protos.Subscription.FromString(row.resource)
            self._broker.attach(row.id, resource, topics[row.topic], row.floor)
        for topic in topics.values():
            topic.compacted = topic.floor()
            topic.reach(topic.head)
