"""The garbage collector of a server process: seldom, but in proportion to what is alive."""

import gc
import weakref

from shared.edges.heap import EACH, LEAST, Heap


def test_a_settled_heap_never_looks_at_what_lives_already():
    Heap().settle()

    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == LEAST


def test_each_request_under_way_lets_the_collector_wait_longer():
    heap = Heap()
    heap.settle()
    with heap, heap:
        assert gc.get_threshold()[0] == LEAST + 2 * EACH
    assert gc.get_threshold()[0] == LEAST


def test_a_request_that_fails_is_under_way_no_longer():
    heap = Heap()
    heap.settle()
    try:
        with heap:
            raise ValueError
    except ValueError:
        assert gc.get_threshold()[0] == LEAST


def test_a_process_that_is_not_settled_keeps_its_collector():
    before = gc.get_threshold()
    with Heap():
        assert gc.get_threshold() == before


def test_what_lives_is_frozen_once():
    heap = Heap()
    heap.settle()
    frozen = gc.get_freeze_count()
    alive = [{} for _ in range(1000)]
    heap.settle()

    assert gc.get_freeze_count() <= frozen
    assert len(alive) == 1000


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


async def test_a_delivery_is_under_way_while_its_handler_runs(stage):
    seen = []

    async def work():
        seen.append(gc.get_threshold()[0])

    stage.script.behaviour = work
    await stage.client.get("/ready")
    await stage.push(await stage.add())

    assert (seen, gc.get_threshold()[0]) == ([LEAST + EACH], LEAST)
