"""The guard against a slow path: ratios to floors of the same run, with a wide margin."""

import pytest

from tests.bench.queue.floors import floor_servers
from tests.bench.queue.ours import Ours
from tests.e2e.local_stack import local_stack

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    with local_stack(tmp_path_factory.mktemp("speed")) as stack, floor_servers() as floors:
        ours = Ours(stack)
        ours.end_to_end(300)
        rate, posts, _ = ours.end_to_end(1500)
        yield {"end": rate, "posts": posts, "batch": ours.batch_rate(2000)}, floors.http_rate(8000)
        ours.close()


@pytest.mark.parametrize(("what", "least"), [("end", 0.015), ("posts", 0.02), ("batch", 0.07)])
def test_the_path_keeps_its_distance_to_a_bare_http_hop(measured, what, least):
    """About a quarter of what a quiet machine shows."""
    ours, floor = measured
    assert ours[what] / floor > least
