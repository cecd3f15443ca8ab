"""A few kills under load; `python -m tests.bench.pubsub_kills` does it hundreds of times."""

import random

import pytest

from tests.bench.pubsub.killing import Kills


@pytest.mark.parametrize("durability", ["normal", "full"])
async def test_no_promise_is_broken_by_kills_under_load(tmp_path, durability):
    seed = random.randrange(10**6)
    kills = Kills(tmp_path, durability, seed)

    await kills.run(times=5)

    assert kills.promises.broken == [], f"seed {seed}"
    counts = kills.promises.counts()
    assert counts["answered"] > 0
    assert counts["confirmed"] > 0
