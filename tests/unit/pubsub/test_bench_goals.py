"""The benchmark's verdicts: a goal is met only if every part of it that can be judged is."""

import pytest

from tests.bench.pubsub.goals import GOOGLES, NORMAL, ROWS, Row, ratio_of

RATE = Row("push", "push", "/s", ratio=6, least=3000)
TIME = Row("start", "start", "s", higher=False, ratio=0.5)
SIZE = Row("waiting", "memory", "MB", higher=False, most=150)


@pytest.mark.parametrize(
    ("row", "ours", "theirs", "verdict"),
    [
        (RATE, 3000, 500, "met"),
        (RATE, 2999, 100, "missed"),
        (RATE, 6000, 1001, "missed"),
        (TIME, 0.5, 1.0, "met"),
        (TIME, 0.51, 1.0, "missed"),
        (SIZE, 150, None, "met"),
        (SIZE, 151, None, "missed"),
    ],
)
def test_a_goal_is_judged_on_its_boundary(row, ours, theirs, verdict):
    samples = {NORMAL: [ours]} | ({GOOGLES: [theirs]} if theirs else {})

    assert row.verdict(samples) == verdict


def test_nothing_is_judged_that_was_not_measured():
    assert RATE.verdict({}) == ""
    assert RATE.verdict({GOOGLES: [1.0]}) == ""
    assert TIME.verdict({NORMAL: [0.1]}) == ""


def test_without_googles_emulator_the_absolute_part_is_judged():
    assert RATE.verdict({NORMAL: [3000.0]}) == "met"
    assert RATE.verdict({NORMAL: [2000.0]}) == "missed"


def test_a_ratio_is_the_median_of_pairs_and_not_a_ratio_of_medians():
    samples = {NORMAL: [10.0, 40.0, 100.0], GOOGLES: [10.0, 20.0, 10.0]}

    assert ratio_of(RATE, samples) == 2


def test_every_row_has_a_goal_in_words():
    assert all(row.goal() for row in ROWS)
    assert RATE.goal() == "≥ 6 × and ≥ 3,000 /s"
