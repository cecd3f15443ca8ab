"""What a crash of the process leaves, at its exact moment: another broker on the same store."""

import pytest

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, FakePusher, bodies


@pytest.fixture
def crash(store, clock):
    """Forget the broker; return the subscription as the next one finds it in the store."""

    async def crash():
        clock.forget_timers()
        clock.advance(1)
        broker = Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)
        Admin(broker, store)
        return broker.subscription(SUBSCRIPTION)

    return crash


async def test_a_publish_that_was_answered_is_there(subscribe, publish, crash):
    await subscribe()
    await publish(b"x")

    assert bodies((await crash()).take(10)) == [b"x"]


async def test_acks_that_were_committed_stay_also_out_of_order(subscribe, publish, broker, crash):
    subscription = await subscribe()
    await publish(*(b"%d" % number for number in range(5)))
    received = subscription.take(5)
    subscription.ack([received[number].ack_id for number in (0, 2, 4)])
    await broker.journal.commit()

    after = await crash()

    assert after.counts()["unacked"] == 2
    assert bodies(after.take(10)) == [b"1", b"3"]


async def test_attempts_that_were_committed_are_counted_on(subscribe, publish, broker, crash):
    policy = protos.DeadLetterPolicy(dead_letter_topic=DEAD, max_delivery_attempts=5)
    subscription = await subscribe(dead_letter_policy=policy)
    await publish(b"x")
    for _ in range(3):
        subscription.modify([subscription.take(1)[0].ack_id], 0)
    await broker.journal.commit()

    assert (await crash()).take(1)[0].attempt == 4


async def test_a_lease_does_not_outlive_the_process(subscribe, publish, crash):
    subscription = await subscribe(ack_deadline_seconds=600)
    await publish(b"x")
    subscription.take(1)

    assert bodies((await crash()).take(1)) == [b"x"]
