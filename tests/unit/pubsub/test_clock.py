"""The clock that can be sent forward: on a loop whose own time a test moves."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from emulators.pubsub.clock import MOST_AHEAD_SECONDS, LoopClock

DAY = 86_400


class FakeLoop:
    """An event loop's clock and timers; `pass_seconds` is what waiting does on a real one."""

    def __init__(self):
        self.seconds = 500.0
        self.handles = []

    def time(self):
        return self.seconds

    def call_at(self, when, callback):
        handle = SimpleNamespace(when=when, callback=callback)
        handle.cancel = lambda: self.handles.remove(handle)
        self.handles.append(handle)
        return handle

    def pass_seconds(self, seconds):
        end = self.seconds + seconds
        while due := [handle for handle in self.handles if handle.when <= end]:
            handle = min(due, key=lambda handle: handle.when)
            self.seconds = max(self.seconds, handle.when)
            self.handles.remove(handle)
            handle.cancel = lambda: None
            handle.callback()
        self.seconds = end


@pytest.fixture
def loop():
    return FakeLoop()


@pytest.fixture
def clock(loop):
    return LoopClock(loop)


@pytest.fixture
def ring(clock):
    """Set a timer this many seconds from now; `ring.rung` notes when each ran."""
    start = clock.now()

    def ring(seconds, name="timer"):
        def run():
            ring.rung.append((name, round(clock.now() - start, 3)))

        return clock.call_at(clock.now() + seconds, run)

    ring.rung = []
    return ring


def test_timers_run_when_the_loop_reaches_their_time(loop, ring):
    ring(2, "b")
    ring(1, "a")

    loop.pass_seconds(1.5)
    assert ring.rung == [("a", 1)]
    loop.pass_seconds(1)
    assert ring.rung == [("a", 1), ("b", 2)]


def test_an_advance_runs_the_timers_on_its_way_in_order_and_at_their_moments(clock, ring):
    ring(600, "c")
    ring(5, "a")
    ring(5, "b")
    ring(DAY, "later")

    clock.advance(600)

    assert ring.rung == [("a", 5), ("b", 5), ("c", 600)]


def test_a_timer_set_by_a_timer_runs_in_the_same_advance(clock, ring):
    clock.call_at(clock.now() + 10, lambda: ring(10, "second"))

    clock.advance(30)

    assert ring.rung == [("second", 20)]


def test_what_is_left_of_a_timer_is_waited_for_after_an_advance(loop, clock, ring):
    ring(10)
    clock.advance(7)

    loop.pass_seconds(2.5)
    assert ring.rung == []
    loop.pass_seconds(0.5)
    assert ring.rung == [("timer", 10)]


def test_a_cancelled_timer_does_not_run(clock, ring):
    ring(1).cancel()

    clock.advance(2)

    assert ring.rung == []


def test_wall_and_monotonic_time_advance_together(clock):
    now, wall = clock.now(), clock.wall_ns()

    clock.advance(31 * DAY)

    assert clock.now() - now == 31 * DAY
    assert clock.wall_ns() - wall == pytest.approx(31 * DAY * 1e9, abs=1e9)


def test_forgetting_the_advances_sets_back_the_wall_clock_alone(loop, clock, ring):
    ring(DAY + 5)
    clock.advance(DAY)
    now = clock.now()

    clock.forget_advances()

    assert clock.wall_ns() == pytest.approx(time.time_ns(), abs=1e9)
    assert clock.now() == now
    loop.pass_seconds(5)
    assert ring.rung == [("timer", DAY + 5)]


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf"), MOST_AHEAD_SECONDS + 1])
def test_an_advance_that_cannot_be_is_refused(clock, seconds):
    with pytest.raises(ValueError, match="forward only"):
        clock.advance(seconds)


def test_a_timer_that_fails_does_not_stop_time(clock, ring):
    def fail():
        raise RuntimeError("broken timer")

    clock.call_at(clock.now() + 1, fail)
    ring(2)

    with pytest.raises(RuntimeError, match="broken timer"):
        clock.advance(3)

    clock.advance(0)
    assert [name for name, _ in ring.rung] == ["timer"]


def test_cancelled_timers_are_not_kept_until_their_moment(clock):
    for _ in range(10_000):
        clock.call_at(clock.now() + DAY, print).cancel()

    assert len(clock._timers) < 1000


async def test_an_advance_ends_a_sleep():
    clock = LoopClock(asyncio.get_running_loop())
    sleeping = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)

    clock.advance(3600)

    async with asyncio.timeout(5):
        await sleeping


async def test_it_runs_on_a_real_loop():
    clock = LoopClock(asyncio.get_running_loop())
    rung = asyncio.Event()
    clock.call_at(clock.now() + 3600.01, rung.set)

    clock.advance(3600)

    async with asyncio.timeout(5):
        await rung.wait()
