"""What every store of pauses does, together with its ledger."""

import pytest

from shared.domain.desk_ports import Chores, Counts
from shared.domain.errors import LeaseLost
from shared.domain.operation import NewOperation, OperationKind, Selection
from shared.domain.outcome import Failure
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, Refusal, State
from tests.support.task_types import greeting_type

TYPES = ["greet", "other"]
FAILED = Settlement(
    State.RETRYING, "failed", Answer.NACK, failure=Failure("E", "e"), due_in_seconds=600
)


async def claimed(bench, task_id):
    return await bench.ledger.claim(task_id, 0, greeting_type())


async def pause(bench, task_type="greet"):
    return await bench.pauses.pause(task_type, reason="the bank is down", actor="key:1")


async def test_a_claim_of_a_paused_type_is_refused_and_costs_nothing(bench):
    task_id = await bench.add()
    await pause(bench)

    assert await claimed(bench, task_id) is Refusal.PAUSED
    task = await bench.task(task_id)
    assert (task.state, task.attempt) == (State.QUEUED, 0)


async def test_other_types_go_on(bench):
    task_id = await bench.add()
    await pause(bench, "other")

    assert isinstance(await claimed(bench, task_id), Claim)


async def test_a_held_task_is_scheduled_and_the_relay_does_not_look_at_it(bench):
    task_id = await bench.add()
    await pause(bench)

    assert await bench.ledger.hold(task_id, 0)

    task = await bench.task(task_id)
    assert (task.state, task.due_at, task.attempt) == (State.SCHEDULED, None, 0)
    await bench.pass_time(100_000)
    assert await bench.ledger.take_due({"greet": 5}, 10) == []
    assert await claimed(bench, task_id) is Refusal.NOT_YET


async def test_what_waits_for_its_retry_is_held_with_its_attempts(bench):
    task_id = await bench.add()
    await bench.ledger.finish(await bench.claim(task_id), FAILED)
    await pause(bench)

    assert await claimed(bench, task_id) is Refusal.PAUSED
    assert await bench.ledger.hold(task_id, 0)
    await bench.pauses.resume("greet", actor="local")
    await bench.pauses.release(TYPES, 10)

    assert (await bench.claim(task_id)).attempt == 2


async def test_only_what_waits_is_held_and_only_while_its_type_is_paused(bench):
    dead, running, queued = await bench.dead(), await bench.add(), await bench.add()
    await bench.claim(running)

    assert not await bench.ledger.hold(queued, 0)
    await pause(bench)
    assert not await bench.ledger.hold(dead, 0)
    assert not await bench.ledger.hold(running, 0)
    assert not await bench.ledger.hold(queued, 1)
    assert await bench.state(running) is State.RUNNING


async def test_what_runs_is_recorded_although_its_type_is_paused(bench):
    task_id = await bench.add()
    claim = await bench.claim(task_id)
    await pause(bench)

    await bench.ledger.finish(claim, Settlement(State.SUCCEEDED, "succeeded", Answer.ACK))

    assert await bench.state(task_id) is State.SUCCEEDED


async def test_nothing_is_released_while_the_type_is_paused(bench):
    await pause(bench)
    task_id = await bench.add()
    await bench.ledger.hold(task_id, 0)

    assert await bench.pauses.release(TYPES, 10) == []
    assert await bench.pauses.chores(TYPES) == Chores(operations=False, held=False)


async def test_after_the_pause_what_was_held_is_released_in_batches(bench):
    await pause(bench)
    ids = {await bench.add() for _ in range(3)}
    for task_id in ids:
        await bench.ledger.hold(task_id, 0)
    assert await bench.pauses.resume("greet", actor="local")

    assert await bench.pauses.chores(TYPES) == Chores(operations=False, held=True)
    assert await bench.pauses.release(["other"], 10) == []
    first = await bench.pauses.release(TYPES, 2)
    rest = await bench.pauses.release(TYPES, 2)

    assert {one.id for one in first + rest} == ids
    assert {one.generation for one in first} == {0}
    assert await bench.pauses.chores(TYPES) == Chores(operations=False, held=False)
    assert (await bench.claim(first[0].id)).attempt == 1


