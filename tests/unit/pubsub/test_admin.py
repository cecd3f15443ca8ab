"""Topics and subscriptions as they come and change: counts, approvals, two changes at once."""

import asyncio
from dataclasses import replace

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub.admin import Admin
from emulators.pubsub.errors import AlreadyExists, InvalidArgument, NotFound, ResourceExhausted
from emulators.pubsub.limits import DOCUMENTED, LENIENT
from emulators.pubsub.protos import Subscription, Topic
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC

OTHER = "projects/p/subscriptions/others"


class Refusing:
    """An approval that remembers what it was asked, and refuses while it is told to."""

    def __init__(self):
        self.asked = []
        self.reason = None

    async def topic(self, resource, old):
        await self._answer(resource, old)

    subscription = topic

    async def _answer(self, resource, old):
        self.asked.append((type(resource).FromString(resource.SerializeToString()), old))
        await asyncio.sleep(0)
        if self.reason:
            raise self.reason


def few(broker, store, **most):
    """Return an admin that has small limits."""
    return Admin(broker, store, limits=replace(DOCUMENTED, **most))


def topic(number, project="p"):
    return Topic(name=f"projects/{project}/topics/topic-{number}")


def subscription(number, topic=TOPIC, project="p"):
    return Subscription(name=f"projects/{project}/subscriptions/sub-{number}", topic=topic)


def mask(*paths):
    return FieldMask(paths=paths)


async def test_a_project_may_have_so_many_topics(broker, store):
    admin = few(broker, store, max_topics=2)
    for number in range(2):
        await admin.create_topic(topic(number))
        await admin.create_topic(topic(number, project="q"))

    with pytest.raises(ResourceExhausted, match="project 'p' has 2 topics"):
        await admin.create_topic(topic(3))
    with pytest.raises(AlreadyExists):
        await admin.create_topic(topic(0))
    await admin.delete_topic(topic(0).name)
    await admin.create_topic(topic(3))


async def test_a_project_whose_name_begins_like_another_counts_by_itself(broker, store):
    admin = few(broker, store, max_topics=1)
    await admin.create_topic(topic(1, project="p2"))

    await admin.create_topic(topic(1, project="p"))


async def test_a_project_may_have_so_many_subscriptions(broker, store, admin):
    admin = few(broker, store, max_subscriptions=2)
    for number in range(2):
        await admin.create_subscription(subscription(number, topic=(TOPIC, DEAD)[number]))

    with pytest.raises(ResourceExhausted, match="project 'p' has 2 subscriptions"):
        await admin.create_subscription(subscription(3))
    await admin.create_subscription(subscription(3, project="q"))


async def test_a_topic_may_have_so_many_subscriptions(broker, store, admin):
    admin = few(broker, store, max_subscriptions=2)
    for project in ("q", "r"):
        await admin.create_subscription(subscription(1, project=project))

    with pytest.raises(ResourceExhausted, match="letters' has 2 subscriptions"):
        await admin.create_subscription(subscription(1, project="s"))
    await admin.create_subscription(subscription(1, project="s", topic=DEAD))


async def test_a_subscription_may_be_to_a_topic_of_another_project(subscribe, publish):
    found = await subscribe(name="projects/q/subscriptions/readers")
    await publish(b"x")

    assert len(found.take(1)) == 1


async def test_an_update_to_a_dead_letter_topic_that_is_not_there_changes_nothing(
    subscribe, admin, broker
):
    await subscribe()
    policy = {"dead_letter_topic": "projects/p/topics/none"}
    changes = Subscription(name=SUBSCRIPTION, dead_letter_policy=policy, labels={"a": "b"})

    with pytest.raises(NotFound):
        await admin.update_subscription(changes, mask("dead_letter_policy", "labels"))

    resource = broker.subscription(SUBSCRIPTION).resource
    assert not resource.HasField("dead_letter_policy")
    assert not resource.labels


async def test_what_is_not_approved_is_neither_made_nor_changed(broker, store):
    approval = Refusing()
    admin = Admin(broker, store, approval=approval)
    await admin.create_topic(Topic(name=TOPIC))
    await admin.create_subscription(Subscription(name=SUBSCRIPTION, topic=TOPIC))
    approval.reason = InvalidArgument("no")

    labels = {"a": "b"}
    for refused in (
        admin.create_topic(Topic(name=DEAD)),
        admin.create_subscription(Subscription(name=OTHER, topic=TOPIC)),
        admin.update_topic(Topic(name=TOPIC, labels=labels), mask("labels")),
        admin.update_subscription(Subscription(name=SUBSCRIPTION, labels=labels), mask("labels")),
    ):
        with pytest.raises(InvalidArgument, match="no"):
            await refused

    assert list(broker.topics) == [TOPIC]
    assert list(broker.subscriptions) == [SUBSCRIPTION]
    assert not broker.topic(TOPIC).resource.labels
    assert not broker.subscription(SUBSCRIPTION).resource.labels


async def test_an_approval_sees_what_is_planned_and_what_is_there(broker, store):
    approval = Refusing()
    admin = Admin(broker, store, approval=approval)
    await admin.create_topic(Topic(name=TOPIC))
    await admin.update_topic(Topic(name=TOPIC, labels={"a": "b"}), mask("labels"))

    (created, none), (planned, old) = approval.asked
    assert (created.labels, none) == ({}, None)
    assert (planned.labels, old.labels) == ({"a": "b"}, {})


async def test_two_updates_at_once_both_hold(broker, store):
    """The approval of each takes its time."""
    admin = Admin(broker, store, approval=Refusing())
    await admin.create_topic(Topic(name=TOPIC))
    retention = Topic(name=TOPIC, message_retention_duration={"seconds": 3600})

    await asyncio.gather(
        admin.update_topic(Topic(name=TOPIC, labels={"a": "b"}), mask("labels")),
        admin.update_topic(retention, mask("message_retention_duration")),
    )

    found = broker.topic(TOPIC).resource
    assert (dict(found.labels), found.message_retention_duration.seconds) == ({"a": "b"}, 3600)


async def test_of_two_creations_at_once_one_is_refused(broker, store):
    admin = Admin(broker, store, approval=Refusing())
    results = await asyncio.gather(
        *(admin.create_topic(Topic(name=TOPIC)) for _ in range(2)), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["AlreadyExists", "Topic"]


async def test_a_filter_that_cannot_be_read_filters_nothing(broker, store, publish):
    admin = Admin(broker, store, limits=LENIENT)
    await admin.create_topic(Topic(name=TOPIC))
    await admin.create_subscription(
        Subscription(name=SUBSCRIPTION, topic=TOPIC, filter="nonsense (")
    )
    await publish(b"x")

    assert len(broker.subscription(SUBSCRIPTION).take(1)) == 1
