"""Each delivery rule of a subscription, with its boundary."""

import pytest

from emulators.pubsub.engine import Delivery, Engine
from emulators.pubsub.policy import Policy, RetryPolicy

DEADLINE = 10


def engine_with(messages=0, **settings):
    engine = Engine(Policy(ack_deadline=DEADLINE, **settings))
    engine.publish(messages)
    return engine


def seqs(deliveries):
    return [delivery.seq for delivery in deliveries]


def attempts(deliveries):
    return [delivery.attempt for delivery in deliveries]


def nack(engine, delivery, now):
    engine.modify(delivery.seq, delivery.generation, 0, now)


def test_messages_come_in_publish_order_and_only_as_many_as_asked_for():
    engine = engine_with(3)

    assert seqs(engine.take(2, now=0)) == [1, 2]
    assert seqs(engine.take(2, now=0)) == [3]
    assert engine.take(2, now=0) == []


def test_a_subscription_does_not_get_what_was_published_before_it():
    engine = Engine(Policy(), floor=5)
    engine.publish(6)

    assert seqs(engine.take(10, now=0)) == [6]


def test_an_acked_message_never_comes_back():
    engine = engine_with(1)
    (delivery,) = engine.take(1, now=0)

    engine.ack(delivery.seq, delivery.generation)

    assert engine.take(1, now=10_000) == []
    assert engine.unacked() == 0


def test_a_deadline_expires_at_its_moment_and_not_before():
    engine = engine_with(1)
    engine.take(1, now=0)

    assert engine.take(1, now=DEADLINE - 0.001) == []
    assert attempts(engine.take(1, now=DEADLINE)) == [2]


def test_a_modified_deadline_counts_from_the_modification():
    engine = engine_with(1)
    (delivery,) = engine.take(1, now=0)

    engine.modify(delivery.seq, delivery.generation, 60, now=9)

    assert engine.take(1, now=68.9) == []
    assert seqs(engine.take(1, now=69)) == [1]


def test_a_deadline_can_be_shortened():
    engine = engine_with(1)
    (delivery,) = engine.take(1, now=0)

    engine.modify(delivery.seq, delivery.generation, 1, now=0)

    assert engine.next_at() == 1
    assert seqs(engine.take(1, now=1)) == [1]


def test_a_late_modification_does_not_touch_the_redelivery():
    engine = engine_with(1)
    (first,) = engine.take(1, now=0)
    (second,) = engine.take(1, now=DEADLINE)

    engine.modify(first.seq, first.generation, 600, now=DEADLINE)
    nack(engine, first, now=DEADLINE)

    assert engine.take(1, now=DEADLINE) == []
    assert seqs(engine.take(1, now=2 * DEADLINE)) == [second.seq]


def test_a_modification_after_the_deadline_revives_nothing():
    engine = engine_with(1)
    (delivery,) = engine.take(1, now=0)

    engine.modify(delivery.seq, delivery.generation, 600, now=DEADLINE)

    assert attempts(engine.take(1, now=DEADLINE)) == [2]


def test_the_ack_of_an_expired_delivery_still_counts():
    engine = engine_with(1)
    (first,) = engine.take(1, now=0)
    engine.take(1, now=DEADLINE)

    engine.ack(first.seq, first.generation)

    assert engine.take(1, now=1000) == []


def test_a_nack_without_a_retry_policy_redelivers_at_once():
    engine = engine_with(1)
    (delivery,) = engine.take(1, now=0)

    nack(engine, delivery, now=1)

    assert attempts(engine.take(1, now=1)) == [2]


def test_the_retry_policy_delays_from_the_first_redelivery_on_doubling_up_to_its_maximum():
    engine = engine_with(1, retry=RetryPolicy(minimum=2, maximum=6))
    now, gaps = 0.0, []
    for _ in range(4):
        (delivery,) = engine.take(1, now)
        nack(engine, delivery, now)
        due = engine.next_at()
        assert engine.take(1, due - 0.001) == []
        gaps.append(due - now)
        now = due

    assert gaps == [2, 4, 6, 6]


def test_an_expiry_waits_for_the_retry_policy_as_a_nack_does():
    engine = engine_with(1, retry=RetryPolicy(minimum=5, maximum=5))
    engine.take(1, now=0)

    engine.tick(now=DEADLINE)

    assert engine.take(1, now=DEADLINE + 4.9) == []
    assert attempts(engine.take(1, now=DEADLINE + 5)) == [2]


