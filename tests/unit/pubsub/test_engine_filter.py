"""Messages that the filter leaves out count as acked, whoever asks and however many they are."""

from emulators.pubsub.engine import Engine
from emulators.pubsub.policy import Policy
from emulators.pubsub.unacked import MOST_LOOKS
from tests.unit.pubsub.logs import TextLog


def engine_with(keys, unwanted, ordered=False, **state):
    """Return an engine that wants message n unless `unwanted(n)`."""
    engine = Engine(Policy(), log=TextLog(keys, ordered=ordered, unwanted=unwanted), **state)
    engine.publish(len(keys))
    return engine


def seqs(deliveries):
    return [delivery.seq for delivery in deliveries]


def odd(seq):
    return seq % 2 == 1


def test_only_what_matches_is_delivered_and_counted():
    engine = engine_with("-" * 10, odd)

    assert engine.unacked() == 5
    assert seqs(engine.take(10, now=0)) == [2, 4, 6, 8, 10]
    assert engine.unacked() == 5


def test_the_floor_moves_over_what_does_not_match_though_nobody_pulls():
    engine = engine_with("-" * 10, lambda seq: seq != 7)

    assert engine.has_changes()
    assert engine.changes().floor == 6
    assert not engine.has_changes()


def test_the_floor_moves_over_everything_when_nothing_matches():
    assert engine_with("-" * 10, lambda seq: True).changes().floor == 10


def test_the_floor_moves_over_acks_from_before_a_restart_between_what_does_not_match():
    engine = engine_with("-" * 3, odd, acked=[2])

    assert engine.unacked() == 0
    assert engine.changes().floor == 3


def test_acks_and_what_does_not_match_move_the_floor_together():
    engine = engine_with("-" * 10, odd)
    for delivery in engine.take(10, now=0):
        engine.ack(delivery.seq, delivery.generation)

    assert engine.unacked() == 0
    assert engine.changes().floor == 10


def test_acked_beyond_the_floor_is_not_counted_twice():
    engine = engine_with("-" * 10, odd, acked=[3, 4])

    assert engine.unacked() == 4
    assert seqs(engine.take(10, now=0)) == [2, 6, 8, 10]


def test_a_huge_backlog_that_does_not_match_is_looked_through_in_bounded_turns():
    asked = []

    def unwanted(seq):
        asked.append(seq)
        return seq < 4 * MOST_LOOKS

    engine = engine_with("-" * (4 * MOST_LOOKS), unwanted)
    turns = 0
    while engine.is_behind():
        before = len(asked)
        engine.look_on()
        assert len(asked) - before <= MOST_LOOKS
        turns += 1

    assert turns == 3
    assert engine.unacked() == 1
    assert seqs(engine.take(1, now=0)) == [4 * MOST_LOOKS]


def test_an_old_ack_id_of_what_does_not_match_changes_nothing():
    engine = engine_with("-" * 4, odd)

    engine.ack(3, generation=1)

    assert engine.unacked() == 2


def test_the_order_of_a_key_waits_for_nothing_that_does_not_match():
    engine = engine_with("aaaa", lambda seq: seq == 2, ordered=True)
    one, three, four = engine.take(10, now=0)
    assert seqs([one, three, four]) == [1, 3, 4]

    engine.modify(one.seq, one.generation, 0, now=0)

    assert seqs(engine.take(10, now=0)) == [1, 3, 4]


def test_resting_messages_of_a_key_are_filtered_too():
    engine = engine_with("a" * 600, odd, ordered=True)
    (first,) = engine.take(1, now=0)
    engine.take(10, now=0)
    assert engine.unacked() == 300
    engine.ack(first.seq, first.generation)

    found = []
    while deliveries := engine.take(50, now=0):
        found += seqs(deliveries)
        for delivery in deliveries:
            engine.ack(delivery.seq, delivery.generation)

    assert found == list(range(4, 601, 2))
    assert engine.unacked() == 0
    assert engine.changes().floor == 600


def test_dropping_and_seeking_count_anew():
    engine = engine_with("-" * 10, odd)
    engine.drop_through(5)
    assert (engine.unacked(), seqs(engine.take(1, now=0))) == (3, [6])

    engine.seek(2, [8])

    assert engine.unacked() == 3
    assert seqs(engine.take(10, now=0)) == [4, 6, 10]
