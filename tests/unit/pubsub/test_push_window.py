"""The push controller: slow start, shrinking, and the back-off's documented points."""

import itertools

import pytest

from emulators.pubsub.push.window import (
    ABSENT_PAUSE,
    MOST_PAUSE,
    SLOW_START_LIMIT,
    START,
    PushWindow,
)


def after(window, results, *, now=0.0):
    """Feed results: '+' an ack, '-' a nack, one each time the window's pause is over."""
    pauses = []
    for result in results:
        now = max(now, window.resumes_at())
        if result == "+":
            window.acked(0.01, now)
        else:
            window.nacked(now, reached=True)
        pauses.append(max(0.0, window.resumes_at() - now))
    return pauses


def room(window, now=1e9):
    return window.room(0, now)


def test_the_window_starts_small_and_doubles_with_each_round_of_acks():
    window = PushWindow(backoff=True)
    sizes = [room(window)]
    for _ in range(3):
        after(window, "+" * sizes[-1])
        sizes.append(room(window))

    assert sizes == [START, 2 * START, 4 * START, 8 * START]


def test_beyond_the_slow_start_it_grows_by_one_a_round():
    window = PushWindow(backoff=True)
    after(window, "+" * (SLOW_START_LIMIT - START))
    assert room(window) == SLOW_START_LIMIT

    after(window, "+" * (SLOW_START_LIMIT + 10))

    assert room(window) == SLOW_START_LIMIT + 1


def test_a_bounded_window_grows_to_its_bound_and_shrinks_from_there():
    window = PushWindow(backoff=False, most=10)
    after(window, "+" * 100)
    assert room(window) == 10

    window.nacked(0, reached=False)

    assert room(window) == 5


def test_a_bound_below_the_start_holds_from_the_start():
    assert room(PushWindow(backoff=True, most=2)) == 2


def test_outstanding_messages_take_room():
    window = PushWindow(backoff=True)

    assert window.room(START - 1, now=0) == 1
    assert window.room(START + 5, now=0) == 0


def test_slow_answers_bring_the_window_back_to_the_slow_starts_limit():
    window = PushWindow(backoff=True)
    after(window, "+" * (3 * SLOW_START_LIMIT))

    for _ in range(50):
        window.acked(2.0, 0)

    assert room(window) == SLOW_START_LIMIT


def test_a_nack_halves_a_small_window_but_not_below_its_start():
    window = PushWindow(backoff=False)
    after(window, "+" * 60)

    window.nacked(0, reached=False)
    assert room(window) == (START + 60) // 2
    for _ in range(10):
        window.nacked(0, reached=False)
    assert room(window) == START


def test_without_back_off_a_nack_that_the_endpoint_gave_leaves_the_window_as_it_is():
    """One task in ten fails, one in twenty takes long: these must not be all that are out."""
    window = PushWindow(backoff=False)
    after(window, ("+" * 9 + "-") * 20)

    assert room(window) == START + 180


def test_a_nack_takes_back_what_99_acks_gave():
    window = PushWindow(backoff=True)
    after(window, "+" * 1000)

    after(window, "-")

    assert room(window) == START + 1000 - 99


@pytest.mark.parametrize("backoff", [True, False])
def test_with_more_than_99_acks_in_100_the_window_keeps_growing(backoff):
    window = PushWindow(backoff=backoff)
    pauses = after(window, ("+" * 199 + "-") * 100)

    assert room(window) > SLOW_START_LIMIT
    assert pauses[1000:] == [0] * (len(pauses) - 1000)


def test_with_fewer_than_99_acks_in_100_it_falls_back_to_the_slow_starts_limit():
    window = PushWindow(backoff=True)
    after(window, "+" * (SLOW_START_LIMIT + 300_000))
    assert room(window) > SLOW_START_LIMIT + 50

    after(window, ("+" * 97 + "-") * 20 + "+" * 50)

    assert 1 < room(window) <= SLOW_START_LIMIT + 1


def test_slow_start_reaches_a_thousand_outstanding_in_eight_rounds():
    """What makes 1,000 messages of 3 s take 24 s, not 25 minutes."""
    window = PushWindow(backoff=True)
    sent = rounds = 0
    while sent < 1000:
        size = room(window)
        after(window, "+" * size)
        sent, rounds = sent + size, rounds + 1

    assert rounds == 8


def test_pauses_grow_with_nacks_up_to_a_minute():
    pauses = after(PushWindow(backoff=True), "-" * 60)

    assert pauses[0] >= 0.1
    assert pauses == sorted(pauses)
    assert 50 < pauses[-1] <= MOST_PAUSE


def test_one_nack_in_five_means_about_two_messages_a_second():
    pauses = after(PushWindow(backoff=True), "++++-" * 40)[-50:]

    assert 0.3 < sum(pauses) / len(pauses) < 0.7


def test_while_it_backs_off_one_message_is_out_at_a_time():
    window = PushWindow(backoff=True)
    after(window, "-")

    assert window.room(0, window.resumes_at() - 0.001) == 0
    assert window.room(0, window.resumes_at()) == 1
    assert window.room(1, window.resumes_at()) == 0


def test_acks_end_the_back_off():
    window = PushWindow(backoff=True)
    after(window, "-----")

    pauses = after(window, "+" * 60)

    assert all(later <= earlier for earlier, later in itertools.pairwise(pauses))
    assert pauses[-1] == 0
    assert room(window) > 1


def test_without_back_off_a_nack_pauses_nothing():
    window = PushWindow(backoff=False)

    assert after(window, "-" * 20) == [0] * 20


@pytest.mark.parametrize("backoff", [True, False])
def test_an_endpoint_that_is_not_there_is_never_hammered(backoff):
    window = PushWindow(backoff=backoff)

    window.nacked(5, reached=False)

    assert window.room(0, 5 + ABSENT_PAUSE - 0.001) == 0
