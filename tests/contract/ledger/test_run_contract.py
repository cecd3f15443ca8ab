"""What a run may write while it runs, and how it is stopped: on memory and on Postgres."""

import asyncio
from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from shared.domain.errors import LeaseLost
from shared.domain.ledger_rules import LEASE_SECONDS
from shared.domain.outcome import Failure
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Effect, Refusal, State, glimpse_of
from tests.contract.ledger.test_ledger_contract import (
    ATTEMPTS,
    DEAD,
    FAILURE,
    GREET,
    HELD,
    SUCCESS,
    added,
    claimed,
)

STOPPED = Settlement(State.CANCELLED, "cancelled", Answer.ACK)
SNOOZED = Settlement(
    State.SCHEDULED,
    "snoozed",
    Answer.ACK,
    failure=Failure("Snooze", "later"),
    due_at=datetime(2040, 1, 1, tzinfo=UTC),
    hold=True,
    costs_attempt=False,
)
SPENT = Settlement(State.DEAD, "failed", Answer.ACK, failure=Failure("Oops", "no"), copy=True)


async def test_cancelling_a_running_task_asks_it_to_stop_and_again_changes_nothing(ledger):
    task_id = await added(ledger)
    await claimed(ledger, task_id)
    first, asked = await ledger.cancel(task_id)
    again, _ = await ledger.cancel(task_id)
    assert (first.state, asked) == (State.RUNNING, True)
    assert first.cancel_requested_at is not None
    assert again == first


async def test_many_are_cancelled_in_one_move_each_by_what_it_does(ledger):
    waiting, running, done = [await added(ledger) for _ in range(3)]
    await claimed(ledger, running)
    await ledger.finish(await claimed(ledger, done), SUCCESS)
    states = await ledger.cancel_all([waiting, running, done, uuid7()])
    assert states == [State.CANCELLED, State.RUNNING, None, None]


@pytest.mark.parametrize(
    "ending", [STOPPED, FAILURE, HELD, SNOOZED, SPENT], ids=lambda s: s.outcome
)
async def test_a_run_that_was_asked_to_stop_ends_cancelled(ledger, pass_time, ending):
    task_id = await added(ledger)
    claim = await claimed(ledger, task_id)
    await ledger.cancel(task_id)
    assert await ledger.finish(claim, ending) is State.CANCELLED
    row = await ledger.get(task_id)
    assert (row.state, row.due_at, row.finished_at is None) == (State.CANCELLED, None, False)
    assert [a.outcome for a in row.attempts] == ["cancelled"]
    await pass_time(1000)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    assert await ledger.take_copies(10) == []


@pytest.mark.parametrize("ending", [SUCCESS, DEAD], ids=["succeeded", "rejected"])
async def test_a_run_that_succeeds_or_rejects_first_wins(ledger, ending):
    task_id = await added(ledger)
    claim = await claimed(ledger, task_id)
    await ledger.cancel(task_id)
    assert await ledger.finish(claim, ending) is ending.state
    assert (await ledger.get(task_id)).state is ending.state


async def test_finish_says_the_state_that_it_was_given(ledger):
    assert await ledger.finish(await claimed(ledger, await added(ledger)), HELD) is State.RETRYING


async def test_a_run_that_vanished_is_cancelled_by_the_relay_and_not_run_again(ledger, pass_time):
    task_id = await added(ledger)
    await claimed(ledger, task_id)
    await ledger.cancel(task_id)
    await pass_time(LEASE_SECONDS + 1)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.RUNNING
    assert await ledger.take_due(ATTEMPTS, 10) == []
    row = await ledger.get(task_id)
    assert (row.state, row.due_at) == (State.CANCELLED, None)
    assert [a.outcome for a in row.attempts] == ["abandoned"]
    assert await ledger.claim(task_id, 0, GREET) is Refusal.FINAL


async def test_a_vanished_run_on_its_last_attempt_is_cancelled_not_dead(ledger, pass_time):
    task_id = await added(ledger)
    for _ in range(4):
        await ledger.finish(await claimed(ledger, task_id), FAILURE)
    await claimed(ledger, task_id)
    await ledger.cancel(task_id)
    await pass_time(LEASE_SECONDS + 1)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    assert (await ledger.get(task_id)).state is State.CANCELLED
    assert await ledger.take_copies(10) == []


