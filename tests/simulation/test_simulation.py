"""No seed breaks a promise, a seed replays exactly, and known defects are found."""

from itertools import count

import pytest

from tests.simulation.invariants import violations
from tests.simulation.plants import PLANTS
from tests.simulation.script import catalogue
from tests.simulation.storm import simulate

SEEDS = 200
ENOUGH = 100
ATTEMPTS = {name: one.limits.max_attempts for name, one in catalogue().items()}


@pytest.mark.parametrize("first", range(0, SEEDS, 50))
def test_no_storm_breaks_a_promise(first):
    broken = {
        seed: found
        for seed in range(first, first + 50)
        if (found := violations(simulate(seed), ATTEMPTS))
    }
    assert broken == {}


def test_a_seed_replays_exactly():
    once, again = simulate(7), simulate(7)
    assert (once.moves, once.runs, once.faults) == (again.moves, again.runs, again.faults)
    assert once.moves != simulate(8).moves


@pytest.mark.parametrize("plant", sorted(set(PLANTS) - {"none"}))
def test_a_planted_defect_is_found(plant):
    seed = next(n for n in count() if violations(simulate(n, PLANTS[plant]), ATTEMPTS))
    assert seed < ENOUGH


def test_the_storms_are_strong_enough():
    """Every kind of end, every retry and many dead letters: else the invariants look at nothing."""
    histories = [simulate(seed) for seed in range(30)]
    moves = {(m.before, m.after) for h in histories for m in h.moves}
    ends = {row.state for h in histories for row in h.rows.values()}
    assert ends == {"succeeded", "dead", "cancelled", "expired"}
    assert {("dead", "queued"), ("running", "cancelled")} <= moves
    assert sum(len(h.pauses) for h in histories) > 20
    assert sum(len(h.payments) for h in histories) > 50
    assert len(moves) >= 12
    assert sum(len(h.dead_letters) for h in histories) > 20
    assert sum(len(h.runs) for h in histories) > 1.5 * sum(len(h.rows) for h in histories)
