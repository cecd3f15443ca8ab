"""Exactly-once: only the newest delivery's ack counts, before its deadline, and it is final."""

from emulators.pubsub.engine import Engine
from emulators.pubsub.policy import Policy
from tests.unit.pubsub.logs import TextLog

DEADLINE = 10


def engine_with(messages=1, keys=None, **state):
    log = TextLog(keys) if keys else None
    engine = Engine(Policy(ack_deadline=DEADLINE, exactly_once=True), log=log, **state)
    engine.publish(len(keys) if keys else messages)
    return engine


def ack(engine, delivery, now=0):
    engine.tick(now)
    return engine.ack(delivery.seq, delivery.generation)


def test_an_ack_before_the_deadline_counts_and_the_message_never_comes_back():
    engine = engine_with()
    (delivery,) = engine.take(1, now=0)

    assert ack(engine, delivery, now=DEADLINE - 0.001)
    assert engine.take(1, now=1000) == []


def test_an_ack_at_the_deadline_fails_and_the_message_comes_back():
    engine = engine_with()
    (delivery,) = engine.take(1, now=0)

    assert not ack(engine, delivery, now=DEADLINE)
    assert len(engine.take(1, now=DEADLINE)) == 1


def test_only_the_newest_delivery_can_be_acked():
    engine = engine_with()
    (first,) = engine.take(1, now=0)
    (second,) = engine.take(1, now=DEADLINE)

    assert not ack(engine, first, now=DEADLINE)
    assert engine.unacked() == 1
    assert ack(engine, second, now=DEADLINE)


def test_a_second_ack_fails():
    engine = engine_with()
    (delivery,) = engine.take(1, now=0)
    ack(engine, delivery)

    assert not ack(engine, delivery)


def test_an_ack_of_a_delivery_from_before_a_restart_fails():
    engine = engine_with(2)

    assert not engine.ack(1, generation=77)
    assert engine.unacked() == 2


def test_a_modification_of_an_old_or_expired_delivery_fails():
    engine = engine_with()
    (first,) = engine.take(1, now=0)
    assert engine.modify(first.seq, first.generation, 20, now=0)
    assert not engine.modify(first.seq, first.generation, 20, now=20)
    (second,) = engine.take(1, now=20)

    assert not engine.modify(first.seq, first.generation, 0, now=20)
    assert engine.modify(second.seq, second.generation, 0, now=20)


def test_an_ordered_ack_out_of_turn_fails_for_the_time_being():
    engine = engine_with(keys="aab")
    one, two, three = engine.take(3, now=0)

    assert not ack(engine, two)
    assert engine.is_out(two.seq, two.generation)
    assert ack(engine, three)
    assert ack(engine, one)
    assert ack(engine, two)
    assert engine.unacked() == 0


def test_an_ordered_ack_that_counted_is_final():
    engine = engine_with(keys="aa")
    one, two = engine.take(2, now=0)
    ack(engine, one)

    engine.modify(two.seq, two.generation, 0, now=0)

    assert [delivery.seq for delivery in engine.take(2, now=0)] == [2]


def test_the_delivery_that_ends_is_released_however_it_ends():
    engine = engine_with(6)
    acked, nacked, given_back, expired, dropped, sought = engine.take(6, now=0)
    engine.modify(expired.seq, expired.generation, 1, now=0)
    released = []

    def drain():
        released.append(list(engine.released))
        engine.released.clear()

    ack(engine, acked)
    drain()
    engine.modify(nacked.seq, nacked.generation, 0, now=0)
    drain()
    engine.give_back(given_back.seq, given_back.generation)
    drain()
    engine.tick(now=1)
    drain()
    engine.drop_through(dropped.seq)
    drain()
    engine.seek(0, [])
    drain()

    ended = (acked, nacked, given_back, expired, dropped, sought)
    assert released == [[delivery.generation] for delivery in ended]


def test_an_extended_delivery_is_not_released():
    engine = engine_with()
    (delivery,) = engine.take(1, now=0)

    engine.modify(delivery.seq, delivery.generation, 20, now=0)

    assert engine.released == []


def test_a_lease_may_last_longer_than_the_subscriptions_deadline():
    engine = engine_with()
    engine.take(1, now=0, lease_seconds=60)

    assert engine.take(1, now=59) == []
    assert len(engine.take(1, now=60)) == 1
