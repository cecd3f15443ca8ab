"""What every store of bulk operations does."""

from dataclasses import replace
from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from shared.domain.operation import (
    NewOperation,
    OperationItem,
    OperationKind,
    OperationState,
    Outcome,
    Selection,
)
from shared.domain.task import State

REDRIVE, CANCEL = OperationKind.REDRIVE, OperationKind.CANCEL
DONE = Outcome.SUCCEEDED


def new(kind=REDRIVE, selection=Selection(), **fields) -> NewOperation:  # noqa: B008
    return NewOperation(uuid7(), kind, selection, "key:1", **fields)


def decided(items, outcome=DONE, reason="") -> list[OperationItem]:
    return [replace(item, outcome=outcome, reason=reason) for item in items]


async def items_of(bench, operation, outcome=None):
    return await bench.operations.items(operation.id, outcome, after=None, limit=1000)


async def test_a_redrive_concerns_the_dead_tasks_of_its_filter(bench):
    dead = await bench.dead()
    await bench.dead(task_type="other")
    await bench.dead(labels={"team": "blue"}, task_type="other")
    await bench.add()

    operation = await bench.operations.create(new(selection=Selection(task_type="greet")))

    assert (operation.state, operation.total) == (OperationState.RUNNING, 1)
    assert (operation.kind, operation.actor) == (REDRIVE, "key:1")
    assert operation.filter == {"task_type": "greet"}
    assert [item.task_id for item in await items_of(bench, operation)] == [dead]
    blue = await bench.operations.create(new(selection=Selection(labels={"team": "blue"})))
    assert blue.total == 1


async def test_a_cancel_concerns_what_is_not_finished(bench):
    await bench.dead()
    queued, running = await bench.add(), await bench.add()
    await bench.claim(running)

    operation = await bench.operations.create(new(CANCEL))
    only_queued = await bench.operations.create(new(CANCEL, Selection(state=State.QUEUED)))

    assert {item.task_id for item in await items_of(bench, operation)} == {queued, running}
    assert [item.task_id for item in await items_of(bench, only_queued)] == [queued]


async def test_the_window_is_frozen_where_it_was_previewed(bench):
    early = await bench.dead()
    await bench.pass_time(10)
    preview = await bench.operations.preview(REDRIVE, Selection())
    await bench.pass_time(10)
    await bench.dead()

    frozen = await bench.operations.create(new(selection=Selection(until=preview.until)))

    assert preview.by_type == {"greet": 1}
    assert [item.task_id for item in await items_of(bench, frozen)] == [early]


async def test_times_of_creation_are_bounds(bench):
    await bench.dead()
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)

    assert (await bench.operations.preview(REDRIVE, Selection(created_after=long_ago))).total == 1
    assert (await bench.operations.preview(REDRIVE, Selection(created_before=long_ago))).total == 0
    assert (await bench.operations.preview(REDRIVE, Selection(until=long_ago))).total == 0


async def test_tasks_named_by_id_that_do_not_fit_are_skipped_with_why(bench):
    dead, queued, nobody = await bench.dead(), await bench.add(), uuid7()
    named = Selection(task_ids=(dead, queued, nobody, dead))

    preview = await bench.operations.preview(REDRIVE, named)
    operation = await bench.operations.create(new(selection=named))

    assert (preview.by_type, preview.skipped) == ({"greet": 1}, 2)
    assert (operation.total, operation.skipped) == (3, 2)
    skipped = await items_of(bench, operation, Outcome.SKIPPED)
    assert {item.task_id: item.reason for item in skipped} == {
        queued: "it is queued",
        nobody: "there is no such task",
    }
    step = await bench.operations.next_step(10)
    assert [item.task_id for item in step.items] == [dead]


async def test_an_operation_without_tasks_is_done_at_once(bench):
    operation = await bench.operations.create(new())

    assert (operation.state, operation.total) == (OperationState.DONE, 0)
    assert await bench.operations.next_step(10) is None


async def test_steps_take_what_is_open_until_all_is_decided(bench):
    ids = sorted([await bench.dead() for _ in range(3)])
    operation = await bench.operations.create(new())

    first = await bench.operations.next_step(2)
    await bench.operations.record(operation.id, decided(first.items))
    second = await bench.operations.next_step(2)
    await bench.operations.record(operation.id, decided(second.items, Outcome.SKIPPED, "why"))

    assert [item.task_id for item in first.items] == ids[:2]
    assert [item.task_id for item in second.items] == ids[2:]
    ended = await bench.operations.get(operation.id)
    assert (ended.state, ended.succeeded, ended.skipped) == (OperationState.DONE, 2, 1)
    assert ended.finished_at is not None
    assert [item.reason for item in await items_of(bench, operation)] == ["", "", "why"]
    assert await bench.operations.next_step(2) is None