async def test_a_released_task_that_nobody_publishes_is_brought_back_by_the_relay(bench):
    await pause(bench)
    task_id = await bench.add()
    await bench.ledger.hold(task_id, 0)
    await bench.pauses.resume("greet", actor="local")
    await bench.pauses.release(TYPES, 10)

    await bench.pass_time(3)

    assert [one.id for one in await bench.ledger.take_due({"greet": 5}, 10)] == [task_id]


async def test_a_held_task_can_be_cancelled(bench):
    await pause(bench)
    task_id = await bench.add()
    await bench.ledger.hold(task_id, 0)

    await bench.ledger.cancel(task_id)
    await bench.pauses.resume("greet", actor="local")

    assert await bench.pauses.release(TYPES, 10) == []
    assert await bench.state(task_id) is State.CANCELLED


async def test_a_second_pause_keeps_the_first_reason(bench):
    first = await pause(bench)
    second = await bench.pauses.pause("greet", reason="another", actor="key:2")

    assert second == first
    assert (second.reason, second.actor) == ("the bank is down", "key:1")
    assert await bench.pauses.all() == [first]


async def test_a_resume_says_whether_there_was_a_pause(bench):
    await pause(bench)

    assert await bench.pauses.resume("greet", actor="key:2")
    assert not await bench.pauses.resume("greet", actor="key:2")
    assert await bench.pauses.all() == []


async def test_pauses_and_resumes_are_in_the_audit_once(bench):
    await pause(bench)
    await pause(bench)
    await bench.pauses.resume("greet", actor="key:2")
    await bench.pauses.resume("greet", actor="key:2")

    resumed, paused = await bench.audit.lines(before=None, limit=10)
    assert (paused.actor, paused.action) == ("key:1", "pause")
    assert paused.detail == {"task_type": "greet", "reason": "the bank is down"}
    assert (resumed.actor, resumed.action) == ("key:2", "resume")


async def test_what_runs_what_is_held_and_what_is_dead_is_counted_up_to_a_limit(bench):
    for _ in range(3):
        await bench.dead()
    await bench.claim(await bench.add())
    held = await bench.add()
    await pause(bench)
    await bench.ledger.hold(held, 0)

    counts = await bench.pauses.counts(TYPES, 2)

    assert counts == {"greet": Counts(running=1, held=1, dead=2), "other": Counts()}


async def test_a_running_operation_is_a_chore(bench):
    await bench.dead()
    operation = NewOperation(await bench.add(), OperationKind.REDRIVE, Selection(), "local")
    await bench.operations.create(operation)

    assert (await bench.pauses.chores(TYPES)).operations
    await bench.operations.stop(operation.id, actor="local")
    assert not (await bench.pauses.chores(TYPES)).operations


async def test_a_claim_that_is_put_back_cost_nothing(bench):
    task_id = await bench.add()
    claim = await bench.claim(task_id)

    await bench.ledger.put_back(claim, 30)

    task = await bench.task(task_id)
    assert (task.state, task.attempt, task.started_at) == (State.SCHEDULED, 0, None)
    assert task.attempts == ()
    assert await claimed(bench, task_id) is Refusal.NOT_YET
    assert await bench.ledger.take_due({"greet": 5}, 10) == []
    await bench.pass_time(31)
    assert [one.id for one in await bench.ledger.take_due({"greet": 5}, 10)] == [task_id]
    assert (await bench.claim(task_id)).attempt == 1


async def test_a_claim_that_was_put_back_is_lost(bench):
    claim = await bench.claim(await bench.add())
    await bench.ledger.put_back(claim, 0)

    with pytest.raises(LeaseLost):
        await bench.ledger.put_back(claim, 0)
    with pytest.raises(LeaseLost):
        await bench.ledger.finish(claim, FAILED)


async def test_a_claim_says_the_concurrency_key(bench):
    with_key, without = await bench.add(concurrency_key="tenant-1"), await bench.add()

    assert (await bench.claim(with_key)).concurrency_key == "tenant-1"
    assert (await bench.claim(without)).concurrency_key is None
    assert (await bench.task(with_key)).concurrency_key == "tenant-1"
