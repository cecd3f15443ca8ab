"""What happens between topics and subscriptions, in memory and on a clock of our own."""

import asyncio

import pytest

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import InvalidArgument, NotFound
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC, FakePusher, bodies

OTHER = "projects/p/subscriptions/others"


def dead_letters_after(attempts):
    return protos.DeadLetterPolicy(dead_letter_topic=DEAD, max_delivery_attempts=attempts)


async def test_a_message_is_stored_once_however_many_subscribe(subscribe, publish, store):
    one, two = await subscribe(), await subscribe(OTHER)
    await publish(b"x")

    assert sum(len(batch.messages) for batch in store.batches) == 1
    assert one.take(1)[0].body is two.take(1)[0].body


async def test_what_nobody_subscribes_to_is_not_stored(admin, publish, store):
    await publish(b"x")

    assert not any(batch.messages for batch in store.batches)


async def test_a_publish_is_visible_only_when_it_is_durable(subscribe, publish):
    subscription = await subscribe()
    publishing = asyncio.ensure_future(publish(b"x"))

    assert subscription.take(1) == []
    await publishing
    assert bodies(subscription.take(1)) == [b"x"]


async def test_publish_times_of_a_topic_never_run_back(subscribe, publish, clock):
    subscription = await subscribe()
    await publish(b"1")
    clock.set_wall_back(60)
    await publish(b"2")

    messages = [protos.PubsubMessage.FromString(one.body) for one in subscription.take(2)]
    assert messages[0].publish_time.seconds <= messages[1].publish_time.seconds


async def test_publish_times_do_not_run_back_over_a_restart_too(
    subscribe, publish, broker, store, clock
):
    await subscribe()
    await publish(b"1")
    clock.set_wall_back(60)
    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)

    await after.publish(TOPIC, [protos.PubsubMessage(data=b"2")])

    received = after.subscription(SUBSCRIPTION).take(2)
    messages = [protos.PubsubMessage.FromString(one.body) for one in received]
    assert messages[0].publish_time.seconds <= messages[1].publish_time.seconds


@pytest.mark.parametrize("fields", [{}, {"filter": "attributes:x"}])
async def test_a_damaged_message_is_finished_and_not_delivered(
    subscribe, broker, store, clock, fields
):
    await subscribe(**fields)
    messages = [protos.PubsubMessage(data=body, attributes={"x": ""}) for body in (b"1", b"2")]
    await broker.publish(TOPIC, messages)
    store._writer.execute("UPDATE messages SET checksum = 0 WHERE position & 1")  # the first
    after = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
    Admin(after, store)
    subscription = after.subscription(SUBSCRIPTION)

    assert bodies(subscription.take(10)) == [b"2"]
    assert subscription.counts()["unacked"] == 1


async def test_a_waiting_pull_gets_what_is_published(subscribe, publish):
    subscription = await subscribe()
    pull = asyncio.ensure_future(subscription.pull(10, wait_seconds=5))
    await asyncio.sleep(0)
    await publish(b"x")

    assert bodies(await pull) == [b"x"]


async def test_one_message_wakes_one_pull_and_the_other_waits_on(subscribe, publish):
    subscription = await subscribe()
    pulls = [asyncio.ensure_future(subscription.pull(10, wait_seconds=5)) for _ in range(2)]
    await asyncio.sleep(0)

    for body in (b"1", b"2"):
        await publish(body)
    answers = await asyncio.gather(*pulls)

    assert sorted(bodies(answers[0]) + bodies(answers[1])) == [b"1", b"2"]


async def test_a_pull_that_is_given_up_takes_no_message_with_it(broker, subscribe, publish):
    subscription = await subscribe()
    gone, stays = (asyncio.ensure_future(subscription.pull(1, wait_seconds=5)) for _ in range(2))
    publishing = asyncio.ensure_future(publish(b"x"))
    await asyncio.sleep(0)
    broker.journal.on_commit(gone.cancel)  # in the moment in which it is woken
    await publishing

    assert bodies(await stays) == [b"x"]


async def test_an_expired_deadline_wakes_a_waiting_pull(subscribe, publish, clock):
    subscription = await subscribe()
    await publish(b"x")
    subscription.take(1)
    pull = asyncio.ensure_future(subscription.pull(1, wait_seconds=60))
    await asyncio.sleep(0)

    clock.advance(9.9)
    await asyncio.sleep(0)
    assert not pull.done()
    clock.advance(0.1)

    assert bodies(await pull) == [b"x"]


async def test_a_deleted_subscription_ends_a_waiting_pull(subscribe, admin):
    subscription = await subscribe()
    pull = asyncio.ensure_future(subscription.pull(1, wait_seconds=60))
    await asyncio.sleep(0)

    await admin.delete_subscription(SUBSCRIPTION)

    with pytest.raises(NotFound):
        await pull


