"""Every row of "Answers to a delivery", through the framework's app: answer, row and desk."""

import asyncio
import json
from datetime import timedelta

import pytest

from shared.domain.ledger_rules import LEASE_SECONDS
from shared.domain.outcome import RejectTask, RetryLater, Snooze
from shared.domain.task import State
from tests.unit.edges.stage import SETTINGS, TRACEPARENT

UNKNOWN = "01937a00-0000-7000-8000-000000000000"


async def test_a_handler_that_returns_is_recorded_and_acked(stage):
    task_id = await stage.add()

    answer = await stage.push(task_id)

    task = await stage.task(task_id)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (task.state, task.result) == (State.SUCCEEDED, {"said": "Ada"})
    assert stage.ledger.desk == {}


async def test_the_handler_is_given_the_checked_payload_and_its_context(stage):
    task_id = await stage.add({"name": "Grace", "times": 3})

    await stage.push(task_id)

    [(payload, context)] = stage.script.runs
    assert (payload.name, payload.times) == ("Grace", 3)
    assert (context.task_id, context.attempt, context.max_attempts) == (task_id, 1, 5)
    assert (context.task_type, context.generation) == ("greet", 0)
    assert (context.traceparent, context.settings) == (TRACEPARENT, SETTINGS)


async def test_a_failure_with_attempts_left_is_nacked_and_left_to_pubsub(stage):
    stage.script.behaviour = ValueError("no such person")
    task_id = await stage.add()

    answer = await stage.push(task_id)

    task = await stage.task(task_id)
    assert answer.status_code == 503
    assert "x-google-status" not in answer.headers
    assert task.state is State.RETRYING
    assert task.error == {"kind": "ValueError", "message": "no such person"}
    assert task.due_at == stage.clock.now + timedelta(seconds=600 + 20)


async def test_a_failure_with_ledger_retries_is_acked_and_left_to_the_relay(open_stage):
    async with open_stage(retry={"by": "ledger", "min_seconds": 10}) as stage:
        stage.script.behaviour = ValueError("no such person")
        task_id = await stage.add()

        answer = await stage.push(task_id)

        task = await stage.task(task_id)
        assert (answer.status_code, task.state) == (204, State.RETRYING)
        assert task.due_at == stage.clock.now + timedelta(seconds=15)
        assert (await stage.push(task_id)).status_code == 204, "not yet time: acked, not run"
        assert len(stage.script.runs) == 1


async def fail_until_last(stage, task_id, **last):
    stage.script.behaviour = ValueError("always")
    for attempt in range(1, 5):
        assert (await stage.push(task_id, delivery_attempt=attempt)).status_code == 503
    return await stage.push(task_id, **last)


@pytest.mark.parametrize("last", [{"delivery_attempt": 5}, {"delivery_attempt": 3}, {}])
async def test_the_last_failure_is_acked_and_copied_whatever_pubsub_counts(stage, last):
    task_id = await stage.add()

    answer = await fail_until_last(stage, task_id, **last)

    task = await stage.task(task_id)
    assert (answer.status_code, task.state) == (204, State.DEAD)
    assert task.error == {"kind": "ValueError", "message": "always"}
    assert [copy.task.id for copy in await stage.ledger.take_copies(10)] == [task_id]


async def test_a_rejected_task_is_dead_at_once_acked_and_copied(stage):
    stage.script.behaviour = RejectTask("nobody lives there")
    task_id = await stage.add()

    answer = await stage.push(task_id, delivery_attempt=1)

    task = await stage.task(task_id)
    assert (answer.status_code, task.state, task.attempt) == (204, State.DEAD, 1)
    assert len(await stage.ledger.take_copies(10)) == 1


async def test_a_payload_that_no_longer_validates_is_dead_and_never_reaches_the_handler(stage):
    task_id = await stage.add({"nome": "Ada"})

    answer = await stage.push(task_id)

    task = await stage.task(task_id)
    assert (answer.status_code, task.state) == (204, State.DEAD)
    assert task.error["kind"] == "InvalidPayload"
    assert stage.script.runs == []
    assert len(await stage.ledger.take_copies(10)) == 1


async def test_a_message_of_another_task_type_is_kept_on_the_desk_and_acked(stage):
    task_id = await stage.add()

    answer = await stage.push(task_id, task_type="dance", message_id="77")

    assert answer.status_code == 204
    assert "dance" in stage.ledger.desk["77"].reason
    assert (await stage.task(task_id)).state is State.QUEUED


