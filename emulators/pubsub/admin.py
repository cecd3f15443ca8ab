"""Creating, changing and deleting topics and subscriptions, durably."""

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub import protos
from emulators.pubsub.approval import Approval, ApproveAll
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import AlreadyExists, NotFound, ResourceExhausted
from emulators.pubsub.limits import DOCUMENTED, Limits
from emulators.pubsub.loading import load
from emulators.pubsub.names import DELETED_SCHEMA, DELETED_TOPIC, split
from emulators.pubsub.resources import (
    complete_subscription,
    complete_topic,
    updated_subscription,
    updated_topic,
)
from emulators.pubsub.store import Store
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.topic import LiveTopic


class Admin:
    """The resources of a broker. Every change is durable once the method returns."""

    def __init__(
        self,
        broker: Broker,
        store: Store,
        *,
        limits: Limits = DOCUMENTED,
        approval: Approval | None = None,
    ) -> None:
        self._broker = broker
        self._limits = limits
        self._approval = approval or ApproveAll()
        last_topic, last_subscription = load(broker, store)
        self._next_topic, self._next_subscription = last_topic + 1, last_subscription + 1

    async def create_topic(self, resource: protos.Topic) -> protos.Topic:
        """Create a topic.

        Raises: AlreadyExists, ResourceExhausted, and what `complete_topic` and the approval raise.
        """
        complete_topic(resource, self._limits)
        await self._approval.topic(resource, None)
        topics = self._broker.topics
        if resource.name in topics:
            raise AlreadyExists(f"topic {resource.name!r} exists")
        self._check_room("topics", topics, resource.name, self._limits.max_topics)
        topic = topics[resource.name] = LiveTopic(self._next_topic, resource, head=0)
        self._next_topic += 1
        self._broker.write(
            "INSERT INTO topics (id, name, resource, head) VALUES (?, ?, ?, 0)",
            (topic.id, resource.name, resource.SerializeToString()),
        )
        await self._broker.journal.commit()
        return resource

    async def update_topic(self, changes: protos.Topic, mask: FieldMask) -> protos.Topic:
        """Change the masked fields.

        Raises: NotFound, and what `updated_topic` and the approval raise.
        """
        old = self._broker.topic(changes.name).resource
        await self._approval.topic(updated_topic(old, changes, mask, self._limits), old)
        topic = self._broker.topic(changes.name)  # by now it may be another
        topic.resource = updated_topic(topic.resource, changes, mask, self._limits)
        self._save_topic(topic)
        self._broker.retention_changed(topic)
        await self._broker.journal.commit()
        return topic.resource

    async def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions stay, with their backlog. Raises: NotFound."""
        topic = self._broker.topic(name)
        del self._broker.topics[name]
        self._broker.policies.forget(name)
        self._broker.write("UPDATE topics SET name = NULL WHERE id = ?", (topic.id,))
        for subscription in self._broker.subscriptions.values():
            self._show_deleted(subscription, topic, name)
        self._broker.snapshots.rename_topic(topic, DELETED_TOPIC)
        self._broker.drop_if_orphan(topic)
        await self._broker.journal.commit()

    def schema_deleted(self, name: str) -> None:
        """Let the topics of a schema show that it is gone; durable with the next commit."""
        self._broker.policies.forget(name)
        for topic in self._broker.topics.values():
            if topic.resource.schema_settings.schema == name:
                topic.resource.schema_settings.schema = DELETED_SCHEMA
                self._save_topic(topic)

    async def create_subscription(self, resource: protos.Subscription) -> protos.Subscription:
        """Create a subscription; it gets what is published from now on.

        Raises: AlreadyExists, NotFound (topic, dead-letter topic), ResourceExhausted, and what
        `complete_subscription` and the approval raise.
        """
        complete_subscription(resource, self._limits)
        await self._approval.subscription(resource, None)
        topic = self._topic_for(resource)
        subscription_id, floor = self._next_subscription, topic.numbered
        self._next_subscription += 1
        self._broker.attach(subscription_id, resource, topic, floor)
        self._broker.write(
            "INSERT INTO subscriptions (id, topic, resource, floor, retained_from)"
            " VALUES (?, ?, ?, ?, ?)",
            (subscription_id, topic.id, resource.SerializeToString(), floor, floor),
        )
        await self._broker.journal.commit()
        return resource

    async def update_subscription(
        self, changes: protos.Subscription, mask: FieldMask
    ) -> protos.Subscription:
        """Change the masked fields.

        Raises: NotFound, and what `updated_subscription` and the approval raise.
        """
        old = self._broker.subscription(changes.name).resource
        planned = updated_subscription(old, changes, mask, self._limits)
        await self._approval.subscription(planned, old)
        subscription = self._broker.subscription(changes.name)  # by now it may be another
        resource = updated_subscription(subscription.resource, changes, mask, self._limits)
        self._check_dead_letter_topic(resource, subscription.resource)
        subscription.configure(resource)
        self._save(subscription)
        await self._broker.journal.commit()
        return resource

    async def delete_subscription(self, name: str) -> None:
        """Delete a subscription and its backlog; waiting pulls get NotFound. Raises: NotFound."""
        subscription = self._broker.subscription(name)
        gone = NotFound(f"subscription {name!r} was deleted")
        self._broker.delete_subscription(subscription, gone)
        await self._broker.journal.commit()

    def _topic_for(self, resource: protos.Subscription) -> LiveTopic:
        """Return the topic of a subscription that may be created."""
        subscriptions, most = self._broker.subscriptions, self._limits.max_subscriptions
        if resource.name in subscriptions:
            raise AlreadyExists(f"subscription {resource.name!r} exists")
        topic = self._broker.topic(resource.topic)
        self._check_dead_letter_topic(resource, None)
        self._check_room("subscriptions", subscriptions, resource.name, most)
        if len(topic.subscriptions) >= most:
            raise ResourceExhausted(f"topic {resource.topic!r} has {most} subscriptions, the limit")
        return topic

    def _check_room(self, what: str, names: Collection[str], name: str, most: int) -> None:
        """Check that the project of `name` may have one more; counted only if that can matter."""
        if len(names) < most:
            return
        project, _ = split(name)
        if sum(other.startswith(f"projects/{project}/") for other in names) >= most:
            raise ResourceExhausted(f"project {project!r} has {most} {what}, the limit")

    def _check_dead_letter_topic(
        self, resource: protos.Subscription, old: protos.Subscription | None
    ) -> None:
        """Check that the topic exists, unless the policy has it from before."""
        if not resource.HasField("dead_letter_policy"):
            return
        topic = resource.dead_letter_policy.dead_letter_topic
        if old is None or old.dead_letter_policy.dead_letter_topic != topic:
            self._broker.topic(topic)

    def _show_deleted(self, subscription: Subscription, topic: LiveTopic, name: str) -> None:
        resource = subscription.resource
        dead_letters = resource.dead_letter_policy.dead_letter_topic == name
        if subscription.topic is topic:
            resource.topic = DELETED_TOPIC
        if dead_letters:
            resource.dead_letter_policy.dead_letter_topic = DELETED_TOPIC
        if subscription.topic is topic or dead_letters:
            self._save(subscription)

    def _save_topic(self, topic: LiveTopic) -> None:
        self._broker.write(
            "UPDATE topics SET resource = ? WHERE id = ?",
            (topic.resource.SerializeToString(), topic.id),
        )

    def _save(self, subscription: Subscription) -> None:
        self._broker.write(
            "UPDATE subscriptions SET resource = ? WHERE id = ?",
            (subscription.resource.SerializeToString(), subscription.id),
        )
