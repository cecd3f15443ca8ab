"""A figure that grows is told apart from one that does not."""

from tests.chaos.soaking import SHORT, hours, judged


def test_each_figure_is_judged_by_the_limit_of_its_kind():
    readings = {
        "relay: memory": [100.0, 100.0, 101.0],
        "noop: memory": [100.0, 110.0, 120.0],
        "noop: open files": [20.0, 30.0, 40.0],
        "noop: threads": [3.0, 3.0, 3.0],
    }
    grown = [verdict.limit.what for verdict in judged(readings, SHORT) if not verdict.flat]
    assert grown == ["noop: memory", "noop: open files"]


def test_memory_may_grow_by_a_megabyte_an_hour_beside_the_noise():
    def is_flat(end: float) -> bool:
        [verdict] = judged({"pubsub: memory": [100.0, end]}, hours(7200))
        return verdict.flat

    assert (is_flat(103.9), is_flat(104.1)) == (True, False)