async def test_retry_later_schedules_the_task_and_acks(stage):
    stage.script.behaviour = RetryLater(90, "busy")
    task_id = await stage.add()

    answer = await stage.push(task_id)

    task = await stage.task(task_id)
    assert (answer.status_code, task.state, task.attempt) == (204, State.SCHEDULED, 1)
    assert task.due_at == stage.clock.now + timedelta(seconds=90)


async def test_snooze_schedules_the_task_acks_and_costs_no_attempt(stage):
    until = stage.clock.now + timedelta(hours=3)
    stage.script.behaviour = Snooze(until)
    task_id = await stage.add()

    answer = await stage.push(task_id)

    task = await stage.task(task_id)
    assert (answer.status_code, task.state, task.attempt) == (204, State.SCHEDULED, 0)
    assert task.due_at == until


async def test_a_second_delivery_of_a_finished_task_is_acked_and_not_run(stage):
    task_id = await stage.add()
    await stage.push(task_id)

    answer = await stage.push(task_id)

    assert answer.status_code == 204
    assert len(stage.script.runs) == 1


async def test_a_captured_push_may_be_replayed_a_hundred_times_without_a_second_run(stage):
    task_id = await stage.add()

    answers = [(await stage.push(task_id)).status_code for _ in range(100)]

    assert set(answers) == {204}
    assert len(stage.script.runs) == 1


async def test_deliveries_at_once_give_one_run_and_all_are_acked(stage):
    go_on, running = asyncio.Event(), asyncio.Event()

    async def wait():
        running.set()
        await go_on.wait()
        return "done"

    stage.script.behaviour = wait
    task_id = await stage.add()
    first = asyncio.create_task(stage.push(task_id))
    await running.wait()

    others = [await stage.push(task_id) for _ in range(3)]
    go_on.set()

    assert [a.status_code for a in [*others, await first]] == [204] * 4
    assert len(stage.script.runs) == 1


async def test_an_older_generation_is_acked_and_not_run(stage):
    task_id = await stage.add()

    answer = await stage.push(task_id, generation=1)

    assert answer.status_code == 204
    assert stage.script.runs == []
    assert (await stage.task(task_id)).state is State.QUEUED


async def test_a_lease_that_expired_on_the_last_attempt_makes_the_task_dead(stage):
    task_id = await stage.add()
    for _ in range(5):
        await stage.ledger.claim(task_id, 0, stage.task_type)
        stage.clock.advance(LEASE_SECONDS + 1)

    answer = await stage.push(task_id)

    task = await stage.task(task_id)
    assert (answer.status_code, task.state) == (204, State.DEAD)
    assert task.error["kind"] == "abandoned"
    assert len(await stage.ledger.take_copies(10)) == 1


async def test_an_attempt_that_lost_its_lease_is_acked_and_writes_nothing(stage):
    task_id = await stage.add()

    async def overrun():
        stage.clock.advance(LEASE_SECONDS + 1)
        await stage.ledger.claim(task_id, 0, stage.task_type)
        return "late"

    stage.script.behaviour = overrun

    answer = await stage.push(task_id)

    task = await stage.task(task_id)
    assert (answer.status_code, task.state, task.result) == (204, State.RUNNING, None)


async def test_an_unknown_task_id_is_kept_on_the_desk_and_acked(stage):
    answer = await stage.push(UNKNOWN, message_id="42")

    assert answer.status_code == 204
    assert stage.ledger.desk["42"].reason == "no task has this id"
    assert json.loads(stage.ledger.desk["42"].delivery.data)["task_id"] == UNKNOWN


async def test_a_ledger_that_is_away_is_a_nack_and_changes_nothing(open_stage):
    async with open_stage() as stage:
        task_id = await stage.add()
        stage.ledger.claim = away

        answer = await stage.push(task_id)

        assert answer.status_code == 503
        assert (await stage.task(task_id)).state is State.QUEUED


async def test_a_run_over_its_time_limit_is_a_failure(open_stage):
    async with open_stage(time_limit_seconds=1) as stage:
        stage.script.behaviour = asyncio.Event().wait
        task_id = await stage.add()

        answer = await stage.push(task_id)

        task = await stage.task(task_id)
        assert (answer.status_code, task.state) == (503, State.RETRYING)
        assert task.error["kind"] == "TimeLimitExceeded"


async def away(*_args):
    from shared.domain.errors import LedgerUnavailable

    raise LedgerUnavailable("connection refused")
