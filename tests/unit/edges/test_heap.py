"""The garbage collector of a server process leaves alone what lives as long as the process."""

import gc
import weakref

from shared.edges.heap import YOUNG, settle_heap


async def test_a_function_that_is_ready_looks_for_garbage_seldom(stage):
    await stage.client.get("/ready")

    assert gc.get_threshold()[0] == YOUNG
    assert gc.get_freeze_count() > 0


def test_only_the_first_call_takes_what_lives_out_of_the_collectors_sight():
    settle_heap()
    frozen = gc.get_freeze_count()
    alive = [{} for _ in range(1000)]
    settle_heap()

    assert gc.get_freeze_count() <= frozen
    assert len(alive) == 1000


def test_cycles_are_still_collected():
    settle_heap()
    before = gc.get_count()[0]
    for _ in range(2 * YOUNG):
        knot = []
        knot.append(knot)

    assert gc.get_count()[0] < before + YOUNG


class Boom(Exception):
    pass


async def test_a_failed_delivery_leaves_nothing_for_the_collector(stage):
    raised = []

    def error():
        boom = Boom()
        raised.append(weakref.ref(boom))
        return boom

    async def fails():
        raise error()

    stage.script.behaviour = fails
    gc.disable()
    try:
        await stage.push(await stage.add())
        left = [boom() for boom in raised]
    finally:
        gc.enable()

    assert left == [None]
