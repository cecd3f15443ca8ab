"""What fills logs is told of once a minute."""

from emulators.pubsub.seldom import MOST_KEYS, SECONDS, Seldom


def test_something_is_due_at_once_and_then_once_a_minute(clock):
    seldom = Seldom(clock)

    assert seldom.due("a")
    clock.advance(SECONDS - 1)
    assert not seldom.due("a")
    clock.advance(1)
    assert seldom.due("a")
    assert not seldom.due("a")


def test_each_thing_has_its_own_minute(clock):
    seldom = Seldom(clock)

    assert seldom.due("a")
    assert seldom.due("b")


def test_a_great_many_things_are_not_all_remembered(clock):
    seldom = Seldom(clock)
    for number in range(MOST_KEYS + 1):
        assert seldom.due(str(number))

    assert seldom.due("0")
    assert not seldom.due(str(MOST_KEYS))