async def test_a_step_whose_process_died_is_taken_again(bench):
    await bench.dead()
    await bench.operations.create(new())

    lost = await bench.operations.next_step(10)
    again = await bench.operations.next_step(10)

    assert lost == again


async def test_an_item_is_counted_once_whoever_records_it(bench):
    await bench.dead()
    await bench.dead()
    operation = await bench.operations.create(new())
    step = await bench.operations.next_step(1)

    await bench.operations.record(operation.id, decided(step.items))
    await bench.operations.record(operation.id, decided(step.items, Outcome.FAILED))

    counted = await bench.operations.get(operation.id)
    assert (counted.succeeded, counted.failed) == (1, 0)


async def test_a_rate_allows_so_many_a_second_and_catches_up_two_seconds_at_most(bench):
    for _ in range(30):
        await bench.dead()
    operation = await bench.operations.create(new(per_second=1.0))

    await bench.pass_time(1)
    first = await bench.operations.next_step(100)
    await bench.operations.record(operation.id, decided(first.items))
    await bench.pass_time(60)
    caught_up = await bench.operations.next_step(100)

    assert len(first.items) in (1, 2)  # on Postgres a second may go by in the meantime
    assert len(caught_up.items) == 2


async def test_a_rate_below_one_a_second_still_moves(bench):
    await bench.dead()
    await bench.operations.create(new(per_second=0.2))

    await bench.pass_time(3)
    assert await bench.operations.next_step(100) is None
    await bench.pass_time(3)
    assert len((await bench.operations.next_step(100)).items) == 1


async def test_operations_take_turns(bench):
    for _ in range(4):
        await bench.dead()
    one = await bench.operations.create(new())
    await bench.pass_time(1)
    other = await bench.operations.create(new())

    turns = []
    for _ in range(4):
        await bench.pass_time(1)
        turns.append((await bench.operations.next_step(1)).operation_id)

    assert turns == [one.id, other.id, one.id, other.id]


async def test_a_stopped_operation_takes_no_more(bench):
    await bench.dead()
    await bench.dead()
    operation = await bench.operations.create(new())
    step = await bench.operations.next_step(1)

    stopped = await bench.operations.stop(operation.id, actor="key:2")
    await bench.operations.record(operation.id, decided(step.items))

    assert stopped.state is OperationState.STOPPED
    assert await bench.operations.next_step(1) is None
    ended = await bench.operations.get(operation.id)
    assert (ended.state, ended.succeeded, ended.total) == (OperationState.STOPPED, 1, 2)
    again = await bench.operations.stop(operation.id, actor="key:2")
    assert again.state is OperationState.STOPPED
    assert await bench.operations.stop(uuid7(), actor="key:2") is None


async def test_every_operation_and_every_stop_has_one_line_in_the_audit(bench):
    await bench.dead()
    operation = await bench.operations.create(new(selection=Selection(task_type="greet")))
    await bench.operations.stop(operation.id, actor="key:2")
    await bench.operations.stop(operation.id, actor="key:3")

    stop, redrive = await bench.audit.lines(before=None, limit=10)
    assert (redrive.actor, redrive.action) == ("key:1", "redrive")
    assert redrive.detail == {
        "operation_id": str(operation.id),
        "filter": {"task_type": "greet"},
        "tasks": 1,
    }
    assert (stop.actor, stop.action) == ("key:2", "stop")


async def test_operations_are_listed_newest_first(bench):
    made = [await bench.operations.create(new()) for _ in range(3)]

    first = await bench.operations.all(after=None, limit=2)
    rest = await bench.operations.all(after=first[-1].id, limit=2)

    assert [one.id for one in first + rest] == [one.id for one in made[::-1]]
    assert await bench.operations.get(uuid7()) is None


async def test_what_rows_say_is_seen_by_id(bench):
    dead = await bench.dead()

    seen = await bench.operations.seen([dead, uuid7()])

    assert list(seen) == [dead]
    assert (seen[dead].state, seen[dead].generation) == (State.DEAD, 0)
    assert seen[dead].task_type == "greet"
