"""Flow control of streams: what counts, what ends it, and when there is room again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub.stream_flow import Flow, Outstanding


class Room:
    """Counts how often it was said that there is room again."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1


@pytest.fixture
def has_room():
    return Room()


@pytest.mark.parametrize("none", [0, -1])
def test_a_limit_of_zero_or_less_is_none(none, has_room):
    flow = Flow(none, none, has_room)

    for _ in range(10_000):
        flow.add(10_000_000)

    assert not flow.is_limited
    assert flow.room()
    assert flow.room().messages == flow.room().size == float("inf")


def test_messages_are_limited(has_room):
    flow = Flow(2, 0, has_room)
    flow.add(10)
    assert flow.room().messages == 1

    flow.add(10)

    assert not flow.room()


def test_the_last_message_may_exceed_the_bytes(has_room):
    flow = Flow(0, 100, has_room)
    flow.add(99)
    assert flow.room().size == 1

    flow.add(50)

    assert not flow.room()


def test_the_bytes_are_used_up_at_the_limit_exactly(has_room):
    flow = Flow(0, 100, has_room)

    flow.add(100)

    assert not flow.room()


def test_room_is_told_once_when_a_full_stream_has_some_again(has_room):
    flow = Flow(2, 0, has_room)
    flow.add(1)
    flow.add(1)

    flow.remove(1)
    flow.remove(1)

    assert has_room.times == 1


def test_room_is_not_told_while_the_other_limit_is_reached(has_room):
    flow = Flow(2, 100, has_room)
    flow.add(1)
    flow.add(200)

    flow.remove(1)
    assert has_room.times == 0
    flow.remove(200)

    assert has_room.times == 1


def test_an_ended_delivery_counts_no_more_whichever_stream_it_went_to(has_room):
    outstanding = Outstanding()
    one, other = Flow(1, 0, has_room), Flow(1, 0, has_room)
    outstanding.add(one, 1, 10)
    outstanding.add(other, 2, 10)

    outstanding.remove([2, 99])

    assert not one.room()
    assert other.room()
    assert len(outstanding) == 1


def test_a_delivery_ends_once(has_room):
    outstanding = Outstanding()
    flow = Flow(2, 0, has_room)
    outstanding.add(flow, 1, 10)
    outstanding.add(flow, 2, 10)

    outstanding.remove([1, 1])

    assert flow.room().messages == 1


def test_a_stream_without_limits_is_not_kept_account_of(has_room):
    outstanding = Outstanding()

    outstanding.add(Flow(0, 0, has_room), 1, 10)

    assert len(outstanding) == 0


@given(
    limits=st.tuples(st.integers(1, 5), st.integers(1, 50)),
    steps=st.lists(st.one_of(st.integers(1, 30), st.none()), max_size=60),
)
def test_what_is_sent_when_there_is_room_never_passes_the_limits(limits, steps):
    max_messages, max_bytes = limits
    outstanding, told = Outstanding(), Room()
    flow, sizes = Flow(max_messages, max_bytes, told), {}

    for generation, size in enumerate(steps):
        full = len(sizes) >= max_messages or sum(sizes.values()) >= max_bytes
        assert bool(flow.room()) == (not full)
        if size is None and sizes:
            told.times = 0
            ended, _ = sizes.popitem()
            outstanding.remove([ended])
            now_full = len(sizes) >= max_messages or sum(sizes.values()) >= max_bytes
            assert told.times == (full and not now_full)
        elif size and not full:
            outstanding.add(flow, generation, size)
            sizes[generation] = size
