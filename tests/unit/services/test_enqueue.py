"""Accepting tasks, on in-memory ports."""

import asyncio
import contextlib
import gc
import json
import weakref

import pytest

from shared.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    LedgerUnavailable,
    UnknownTaskType,
)
from shared.domain.ports import TaskFilter
from shared.domain.task import State, Stored
from tests.support.memory_api import memory_api

ASKED = {"task_type": "greet", "payload": {"name": "Ada"}}
TRACE = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


@pytest.fixture
def bench():
    return memory_api()


async def everything(bench):
    return await bench.ledger.find(TaskFilter(), after=None, limit=100)


async def test_an_accepted_task_is_stored_and_published_under_its_trace(bench):
    stored = await bench.api.enqueue.enqueue(ASKED, traceparent=TRACE)
    await bench.api.enqueue.settle()
    [message] = bench.publisher.messages
    assert stored.state is State.QUEUED
    assert message.topic == "tasks-greet"
    assert json.loads(message.data)["task_id"] == str(stored.id)
    assert message.attributes["traceparent"] == TRACE
    assert (await bench.ledger.get(stored.id)).due_at is None


async def test_a_task_is_accepted_though_pubsub_is_away_and_stays_due(bench):
    bench.publisher.reachable = False
    stored = await bench.api.enqueue.enqueue(ASKED, traceparent=TRACE)
    await bench.api.enqueue.settle()
    assert (await bench.ledger.get(stored.id)).due_at is not None


async def test_a_ledger_that_says_nothing_does_not_hold_the_caller():
    bench = memory_api(patience_seconds=0.01)

    async def hang(tasks):
        await asyncio.Event().wait()

    bench.ledger.add = hang
    with pytest.raises(LedgerUnavailable, match=r"within 0\.01 s"):
        await asyncio.wait_for(bench.api.enqueue.enqueue(ASKED, traceparent=TRACE), 5)
    assert bench.publisher.messages == []


async def test_a_slow_pubsub_does_not_hold_the_answer_back(bench):
    never = asyncio.Event()

    async def hang(messages):
        await never.wait()
        return [True] * len(messages)

    bench.publisher.publish = hang
    stored = await asyncio.wait_for(bench.api.enqueue.enqueue(ASKED, traceparent=TRACE), 5)
    assert (await bench.ledger.get(stored.id)).due_at is not None
    never.set()
    await bench.api.enqueue.settle()


async def test_the_answer_comes_when_pubsub_has_confirmed_and_not_when_patience_ends(bench):
    answering = asyncio.ensure_future(bench.api.enqueue.enqueue(ASKED, traceparent=TRACE))
    for _ in range(50):  # turns of the loop, in which no timer comes due
        await asyncio.sleep(0)
    assert answering.done()
    await bench.api.enqueue.settle()


async def test_what_is_confirmed_while_a_mark_is_written_shares_the_next_one(bench):
    marks, written, mark = [], asyncio.Event(), bench.ledger.mark_published

    async def slow(tasks):
        marks.append(len(tasks))
        await written.wait()
        await mark(tasks)

    bench.ledger.mark_published = slow
    for _ in range(4):
        await bench.api.enqueue.enqueue(ASKED, traceparent=TRACE)
    written.set()
    await bench.api.enqueue.settle()
    assert marks == [1, 3]
    assert [task.due_at for task in await everything(bench)] == [None] * 4


async def test_a_mark_that_is_lost_does_not_stop_those_after_it(bench):
    mark = bench.ledger.mark_published

    async def away(tasks):
        raise LedgerUnavailable("away")

    bench.ledger.mark_published = away
    lost = await bench.api.enqueue.enqueue(ASKED, traceparent=TRACE)
    await bench.api.enqueue.settle()
    bench.ledger.mark_published = mark
    marked = await bench.api.enqueue.enqueue(ASKED, traceparent=TRACE)
    await bench.api.enqueue.settle()
    assert (await bench.ledger.get(lost.id)).due_at is not None
    assert (await bench.ledger.get(marked.id)).due_at is None


async def test_every_problem_of_a_request_is_reported_at_once_and_nothing_is_stored(bench):
    asked = {
        "task_type": "greet",
        "payload": {"times": 99, "surplus": 1},
        "idempotency_key": "",
        "labels": {"UPPER": "x"},
        "unknown": True,
        "ordering_key": "k",
    }
    with pytest.raises(InvalidRequest) as refused:
        await bench.api.enqueue.enqueue(asked, traceparent=TRACE)
    fields = {problem.field for problem in refused.value.fields}
    wanted = {"payload.name", "payload.times", "payload.surplus", "idempotency_key", "unknown"}
    assert wanted <= fields
    assert any(field.startswith("labels") for field in fields)
    assert await everything(bench) == []


async def test_an_ordering_key_needs_an_ordered_type(bench):
    with pytest.raises(InvalidRequest, match="not ordered"):
        await bench.api.enqueue.enqueue({**ASKED, "ordering_key": "k"}, traceparent=TRACE)
    ordered = {**ASKED, "task_type": "greet_in_order", "ordering_key": "k"}
    await bench.api.enqueue.enqueue(ordered, traceparent=TRACE)
    assert bench.publisher.messages[0].ordering_key == "k"