async def test_a_large_pull_gives_back_what_its_answer_cannot_hold(subscribe, publish):
    subscription = await subscribe()
    for _ in range(3):
        await publish(bytes(4_000_000))

    assert len(subscription.take(10)) == 2
    assert len(subscription.take(10)) == 1


async def test_a_message_larger_than_an_answer_goes_alone(subscribe, publish):
    subscription = await subscribe()
    await publish(bytes(9_990_000))

    assert len(subscription.take(10)) == 1


async def test_a_dead_letter_and_its_ack_are_one_commit(subscribe, publish, store):
    subscription = await subscribe(dead_letter_policy=dead_letters_after(5))
    await subscribe(OTHER, DEAD)
    await publish(b"x")
    for _ in range(5):
        subscription.modify([one.ack_id for one in subscription.take(1)], 0)
    await subscription_is_written(subscription)

    with_letter = [batch for batch in store.batches if len(batch.messages) == 1][-1]
    assert with_letter.floors == {subscription.id: 1}
    assert store.batches.index(with_letter) > 0


async def subscription_is_written(subscription):
    """Return once what is due is in the store."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_an_expiry_dead_letters_without_anybody_pulling(subscribe, publish, clock):
    subscription = await subscribe(dead_letter_policy=dead_letters_after(5))
    dead = await subscribe(OTHER, DEAD)
    await publish(b"x")
    for _ in range(4):
        subscription.modify([one.ack_id for one in subscription.take(1)], 0)
    subscription.take(1)

    clock.advance(10)

    assert bodies(await dead.pull(1, wait_seconds=5)) == [b"x"]


async def test_a_message_is_dropped_when_it_is_older_than_the_subscription_keeps(
    subscribe, publish, clock
):
    subscription = await subscribe()
    await publish(b"old")
    clock.advance(3600)
    await publish(b"young")

    clock.advance(7 * 86400 - 3600)
    (old,) = subscription.take(1)
    assert bodies([old]) == [b"old"]
    subscription.modify([old.ack_id], 0)
    clock.advance(1)

    assert bodies(subscription.take(10)) == [b"young"]


async def test_an_old_message_that_is_outstanding_is_dropped_too(subscribe, publish, clock):
    subscription = await subscribe(ack_deadline_seconds=600)
    await publish(b"x")
    clock.advance(7 * 86400 - 1)
    subscription.take(1)

    clock.advance(601)

    assert subscription.take(1) == []
    assert subscription.counts() == {"unacked": 0, "outstanding": 0}


async def test_acked_messages_are_deleted_once_all_have_acked(subscribe, publish, store):
    one, two = await subscribe(), await subscribe(OTHER)
    await publish(b"x")
    for subscription in (one, two):
        subscription.ack([received.ack_id for received in subscription.take(1)])
        await publish(b"next")

    assert [batch.compacted for batch in store.batches if batch.compacted] == [{one.topic.id: 1}]


async def test_a_push_configuration_starts_and_stops_the_pusher(subscribe, admin):
    subscription = await subscribe(
        push_config=protos.PushConfig(push_endpoint="http://127.0.0.1:9/")
    )
    pusher = subscription.pusher
    mask = protos.UpdateSubscriptionRequest(update_mask={"paths": ["push_config"]}).update_mask

    await admin.update_subscription(protos.Subscription(name=SUBSCRIPTION), mask)

    assert pusher.stopped
    assert subscription.pusher is None


async def test_another_endpoint_gets_a_pusher_of_its_own(subscribe, admin):
    subscription = await subscribe(push_config=protos.PushConfig(push_endpoint="http://a/"))
    first = subscription.pusher
    mask = protos.UpdateSubscriptionRequest(update_mask={"paths": ["push_config"]}).update_mask
    for endpoint in ("http://b/", "http://b/"):
        config = protos.PushConfig(push_endpoint=endpoint)
        await admin.update_subscription(
            protos.Subscription(name=SUBSCRIPTION, push_config=config), mask
        )

    assert first.stopped
    assert not subscription.pusher.stopped


async def test_a_push_subscription_is_pumped_when_there_is_something(subscribe, publish):
    subscription = await subscribe(
        push_config=protos.PushConfig(push_endpoint="http://127.0.0.1:9/")
    )
    before = subscription.pusher.pumped

    await publish(b"x", topic=TOPIC)

    assert subscription.pusher.pumped > before


async def test_one_foreign_ack_id_leaves_all_of_the_request_undone(subscribe, publish):
    subscription, other = await subscribe(), await subscribe(OTHER)
    await publish(b"x")
    (own,), (foreign,) = subscription.take(1), other.take(1)

    with pytest.raises(InvalidArgument):
        subscription.ack([own.ack_id, foreign.ack_id])

    assert subscription.counts()["unacked"] == 1
