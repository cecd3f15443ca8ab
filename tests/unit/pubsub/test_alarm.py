"""Timers for moments on the wall clock."""

import pytest

from emulators.pubsub.alarm import Alarm

DAY_NS = 86_400 * 10**9


@pytest.fixture
def rings():
    return []


@pytest.fixture
def alarm(clock, rings):
    return Alarm(clock, lambda: rings.append(clock.wall_ns()))


def test_it_rings_at_its_moment_once(alarm, clock, rings):
    moment = clock.wall_ns() + DAY_NS
    alarm.set(moment)
    clock.advance(86_399)
    assert rings == []

    clock.advance(86_400)

    assert rings == [moment]
    assert not alarm.is_set


def test_the_earliest_moment_counts(alarm, clock, rings):
    now = clock.wall_ns()
    for days in (2, 1, 3):
        alarm.set(now + days * DAY_NS)

    clock.advance(4 * 86_400)

    assert rings == [now + DAY_NS]


def test_a_cancelled_one_is_silent(alarm, clock, rings):
    alarm.set(clock.wall_ns() + 1)
    alarm.cancel()

    clock.advance(1)

    assert rings == []


def test_a_moment_that_has_passed_rings_at_once(alarm, clock, rings):
    alarm.set(clock.wall_ns() - 1)

    clock.advance(0)

    assert len(rings) == 1


def test_time_goes_on_before_a_moment_that_is_nearer_than_a_float_can_tell(clock):
    clock.advance(3e9)  # a hundred years of a machine that runs on

    alarm = Alarm(clock, lambda: None)
    before = clock.now()
    alarm.set(clock.wall_ns() + 1)

    assert clock._timers[0][0] > before
