"""Who is called when, and who is told what."""

import asyncio

import pytest

from emulators.pubsub.consumers import Consumers, Line


class FakeStream:
    """Notes what it is told."""

    def __init__(self):
        self.woken = 0
        self.ended_by = None

    def wake(self):
        self.woken += 1

    def end(self, reason=None):
        self.ended_by = reason


@pytest.fixture
def members():
    return [asyncio.Event() for _ in range(3)]


def called(members):
    return [member.is_set() for member in members]


def test_who_came_first_is_called_first(members):
    line = Line()
    for member in members:
        line.join(member)

    line.call()

    assert called(members) == [True, False, False]


def test_who_has_left_is_not_called(members):
    line = Line()
    for member in members:
        line.join(member)

    assert not line.leave(members[0])
    line.call()

    assert called(members) == [False, True, False]


def test_who_was_called_has_a_turn_to_use_or_to_pass_on(members):
    line = Line()
    line.join(members[0])
    line.call()

    assert len(line) == 1
    assert line.leave(members[0])
    assert len(line) == 0
    assert not line.leave(members[0])


async def test_who_has_had_a_turn_is_in_line_no_more():
    line = Line()
    turn = asyncio.ensure_future(line.turn(pass_on=pytest.fail))
    await asyncio.sleep(0)

    line.call()
    await turn

    assert len(line) == 0


async def test_a_turn_that_is_given_up_after_the_call_is_passed_on():
    line, passed = Line(), []
    turn = asyncio.ensure_future(line.turn(pass_on=lambda: passed.append(True)))
    await asyncio.sleep(0)

    line.call()
    turn.cancel()
    await asyncio.wait([turn])

    assert passed == [True]
    assert len(line) == 0


def test_a_call_of_nobody_is_nothing():
    Line().call()


def test_at_the_end_everybody_is_told(members):
    consumers, stream = Consumers(), FakeStream()
    consumers.open(stream)
    for member in members:
        consumers.line.join(member)

    consumers.end(reason := ValueError())

    assert called(members) == [True, True, True]
    assert stream.ended_by is reason


def test_a_stream_is_woken_for_what_is_kept_for_it():
    consumers, streams = Consumers(), [FakeStream(), FakeStream()]
    _, number = [consumers.open(stream) for stream in streams]

    consumers.wake_for({number: [1]})

    assert [stream.woken for stream in streams] == [0, 1]


def test_nothing_is_kept_for_a_stream_that_is_closed():
    consumers = Consumers()
    number = consumers.open(FakeStream())
    consumers.close(number)
    kept = {number: [1]}

    consumers.wake_for(kept)

    assert kept == {}