async def test_an_unknown_type_is_refused_with_the_nearest_name(bench):
    with pytest.raises(UnknownTaskType, match='did you mean "greet"'):
        await bench.api.enqueue.enqueue({**ASKED, "task_type": "greeet"}, traceparent=TRACE)


@pytest.mark.parametrize("asked", [None, [], "x", 1, {}, {"task_type": 1, "payload": []}])
async def test_what_is_no_request_is_refused(bench, asked):
    with pytest.raises(InvalidRequest):
        await bench.api.enqueue.enqueue(asked, traceparent=TRACE)


@pytest.mark.parametrize("with_cache", [True, False])
async def test_the_same_key_gives_the_same_task_with_and_without_the_cache(bench, with_cache):
    asked = {**ASKED, "idempotency_key": "k"}
    first = await bench.api.enqueue.enqueue(asked, traceparent=TRACE)
    await bench.api.enqueue.settle()
    if not with_cache:
        bench.cache._keys.clear()
    again = await bench.api.enqueue.enqueue(asked, traceparent=TRACE)
    assert (again.id, again.is_new, len(bench.publisher.messages)) == (first.id, False, 1)


@pytest.mark.parametrize("with_cache", [True, False])
async def test_the_same_key_with_another_payload_is_a_conflict(bench, with_cache):
    await bench.api.enqueue.enqueue({**ASKED, "idempotency_key": "k"}, traceparent=TRACE)
    await bench.api.enqueue.settle()
    if not with_cache:
        bench.cache._keys.clear()
    other = {"task_type": "greet", "payload": {"name": "Bob"}, "idempotency_key": "k"}
    with pytest.raises(IdempotencyConflict):
        await bench.api.enqueue.enqueue(other, traceparent=TRACE)
    assert len(await everything(bench)) == 1


async def test_the_order_of_keys_in_a_payload_does_not_make_it_another(bench):
    payload = {"name": "Ada", "times": 2}
    turned = {"times": 2, "name": "Ada"}
    for one in (payload, turned):
        await bench.api.enqueue.enqueue(
            {"task_type": "greet", "payload": one, "idempotency_key": "k"}, traceparent=TRACE
        )
    assert len(await everything(bench)) == 1


async def test_a_batch_has_an_outcome_for_each_item_in_order(bench):
    asked = [ASKED, {"task_type": "nope", "payload": {}}, {**ASKED, "payload": {}}, ASKED]
    outcomes = await bench.api.enqueue.enqueue_all(asked, traceparent=TRACE)
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Stored, UnknownTaskType, InvalidRequest, Stored]
    assert [t.id for t in await everything(bench)] == [outcomes[3].id, outcomes[0].id]


async def test_nothing_is_accepted_while_the_ledger_is_away(bench):
    async def away(tasks):
        raise LedgerUnavailable("away")

    bench.ledger.add = away
    with pytest.raises(LedgerUnavailable):
        await bench.api.enqueue.enqueue(ASKED, traceparent=TRACE)
    assert bench.publisher.messages == []


async def test_a_ledger_that_goes_away_behind_the_answer_is_the_relay_s_affair(bench):
    unhandled = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: unhandled.append(context)
    )

    async def away(tasks):
        raise LedgerUnavailable("away")

    bench.ledger.mark_published = away
    stored = await bench.api.enqueue.enqueue(ASKED, traceparent=TRACE)
    await bench.api.enqueue.settle()
    gc.collect()
    assert unhandled == []
    assert (await bench.ledger.get(stored.id)).due_at is not None


async def test_the_same_key_for_another_task_type_is_a_conflict(bench):
    asked = {**ASKED, "idempotency_key": "k"}
    await bench.api.enqueue.enqueue(asked, traceparent=TRACE)
    with pytest.raises(IdempotencyConflict):
        await bench.api.enqueue.enqueue({**asked, "task_type": "greet_in_order"}, traceparent=TRACE)


async def test_a_repeated_key_is_answered_from_the_cache_without_a_commit(bench):
    asked = {**ASKED, "idempotency_key": "k"}
    first = await bench.api.enqueue.enqueue(asked, traceparent=TRACE)
    await bench.api.enqueue.settle()

    async def no_commit(tasks):
        raise AssertionError("the ledger was asked to add a task")

    bench.ledger.add = no_commit
    assert (await bench.api.enqueue.enqueue(asked, traceparent=TRACE)).id == first.id


class Asked(dict):
    """A request that can be watched."""


@pytest.mark.parametrize("wrong", [{"payload": {"name": 5}}, {"task_type": "nothing"}])
async def test_a_refused_request_leaves_nothing_for_the_garbage_collector(bench, wrong):
    asked = Asked({**ASKED, **wrong})
    watched = weakref.ref(asked)
    gc.disable()
    try:
        with contextlib.suppress(InvalidRequest, UnknownTaskType):
            await bench.api.enqueue.enqueue(asked, traceparent=TRACE)
            pytest.fail("it was accepted")
        del asked
        left = watched()
    finally:
        gc.enable()

    assert left is None
