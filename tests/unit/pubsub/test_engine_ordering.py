"""The rules of ordering keys."""

from emulators.pubsub.engine import ORDERED_WINDOW, Engine
from emulators.pubsub.policy import Policy, RetryPolicy


def engine_with(keys, **settings):
    """Return an engine with one message for each character of `keys`; '-' means no key."""
    engine = Engine(Policy(**settings), key_of=lambda seq: keys[seq - 1].strip("-"))
    engine.publish(len(keys))
    return engine


def seqs(deliveries):
    return [delivery.seq for delivery in deliveries]


def ack(engine, delivery):
    engine.ack(delivery.seq, delivery.generation)


def nack(engine, delivery, now=0):
    engine.modify(delivery.seq, delivery.generation, 0, now)


def test_one_pull_may_hold_several_messages_of_a_key_in_order():
    assert seqs(engine_with("aba").take(10, now=0)) == [1, 2, 3]


def test_nothing_more_of_a_key_comes_while_earlier_ones_are_outstanding():
    engine = engine_with("aab")
    (first,) = engine.take(1, now=0)

    assert seqs(engine.take(10, now=0)) == [3]
    ack(engine, first)
    assert seqs(engine.take(10, now=0)) == [2]


def test_a_push_has_one_outstanding_message_of_a_key():
    engine = engine_with("aabb")

    first, third = engine.take(10, now=0, per_key=1)

    assert seqs([first, third]) == [1, 3]
    ack(engine, third)
    assert seqs(engine.take(10, now=0, per_key=1)) == [4]


def test_messages_without_a_key_wait_for_nothing():
    engine = engine_with("a--")
    engine.take(1, now=0)

    assert seqs(engine.take(10, now=0)) == [2, 3]


def test_a_nack_redelivers_all_later_messages_of_the_key_acked_or_not():
    engine = engine_with("aaab")
    one, two, three, _ = engine.take(10, now=0)
    ack(engine, three)

    nack(engine, two)
    assert engine.take(10, now=0) == []
    ack(engine, one)

    assert seqs(engine.take(10, now=0)) == [2, 3]


def test_an_old_ack_of_a_message_that_was_taken_back_does_not_count():
    engine = engine_with("aa")
    one, two = engine.take(10, now=0)
    nack(engine, one)

    ack(engine, two)

    assert seqs(engine.take(10, now=0)) == [1, 2]


def test_an_ack_is_final_only_when_everything_earlier_of_its_key_is_acked():
    engine = engine_with("aa")
    one, two = engine.take(10, now=0)

    ack(engine, two)
    assert engine.unacked() == 2
    ack(engine, one)

    assert engine.unacked() == 0
    assert engine.changes().floor == 2


def test_the_back_off_of_one_message_holds_its_whole_key():
    engine = engine_with("aab", retry=RetryPolicy(5, 5))
    nack(engine, engine.take(1, now=0)[0])

    assert seqs(engine.take(10, now=4.9)) == [3]
    assert seqs(engine.take(10, now=5)) == [1, 2]


def test_only_the_message_that_failed_counts_an_attempt():
    engine = engine_with("aa")
    one, _ = engine.take(10, now=0)
    nack(engine, one)

    assert [delivery.attempt for delivery in engine.take(10, now=0)] == [2, 1]


def test_a_dead_letter_unblocks_its_key():
    engine = engine_with("aa", max_attempts=1)
    nack(engine, engine.take(1, now=0)[0])
    assert engine.take(10, now=0) == []

    engine.forwarded(1)

    assert seqs(engine.take(10, now=0)) == [2]


def test_a_delivery_given_back_keeps_the_order():
    engine = engine_with("aaa")
    one, two, three = engine.take(3, now=0)
    for delivery in (three, two):
        engine.give_back(delivery.seq, delivery.generation)

    ack(engine, one)

    assert seqs(engine.take(10, now=0)) == [2, 3]


def test_a_blocked_key_is_looked_past_only_so_far():
    engine = engine_with("a" * (ORDERED_WINDOW + 10) + "b")
    (first,) = engine.take(1, now=0)

    assert engine.take(10, now=0) == []
    assert not engine.has_ready()
    ack(engine, first)
    assert seqs(engine.take(1, now=0)) == [2]
