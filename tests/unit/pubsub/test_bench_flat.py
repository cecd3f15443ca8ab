"""The soak test's judgement: growth beyond the tolerance is found, noise is not growth."""

import random

import pytest

from tests.bench.pubsub.flat import Limit, judge

MEMORY = Limit("memory", "MB", share=0.05, beside=3)


def test_noise_around_a_level_is_flat():
    noise = random.Random(1)
    assert judge(MEMORY, [100 + noise.uniform(-10, 10) for _ in range(100)]).flat


@pytest.mark.parametrize(("growth", "flat"), [(7.9, True), (8.1, False), (-50, True)])
def test_growth_is_measured_against_share_and_allowance(growth, flat):
    verdict = judge(MEMORY, [100 + growth * number / 50 for number in range(51)])

    assert verdict.flat is flat
    assert verdict.end - verdict.begin == pytest.approx(growth)


def test_a_leak_below_the_noise_is_found_by_its_slope():
    noise = random.Random(1)
    leak = [100 + 0.2 * number + noise.uniform(-10, 10) for number in range(100)]

    assert not judge(MEMORY, leak).flat


def test_one_reading_says_nothing():
    with pytest.raises(ValueError, match="1 times"):
        judge(MEMORY, [1])
