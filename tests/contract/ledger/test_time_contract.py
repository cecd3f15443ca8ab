"""Delay and expiry, as every ledger promises them."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.ledger_rules import LEASE_SECONDS, PUBLISH_GRACE_SECONDS, RETURN_DELAYS_SECONDS
from shared.domain.task import Claim, Refusal, State
from tests.contract.ledger.test_ledger_contract import (
    ATTEMPTS,
    FAILURE,
    GREET,
    HELD,
    added,
    claimed,
    new_task,
    outgoing,
)


async def state_of(ledger, task_id) -> State:
    return (await ledger.get(task_id)).state


async def test_a_delayed_task_is_scheduled_and_cannot_be_claimed(ledger):
    [stored] = await ledger.add([new_task(delay_seconds=60)])
    row = await ledger.get(stored.id)
    assert stored.state is row.state is State.SCHEDULED
    assert row.not_before == row.due_at == stored.created_at + timedelta(seconds=60)
    assert await ledger.claim(stored.id, 0, GREET) is Refusal.NOT_YET
    assert await ledger.take_due(ATTEMPTS, 10) == []


async def test_a_delayed_task_comes_when_its_time_has_come(ledger, pass_time):
    task_id = await added(ledger, delay_seconds=60)
    await pass_time(40)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    await pass_time(20)
    assert [out.id for out in await ledger.take_due(ATTEMPTS, 10)] == [task_id]
    assert isinstance(await ledger.claim(task_id, 0, GREET), Claim)


async def test_a_moment_ahead_is_kept_exactly(ledger):
    ahead = datetime(2027, 3, 28, 2, 30, 0, 123456, tzinfo=UTC)
    task_id = await added(ledger, run_at=ahead)
    row = await ledger.get(task_id)
    assert (row.state, row.not_before, row.due_at) == (State.SCHEDULED, ahead, ahead)


@pytest.mark.parametrize(
    "time", [{"run_at": datetime(2020, 1, 1, tzinfo=UTC)}, {"delay_seconds": 0.0}]
)
async def test_a_time_that_is_past_means_now(ledger, time):
    [stored] = await ledger.add([new_task(**time)])
    row = await ledger.get(stored.id)
    assert (stored.state, row.state, row.not_before) == (State.QUEUED, State.QUEUED, None)
    assert isinstance(await ledger.claim(stored.id, 0, GREET), Claim)


async def test_a_scheduled_task_can_be_cancelled(ledger, pass_time):
    task_id = await added(ledger, delay_seconds=60)
    _, done = await ledger.cancel(task_id)
    await pass_time(61)
    assert done
    assert await ledger.take_due(ATTEMPTS, 10) == []


async def test_a_task_of_no_end_is_never_due_once_confirmed(ledger):
    task_id = await added(ledger)
    await ledger.mark_published([await outgoing(ledger, task_id)])
    row = await ledger.get(task_id)
    assert (row.expires_at, row.due_at) == (None, None)


async def test_a_confirmed_task_expires_when_its_time_is_over(ledger, pass_time):
    task_id = await added(ledger, expires_in_seconds=30)
    await ledger.mark_published([await outgoing(ledger, task_id)])
    await pass_time(15)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    await pass_time(15)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    row = await ledger.get(task_id)
    assert (row.state, row.due_at, row.error["kind"]) == (State.EXPIRED, None, "expired")
    assert row.finished_at is not None


async def test_an_expired_task_is_not_claimed_even_before_the_relay_looked(ledger, pass_time):
    task_id = await added(ledger, expires_in_seconds=30)
    await pass_time(31)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.EXPIRED
    await ledger.take_due(ATTEMPTS, 10)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.FINAL


async def test_the_time_to_live_begins_when_the_task_may_start(ledger):
    task_id = await added(ledger, delay_seconds=60, expires_in_seconds=30)
    row = await ledger.get(task_id)
    assert row.expires_at == row.not_before + timedelta(seconds=30)


async def test_a_run_that_began_in_time_may_end_late(ledger, pass_time):
    task_id = await added(ledger, expires_in_seconds=10)
    claim = await claimed(ledger, task_id)
    await pass_time(20)
    await ledger.finish(claim, FAILURE)
    assert await state_of(ledger, task_id) is State.RETRYING
    assert await ledger.take_due(ATTEMPTS, 10) == []
    assert await state_of(ledger, task_id) is State.EXPIRED


async def test_a_retry_is_looked_at_no_later_than_its_end(ledger, pass_time):
    task_id = await added(ledger, expires_in_seconds=30)
    await ledger.finish(await claimed(ledger, task_id), HELD)
    row = await ledger.get(task_id)
    assert row.due_at == row.expires_at
    await pass_time(31)
    await ledger.take_due(ATTEMPTS, 10)
    row = await ledger.get(task_id)
    assert (row.state, row.error["kind"]) == (State.EXPIRED, "Oops")


async def test_a_lease_that_is_lost_after_the_end_expires_the_task(ledger, pass_time):
    task_id = await added(ledger, expires_in_seconds=10)
    await claimed(ledger, task_id)
    await pass_time(LEASE_SECONDS + 1)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.EXPIRED
    assert await ledger.take_due(ATTEMPTS, 10) == []
    row = await ledger.get(task_id)
    assert (row.state, [a.outcome for a in row.attempts]) == (State.EXPIRED, ["abandoned"])


async def test_a_dead_letter_that_goes_back_to_work_expires_in_time(ledger, pass_time):
    task_id = await added(ledger, expires_in_seconds=3)
    assert await ledger.give_back(task_id, 0, 5) is State.SCHEDULED
    await pass_time(4)
    assert RETURN_DELAYS_SECONDS[0] > 4
    await ledger.take_due(ATTEMPTS, 10)
    assert await state_of(ledger, task_id) is State.EXPIRED


async def test_an_unconfirmed_task_is_published_again_after_its_grace(ledger, pass_time):
    task_id = await added(ledger, expires_in_seconds=3600)
    await pass_time(PUBLISH_GRACE_SECONDS + 0.1)
    assert [out.id for out in await ledger.take_due(ATTEMPTS, 10)] == [task_id]