def test_a_retry_policy_of_zero_redelivers_at_once():
    engine = engine_with(1, retry=RetryPolicy(minimum=0, maximum=600))
    (delivery,) = engine.take(1, now=0)

    nack(engine, delivery, now=0)

    assert seqs(engine.take(1, now=0)) == [1]


def test_many_failures_do_not_overflow_the_back_off():
    assert RetryPolicy(minimum=10, maximum=600).delay(failures=100_000) == 600


def test_a_redelivery_goes_before_newer_messages():
    engine = engine_with(2)
    (delivery,) = engine.take(1, now=0)

    nack(engine, delivery, now=0)

    assert seqs(engine.take(2, now=0)) == [1, 2]


def test_the_last_attempt_exhausts_a_message_and_the_one_before_does_not():
    engine = engine_with(1, max_attempts=2)
    nack(engine, engine.take(1, now=0)[0], now=0)
    assert engine.exhausted == []

    nack(engine, engine.take(1, now=0)[0], now=0)

    assert engine.exhausted == [(1, 2)]
    assert engine.take(1, now=1000) == []


def test_an_expiry_exhausts_a_message_too():
    engine = engine_with(1, max_attempts=1)
    engine.take(1, now=0)

    engine.tick(now=DEADLINE)

    assert engine.exhausted == [(1, 1)]


def test_a_forwarded_message_is_acked():
    engine = engine_with(1, max_attempts=1)
    nack(engine, engine.take(1, now=0)[0], now=0)

    engine.forwarded(1)

    assert engine.unacked() == 0
    assert engine.changes().floor == 1


def test_a_message_that_cannot_be_forwarded_is_delivered_again_with_its_attempts():
    engine = engine_with(1, max_attempts=1)
    nack(engine, engine.take(1, now=0)[0], now=0)

    engine.refused(1, now=0)

    assert attempts(engine.take(1, now=0)) == [2]


def test_a_delivery_given_back_is_no_attempt():
    engine = engine_with(1)
    (delivery,) = engine.take(1, now=0)

    engine.give_back(delivery.seq, delivery.generation)

    assert attempts(engine.take(1, now=0)) == [1]


def test_a_new_policy_holds_for_the_next_delivery():
    engine = engine_with(1)
    engine.policy = Policy(ack_deadline=600)
    engine.take(1, now=0)

    assert engine.next_at() == 600


def test_changes_name_the_floor_and_only_acks_beyond_it():
    engine = engine_with(4)
    deliveries = engine.take(4, now=0)

    for index in (0, 1, 3):
        engine.ack(deliveries[index].seq, deliveries[index].generation)
    changes = engine.changes()

    assert (changes.floor, changes.acked) == (2, [4])
    assert not engine.has_changes()


def test_changes_name_the_failures_of_what_is_not_acked():
    engine = engine_with(2)
    first, second = engine.take(2, now=0)
    nack(engine, first, now=0)
    nack(engine, second, now=0)
    engine.ack(second.seq, second.generation)

    assert engine.changes().failures == {1: 1}


def test_after_a_restart_acked_messages_stay_acked_and_attempts_go_on():
    engine = Engine(Policy(), floor=1, acked=[3], failures={2: 4})
    engine.publish(4)

    deliveries = engine.take(10, now=0)

    assert seqs(deliveries) == [2, 4]
    assert attempts(deliveries) == [5, 1]


def test_an_ack_of_a_delivery_from_before_a_restart_counts():
    engine = Engine(Policy(), floor=0)
    engine.publish(2)

    engine.ack(2, generation=77)

    assert engine.changes().acked == [2]
    assert seqs(engine.take(10, now=0)) == [1]


def test_an_ack_of_the_very_next_message_to_be_loaded_is_persisted():
    engine = Engine(Policy(), floor=0)
    engine.publish(2)

    engine.ack(1, generation=77)

    assert engine.changes().acked == [1]


@pytest.mark.parametrize("seq", [0, 3, 99])
def test_an_ack_of_what_does_not_exist_is_ignored(seq):
    engine = engine_with(2)

    engine.ack(seq, generation=1)

    assert engine.unacked() == 2


def test_a_million_waiting_messages_cost_nothing():
    engine = engine_with(1_000_000)

    assert engine.take(1, now=0) == [Delivery(seq=1, generation=1, attempt=1)]
    assert engine.unacked() == 1_000_000


def test_deadlines_of_acked_messages_are_forgotten():
    engine = engine_with(20_000)
    for _ in range(20):
        for delivery in engine.take(1000, now=0):
            engine.ack(delivery.seq, delivery.generation)

    assert len(engine._unacked.timetable._heap) < 5000