async def test_progress_is_read_back_with_its_time_and_the_next_attempt_begins_without(ledger):
    task_id = await added(ledger)
    claim = await claimed(ledger, task_id)
    await ledger.say_progress(claim, 40.5, "half of Zoë's")
    row = await ledger.get(task_id)
    assert (row.progress.percent, row.progress.text) == (40.5, "half of Zoë's")
    assert row.progress.at >= row.started_at
    await ledger.finish(claim, FAILURE)
    await claimed(ledger, task_id)
    assert (await ledger.get(task_id)).progress is None


async def test_a_recorded_effect_is_found_by_the_next_attempt_and_the_first_record_stays(ledger):
    task_id = await added(ledger)
    first = await claimed(ledger, task_id)
    assert await ledger.recall(first, "mail") is None
    await ledger.record(first, "mail", Effect({"id": [1, None, "é"]}))
    await ledger.record(first, "mail", Effect("another"))
    await ledger.finish(first, FAILURE)
    second = await claimed(ledger, task_id)
    assert await ledger.recall(second, "mail") == Effect({"id": [1, None, "é"]})
    assert await ledger.recall(second, "other") is None


async def test_an_effect_without_a_result_is_an_effect(ledger):
    claim = await claimed(ledger, await added(ledger))
    await ledger.record(claim, "touch", Effect(None))
    assert await ledger.recall(claim, "touch") == Effect(None)


async def test_effects_of_two_tasks_are_told_apart(ledger):
    one, two = [await claimed(ledger, await added(ledger)) for _ in range(2)]
    await asyncio.gather(*(ledger.record(c, "k", Effect(str(c.task_id))) for c in (one, two)))
    assert await ledger.recall(two, "k") == Effect(str(two.task_id))


@pytest.mark.parametrize("move", ["say_progress", "recall", "record"])
async def test_an_attempt_that_lost_its_lease_writes_nothing(ledger, pass_time, move):
    task_id = await added(ledger)
    late = await claimed(ledger, task_id)
    await pass_time(LEASE_SECONDS + 1)
    holder = await claimed(ledger, task_id)
    said = {"say_progress": (50, "late"), "recall": ("k",), "record": ("k", Effect("late"))}
    with pytest.raises(LeaseLost):
        await getattr(ledger, move)(late, *said[move])
    assert (await ledger.get(task_id)).progress is None
    assert await ledger.recall(holder, "k") is None


async def test_a_finished_attempt_writes_nothing(ledger):
    claim = await claimed(ledger, await added(ledger))
    await ledger.finish(claim, SUCCESS)
    with pytest.raises(LeaseLost):
        await ledger.say_progress(claim, 99, "after the end")


async def test_a_run_that_is_put_back_after_a_cancel_is_cancelled(ledger, pass_time):
    task_id = await added(ledger)
    claim = await claimed(ledger, task_id)
    await ledger.cancel(task_id)
    await ledger.put_back(claim, 10)
    row = await ledger.get(task_id)
    assert (row.state, row.due_at, row.finished_at is None) == (State.CANCELLED, None, False)
    await pass_time(100)
    assert await ledger.take_due(ATTEMPTS, 10) == []


async def test_a_glimpse_shows_what_the_whole_task_does(ledger):
    waiting, running = await added(ledger), await added(ledger)
    claim = await claimed(ledger, running)
    await ledger.say_progress(claim, 40, "half")
    await ledger.cancel(running)
    seen = await ledger.glimpse([waiting, running, uuid7()])
    assert seen == {
        waiting: glimpse_of(await ledger.get(waiting)),
        running: glimpse_of(await ledger.get(running)),
    }
    marks = [seen[one].mark for one in (waiting, running)]
    assert marks == [glimpse_of(await ledger.get(one)).mark for one in (waiting, running)]
    assert len(set(marks)) == 2


async def test_a_task_that_is_put_off_for_a_hundred_years_reads_back(ledger):
    task_id = await added(ledger)
    later = Settlement(
        State.SCHEDULED, "postponed", Answer.ACK, due_in_seconds=100 * 366 * 86_400.0, hold=True
    )
    await ledger.finish(await claimed(ledger, task_id), later)
    assert (await ledger.get(task_id)).due_at.year > 2120
