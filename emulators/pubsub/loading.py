"""Reads what the store has of topics, subscriptions and snapshots into a broker, at the start."""

from emulators.pubsub import protos
from emulators.pubsub.broker import Broker
from emulators.pubsub.store import Store
from emulators.pubsub.topic import LiveTopic


def load(broker: Broker, store: Store) -> tuple[int, int]:
    """Return the greatest ids of a topic and of a subscription, 0 for none."""
    topics = _load_topics(broker, store)
    for row in store.subscriptions():
        resource = protos.Subscription.FromString(row.resource)
        broker.attach(
            row.id, resource, topics[row.topic], row.floor, retained_from=row.retained_from
        )
    broker.snapshots.load(topics)
    for topic in topics.values():
        broker.resume(topic)
    ids = (subscription.id for subscription in broker.subscriptions.values())
    return max(topics, default=0), max(ids, default=0)


def _load_topics(broker: Broker, store: Store) -> dict[int, LiveTopic]:
    by_id: dict[int, LiveTopic] = {}
    for topic_id, name, resource, head in store.topics():
        topic = by_id[topic_id] = LiveTopic(topic_id, protos.Topic.FromString(resource), head)
        if name is not None:
            broker.topics[name] = topic
    return by_id
