"""A short storm over the real stack; `make chaos` has long ones."""

from tests.chaos.storm import QUIET_SECONDS, storm


def test_a_storm_breaks_no_promise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("storm")
    after = storm(folder, seed=4, seconds=20, per_second=40, every=2)
    print(after.summary(), *after.weather, sep="\n")
    assert after.broken == []
    assert after.calm_seconds <= 3 * QUIET_SECONDS, after.last
    assert len(after.told.ids) > 300
    assert after.told.unknown == 0
    assert len(after.weather) >= 5
