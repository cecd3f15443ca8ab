"""The rules of ordering keys."""

from emulators.pubsub.engine import Engine
from emulators.pubsub.lanes import LOADED_OF_A_KEY
from emulators.pubsub.policy import Policy, RetryPolicy
from tests.unit.pubsub.logs import TextLog


def engine_with(keys, **settings):
    """Return an engine with one message for each character of `keys`; '-' means no key."""
    engine = Engine(Policy(**settings), log=TextLog(keys))
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


def test_a_key_that_waits_hides_no_other_however_many_messages_it_has():
    engine = engine_with("a" * 15_000 + "b")
    (first,) = engine.take(1, now=0)

    found = []
    while not found:
        found = engine.take(10, now=0)

    assert seqs(found) == [15_001]
    assert len(engine._unacked.entries) <= LOADED_OF_A_KEY + 1
    assert engine.unacked() == 15_001
    ack(engine, first)
    assert seqs(engine.take(1, now=0)) == [2]


def test_one_take_looks_at_a_bounded_number_of_messages():
    engine = engine_with("a" * 15_000 + "b")
    engine.take(1, now=0)

    assert engine.take(10, now=0) == []
    assert engine.is_behind()
    assert engine.has_ready()


def test_messages_of_a_key_that_rested_come_in_order_and_all_of_them():
    engine = engine_with("a" * 500 + "b" + "a" * 50)
    found = []
    for _ in range(10_000):
        deliveries = engine.take(7, now=0)
        found += seqs(deliveries)
        for delivery in deliveries:
            ack(engine, delivery)
        if not engine.unacked():
            break

    assert sorted(found) == list(range(1, 552))
    assert [seq for seq in found if seq != 501] == [*range(1, 501), *range(502, 552)]
    assert engine.changes().floor == 551


def test_one_take_may_hold_more_of_a_key_than_is_loaded_of_it_while_it_waits():
    engine = engine_with("a" * 1000)
    (first,) = engine.take(1, now=0)
    engine.take(10, now=0)
    ack(engine, first)

    assert seqs(engine.take(900, now=0)) == list(range(2, 902))


def test_the_floor_stays_below_what_rests():
    engine = engine_with("a" * 500)
    first, second = engine.take(2, now=0)
    engine.take(10, now=0)

    ack(engine, first)

    assert engine.changes().floor == 1
    assert second.seq == 2


def test_resting_messages_that_are_too_old_are_dropped():
    engine = engine_with("a" * 500 + "b")
    engine.take(1, now=0)
    engine.take(10, now=0)

    engine.drop_through(300)

    assert seqs(engine.take(1, now=0)) == [301]


def test_what_was_acked_before_a_restart_does_not_rest():
    keys = "a" * 500
    engine = Engine(Policy(), acked=[300, 301], log=TextLog(keys))
    engine.publish(len(keys))
    engine.take(1, now=0)
    engine.take(1, now=0)

    assert engine.unacked() == 498
    engine.seek(*engine.position())
    assert engine.unacked() == 498
    assert 300 not in seqs(engine.take(500, now=0))


# The same consumer may have the later messages while it has the earlier ones


def test_a_consumer_gets_later_messages_of_a_key_while_it_has_the_earlier_ones():
    engine = engine_with("aaa")
    engine.take(1, now=0, consumer=1)

    assert seqs(engine.take(1, now=0, consumer=2)) == []
    assert seqs(engine.take(1, now=0)) == []
    assert seqs(engine.take(5, now=0, consumer=1)) == [2, 3]


def test_a_back_off_holds_the_key_for_the_same_consumer_too():
    engine = engine_with("aa", retry=RetryPolicy(5, 5))
    (first,) = engine.take(1, now=0, consumer=1)

    nack(engine, first)

    assert seqs(engine.take(5, now=0, consumer=1)) == []
    assert seqs(engine.take(5, now=5, consumer=1)) == [1, 2]


def test_a_nacked_message_and_the_later_ones_go_to_the_consumer_of_the_earlier_ones():
    engine = engine_with("aaa")
    _, second, _ = engine.take(5, now=0, consumer=1)

    nack(engine, second)

    assert seqs(engine.take(5, now=0, consumer=2)) == []
    assert seqs(engine.take(5, now=0, consumer=1)) == [2, 3]


def test_what_was_given_back_is_the_next_and_what_is_out_behind_it_does_not_come_twice():
    engine = engine_with("aaaa")
    first, second, _ = engine.take(3, now=0, consumer=1)
    ack(engine, second)
    engine.give_back(first.seq, first.generation)

    assert seqs(engine.take(5, now=0, consumer=1)) == [1, 4]


def test_a_message_for_one_consumer_is_kept_for_it():
    engine = engine_with("aab")
    engine.take(1, now=0, consumer=1)

    assert seqs(engine.take(5, now=0, consumer=2)) == [3]

    assert engine.kept() == {1: [2]}
    assert seqs(engine.take(5, now=0, consumer=1)) == [2]
    assert engine.kept() == {}


def test_a_back_off_does_not_load_more_of_a_key_for_its_consumer_either():
    engine = engine_with("a" * 1000, retry=RetryPolicy(5, 5))
    (first,) = engine.take(1, now=0, consumer=1)
    nack(engine, first)

    engine.take(10, now=0, consumer=1)

    assert len(engine._unacked.entries) <= LOADED_OF_A_KEY + 1
