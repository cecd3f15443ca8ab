"""Topics and subscriptions, as they were shown before the process was killed."""

import pytest

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import DEAD, DEAD_READERS, PROJECT, SUBSCRIPTION, TOPIC

TOPIC_FIELDS = {
    "labels": {"a": "b"},
    "kms_key_name": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "message_storage_policy": {"allowed_persistence_regions": ["us-east1"]},
    "message_retention_duration": {"seconds": 3600},
    "ingestion_data_source_settings": {"cloud_storage": {"bucket": "bbb", "text_format": {}}},
}
SUBSCRIPTION_FIELDS = {
    "labels": {"c": "d"},
    "filter": "attributes:colour",
    "expiration_policy": {},
    "retry_policy": {"minimum_backoff": {"seconds": 1}},
    "dead_letter_policy": {"dead_letter_topic": DEAD},
    "retain_acked_messages": True,
    "enable_message_ordering": True,
    "bigquery_config": {"table": "p.d.t"},
}


async def shown(client):
    """Return all topics and subscriptions of the project, as the emulator shows them."""
    topics = [one async for one in await client.publisher.list_topics(project=PROJECT)]
    listed = await client.subscriber.list_subscriptions(project=PROJECT)
    return topics, [one async for one in listed]


@pytest.mark.parametrize("durability", ["normal", "full"])
async def test_resources_outlive_a_kill(tmp_path, connect, durability):
    with ours(tmp_path, durability=durability) as running:
        client = connect(running)
        await client.publisher.create_topic(request={"name": TOPIC, **TOPIC_FIELDS})
        await client.publisher.create_topic(name=DEAD)
        await client.create(**SUBSCRIPTION_FIELDS)
        await client.create(DEAD_READERS, DEAD)
        await client.publisher.update_topic(
            topic={"name": TOPIC, "labels": {"e": "f"}}, update_mask={"paths": ["labels"]}
        )
        await client.subscriber.update_subscription(
            subscription={"name": SUBSCRIPTION, "ack_deadline_seconds": 33},
            update_mask={"paths": ["ack_deadline_seconds"]},
        )
        await client.publisher.delete_topic(topic=DEAD)
        before = await shown(client)
        running.kill()

    with ours(tmp_path, durability=durability) as running:
        after = await shown(connect(running))

    assert after == before
    (topic,), (dead_readers, readers) = before
    assert (topic.labels, topic.state.name) == ({"e": "f"}, "ACTIVE")
    assert dead_readers.topic == readers.dead_letter_policy.dead_letter_topic == "_deleted-topic_"
    assert readers.ack_deadline_seconds == 33
    assert readers.topic_message_retention_duration.total_seconds() == 3600
