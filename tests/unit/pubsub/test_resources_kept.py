"""What the store has of topics and subscriptions: each field, each change, what is gone."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.protos import Subscription, Topic
from emulators.pubsub.resources.subscriptions import NOT_SHOWN as HIDDEN_OF_SUBSCRIPTION
from emulators.pubsub.resources.topics import NOT_SHOWN as HIDDEN_OF_TOPIC
from tests.support.pubsub_samples import samples
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC, FakePusher

OTHER = "projects/p/subscriptions/others"
DELETED = "_deleted-topic_"


@pytest.fixture
def restart(store, clock):
    """Begin anew from what is stored; return the broker."""

    def restart():
        broker = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
        Admin(broker, store)
        return broker

    return restart


def mask(*paths):
    return FieldMask(paths=paths)


async def test_what_named_a_deleted_topic_shows_that_it_is_gone(subscribe, admin, broker, restart):
    await subscribe(dead_letter_policy={"dead_letter_topic": DEAD})
    await subscribe(OTHER, DEAD)

    await admin.delete_topic(DEAD)

    for subscriptions in (broker.subscriptions, restart().subscriptions):
        reader, other = subscriptions[SUBSCRIPTION].resource, subscriptions[OTHER].resource
        assert (reader.topic, other.topic) == (TOPIC, DELETED)
        assert reader.dead_letter_policy.dead_letter_topic == DELETED


async def test_a_detached_subscription_shows_that_its_topic_is_gone(subscribe, admin, broker):
    found = await subscribe()
    broker.detach(found)

    await admin.delete_topic(TOPIC)

    assert found.resource.topic == DELETED


async def test_a_new_topic_does_not_take_a_deleted_ones_place(subscribe, admin):
    found = await subscribe(dead_letter_policy={"dead_letter_topic": DEAD})
    await admin.delete_topic(DEAD)
    await admin.create_topic(Topic(name=DEAD))

    assert found.resource.dead_letter_policy.dead_letter_topic == DELETED


async def test_a_subscription_whose_dead_letter_topic_is_gone_can_be_changed(subscribe, admin):
    await subscribe(dead_letter_policy={"dead_letter_topic": DEAD})
    await admin.delete_topic(DEAD)

    changed = Subscription(name=SUBSCRIPTION, labels={"a": "b"})
    found = await admin.update_subscription(changed, mask("labels"))

    assert found.dead_letter_policy.dead_letter_topic == DELETED


async def test_a_topics_retention_is_shown_by_its_subscriptions(subscribe, admin, broker, restart):
    found = await subscribe()
    changes = Topic(name=TOPIC, message_retention_duration={"seconds": 3600})
    await admin.update_topic(changes, mask("message_retention_duration"))

    later = await subscribe(OTHER)
    for one in (found, later, restart().subscription(SUBSCRIPTION)):
        assert one.resource.topic_message_retention_duration.seconds == 3600

    await admin.update_topic(Topic(name=TOPIC), mask("message_retention_duration"))
    assert not found.resource.HasField("topic_message_retention_duration")


async def test_the_topics_of_a_deleted_schema_show_that_it_is_gone(admin, broker, restart):
    schema = {"schema": "projects/p/schemas/abc", "encoding": 1}
    await admin.create_topic(Topic(name="projects/p/topics/with", schema_settings=schema))

    admin.schema_deleted("projects/p/schemas/abc")
    await broker.journal.commit()

    found = restart().topic("projects/p/topics/with").resource.schema_settings
    assert (found.schema, found.encoding) == ("_deleted-schema_", 1)
    assert not broker.topic(TOPIC).resource.HasField("schema_settings")


@pytest.mark.parametrize("name", sorted({*Topic.DESCRIPTOR.fields_by_name} - {*HIDDEN_OF_TOPIC}))
async def test_every_field_of_a_topic_is_there_after_a_restart(admin, restart, name):
    for number, sample in enumerate(samples(Topic, name)):
        given = Topic(name=f"{TOPIC}-{number}")
        given.MergeFrom(sample if name != "name" else Topic())
        created = await admin.create_topic(given)

        assert restart().topic(given.name).resource == created


@pytest.mark.parametrize(
    "name", sorted({*Subscription.DESCRIPTOR.fields_by_name} - {*HIDDEN_OF_SUBSCRIPTION})
)
async def test_every_field_of_a_subscription_is_there_after_a_restart(admin, restart, name):
    for number, sample in enumerate(samples(Subscription, name)):
        given = Subscription(name=f"{SUBSCRIPTION}-{number}", topic=TOPIC)
        given.MergeFrom(sample if name not in ("name", "topic") else Subscription())
        created = await admin.create_subscription(given)

        assert restart().subscription(given.name).resource == created


async def test_an_update_is_there_after_a_restart(subscribe, admin, restart):
    await subscribe()
    changes = Subscription(name=SUBSCRIPTION, ack_deadline_seconds=33, labels={"a": "b"})
    updated = await admin.update_subscription(changes, mask("ack_deadline_seconds", "labels"))
    labelled = await admin.update_topic(Topic(name=TOPIC, labels={"c": "d"}), mask("labels"))

    broker = restart()
    assert broker.subscription(SUBSCRIPTION).resource == updated
    assert broker.topic(TOPIC).resource == labelled
