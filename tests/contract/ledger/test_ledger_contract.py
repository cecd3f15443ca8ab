"""What every ledger promises; one body for memory and for Postgres."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.domain.envelope import Delivery
from shared.domain.errors import IdempotencyConflict, LeaseLost
from shared.domain.ledger_rules import LEASE_SECONDS, RETURN_DELAYS_SECONDS
from shared.domain.outcome import Failure
from shared.domain.ports import DeskEntry, TaskFilter
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import Claim, NewTask, Outgoing, Refusal, State
from tests.support.task_types import greeting_type

GREET = greeting_type()
ATTEMPTS = {"greet": 5}
SUCCESS = Settlement(State.SUCCEEDED, "succeeded", Answer.ACK, result={"said": "hello"})
FAILURE = Settlement(
    State.RETRYING, "failed", Answer.NACK, failure=Failure("Oops", "no"), due_in_seconds=60
)
HELD = Settlement(
    State.RETRYING,
    "failed",
    Answer.ACK,
    failure=Failure("Oops", "no"),
    due_in_seconds=60,
    hold=True,
)
DEAD = Settlement(
    State.DEAD, "rejected", Answer.ACK, failure=Failure("RejectTask", "never"), copy=True
)


def new_task(**changes) -> NewTask:
    values = {
        "id": uuid7(),
        "task_type": "greet",
        "payload": {"name": "Ada"},
        "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    }
    return NewTask(**{**values, **changes})


async def added(ledger, **changes) -> UUID:
    [stored] = await ledger.add([new_task(**changes)])
    return stored.id


async def claimed(ledger, task_id, generation=0, task_type=GREET) -> Claim:
    claim = await ledger.claim(task_id, generation, task_type)
    assert isinstance(claim, Claim)
    return claim


async def outgoing(ledger, task_id) -> Outgoing:
    t = await ledger.get(task_id)
    return Outgoing(t.id, t.generation, t.task_type, t.created_at, t.traceparent, t.ordering_key)


async def test_an_added_task_is_queued_and_reads_back_whole(ledger):
    task = new_task(labels={"team": "a"}, ordering_key="k", payload={"name": "Zoë", "n": [1, 2.5]})
    [stored] = await ledger.add([task])
    row = await ledger.get(task.id)
    assert (stored.id, stored.state, stored.is_new) == (task.id, State.QUEUED, True)
    assert row.created_at == stored.created_at
    assert (row.payload, row.labels, row.ordering_key) == (task.payload, {"team": "a"}, "k")
    assert (row.generation, row.attempt, row.attempts) == (0, 0, ())
    assert row.traceparent == task.traceparent


async def test_an_unknown_task_is_none(ledger):
    assert await ledger.get(uuid7()) is None


async def test_a_batch_is_answered_in_its_order(ledger):
    tasks = [new_task() for _ in range(50)]
    assert [stored.id for stored in await ledger.add(tasks)] == [task.id for task in tasks]


async def test_the_same_idempotency_key_gives_the_earlier_task(ledger):
    first = await added(ledger, idempotency_key="k", fingerprint="f")
    [again] = await ledger.add([new_task(idempotency_key="k", fingerprint="f")])
    assert (again.id, again.is_new) == (first, False)
    assert len(await ledger.find(TaskFilter(), after=None, limit=10)) == 1


async def test_a_key_repeated_within_one_batch_makes_one_task(ledger):
    a, b = await ledger.add([new_task(idempotency_key="k", fingerprint="f") for _ in range(2)])
    assert (a.is_new, b.is_new, a.id) == (True, False, b.id)


async def test_the_same_key_with_another_payload_is_a_conflict(ledger):
    first = await added(ledger, idempotency_key="k", fingerprint="f")
    [conflict] = await ledger.add([new_task(idempotency_key="k", fingerprint="other")])
    assert isinstance(conflict, IdempotencyConflict)
    assert conflict.task_id == first


async def test_fifty_requests_with_one_key_at_once_make_one_task(ledger):
    answers = await asyncio.gather(
        *(ledger.add([new_task(idempotency_key="k", fingerprint="f")]) for _ in range(50))
    )
    assert len({answer[0].id for answer in answers}) == 1
    assert sum(answer[0].is_new for answer in answers) == 1


@pytest.mark.parametrize(("hours", "is_new"), [(23.99, False), (24.01, True)])
async def test_an_idempotency_key_is_free_again_after_a_day(ledger, pass_time, hours, is_new):
    await added(ledger, idempotency_key="k", fingerprint="f")
    await pass_time(hours * 3600)
    [again] = await ledger.add([new_task(idempotency_key="k", fingerprint="f")])
    assert again.is_new is is_new


async def test_a_claim_carries_what_the_run_needs(ledger):
    task_id = await added(ledger, labels={"a": "b"})
    claim = await claimed(ledger, task_id)
    row = await ledger.get(task_id)
    assert (claim.attempt, claim.payload, claim.labels) == (1, {"name": "Ada"}, {"a": "b"})
    assert (claim.task_type, claim.created_at) == ("greet", row.created_at)
    assert (row.state, row.attempt) == (State.RUNNING, 1)
    assert [(a.number, a.outcome, a.finished_at) for a in row.attempts] == [(1, "running", None)]


async def test_a_second_claim_finds_a_live_lease(ledger):
    task_id = await added(ledger)
    await claimed(ledger, task_id)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.RUNNING


async def test_twenty_claims_at_once_give_one_run(ledger):
    task_id = await added(ledger)
    answers = await asyncio.gather(*(ledger.claim(task_id, 0, GREET) for _ in range(20)))
    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert {answer for answer in answers if not isinstance(answer, Claim)} == {Refusal.RUNNING}


async def test_claims_are_refused_with_their_reason(ledger):
    task_id = await added(ledger)
    assert await ledger.claim(uuid7(), 0, GREET) is Refusal.UNKNOWN
    assert await ledger.claim(task_id, 1, GREET) is Refusal.STALE_GENERATION
    await ledger.finish(await claimed(ledger, task_id), SUCCESS)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.FINAL


async def test_a_finished_task_has_its_result_and_its_attempt(ledger):
    task_id = await added(ledger)
    await ledger.finish(await claimed(ledger, task_id), SUCCESS)
    row = await ledger.get(task_id)
    assert (row.state, row.result, row.error) == (State.SUCCEEDED, {"said": "hello"}, None)
    assert row.finished_at is not None
    assert row.due_at is None
    [attempt] = row.attempts
    assert (attempt.number, attempt.outcome, attempt.error) == (1, "succeeded", None)
    assert attempt.finished_at >= attempt.started_at


async def test_an_attempt_that_lost_its_lease_cannot_write_a_result(ledger, pass_time):
    task_id = await added(ledger)
    slow = await claimed(ledger, task_id)
    await pass_time(LEASE_SECONDS + 1)
    second = await claimed(ledger, task_id)
    with pytest.raises(LeaseLost):
        await ledger.finish(slow, SUCCESS)
    await ledger.finish(second, FAILURE)
    row = await ledger.get(task_id)
    assert row.state is State.RETRYING
    assert [(a.number, a.outcome) for a in row.attempts] == [(1, "abandoned"), (2, "failed")]


async def test_a_result_is_recorded_once(ledger):
    task_id = await added(ledger)
    claim = await claimed(ledger, task_id)
    await ledger.finish(claim, SUCCESS)
    with pytest.raises(LeaseLost):
        await ledger.finish(claim, FAILURE)
    assert (await ledger.get(task_id)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("seconds", "free"), [(LEASE_SECONDS / 2, False), (LEASE_SECONDS + 1, True)]
)
async def test_a_lease_keeps_others_out_until_it_ends(ledger, pass_time, seconds, free):
    task_id = await added(ledger)
    await claimed(ledger, task_id)
    await pass_time(seconds)
    assert isinstance(await ledger.claim(task_id, 0, GREET), Claim) is free


async def test_a_lease_that_ends_on_the_last_attempt_makes_the_task_dead(ledger, pass_time):
    task_id = await added(ledger)
    for _ in range(5):
        await claimed(ledger, task_id)
        await pass_time(LEASE_SECONDS + 1)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.SPENT
    row = await ledger.get(task_id)
    assert (row.state, row.attempt, row.error["kind"]) == (State.DEAD, 5, "abandoned")
    assert [a.outcome for a in row.attempts] == ["abandoned"] * 5
    [copy] = await ledger.take_copies(10)
    assert copy.task.id == task_id


async def test_a_failed_attempt_can_be_claimed_at_once_where_pubsub_redelivers(ledger):
    task_id = await added(ledger)
    await ledger.finish(await claimed(ledger, task_id), FAILURE)
    assert (await claimed(ledger, task_id)).attempt == 2


async def test_a_held_retry_is_refused_until_its_time(ledger, pass_time):
    task_id = await added(ledger)
    await ledger.finish(await claimed(ledger, task_id), HELD)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.NOT_YET
    await pass_time(61)
    assert (await claimed(ledger, task_id)).attempt == 2


async def test_a_snooze_costs_no_attempt(ledger):
    task_id = await added(ledger)
    until = datetime.now(UTC) + timedelta(days=400)
    snoozed = Settlement(
        State.SCHEDULED, "snoozed", Answer.ACK, due_at=until, hold=True, costs_attempt=False
    )
    await ledger.finish(await claimed(ledger, task_id), snoozed)
    row = await ledger.get(task_id)
    assert (row.state, row.attempt, row.due_at) == (State.SCHEDULED, 0, until)
    assert await ledger.claim(task_id, 0, GREET) is Refusal.NOT_YET


async def test_unconfirmed_tasks_come_due_after_the_grace_and_confirmed_ones_do_not(
    ledger, pass_time
):
    confirmed, unconfirmed = await added(ledger), await added(ledger)
    await ledger.mark_published([await outgoing(ledger, confirmed)])
    assert await ledger.take_due(ATTEMPTS, 10) == []
    await pass_time(3)
    assert [task.id for task in await ledger.take_due(ATTEMPTS, 10)] == [unconfirmed]
    assert await ledger.take_due(ATTEMPTS, 10) == []
    await pass_time(3)
    assert [task.id for task in await ledger.take_due(ATTEMPTS, 10)] == [unconfirmed]


async def test_a_confirmation_after_the_claim_leaves_the_lease_alone(ledger, pass_time):
    task_id = await added(ledger)
    sent = await outgoing(ledger, task_id)
    await claimed(ledger, task_id)
    await ledger.mark_published([sent])
    await pass_time(LEASE_SECONDS + 1)
    assert [task.id for task in await ledger.take_due(ATTEMPTS, 10)] == [task_id]


async def test_an_abandoned_task_is_queued_again_by_the_relay(ledger, pass_time):
    task_id = await added(ledger)
    slow = await claimed(ledger, task_id)
    await pass_time(LEASE_SECONDS + 1)
    [due] = await ledger.take_due(ATTEMPTS, 10)
    row = await ledger.get(task_id)
    assert (due.id, row.state, row.attempts[0].outcome) == (task_id, State.QUEUED, "abandoned")
    with pytest.raises(LeaseLost):
        await ledger.finish(slow, SUCCESS)
    assert (await claimed(ledger, task_id)).attempt == 2


async def test_an_abandoned_last_attempt_is_dead_with_a_copy(ledger, pass_time):
    task_id = await added(ledger)
    for _ in range(5):
        await claimed(ledger, task_id)
        await pass_time(LEASE_SECONDS + 1)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    assert (await ledger.get(task_id)).state is State.DEAD
    assert len(await ledger.take_copies(10)) == 1


async def test_a_retry_whose_message_is_gone_is_rescued(ledger, pass_time):
    task_id = await added(ledger)
    await ledger.finish(await claimed(ledger, task_id), FAILURE)
    await pass_time(30)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    await pass_time(30)
    assert [task.id for task in await ledger.take_due(ATTEMPTS, 10)] == [task_id]
    assert (await claimed(ledger, task_id)).attempt == 2


async def test_due_rows_of_unknown_types_stay_due(ledger, pass_time):
    await added(ledger, task_type="gone")
    await pass_time(3)
    assert await ledger.take_due(ATTEMPTS, 10) == []
    assert len(await ledger.take_due({"gone": 5}, 10)) == 1


async def test_take_due_is_bounded_and_takes_the_longest_due_first(ledger, pass_time):
    ids = []
    for _ in range(3):
        ids.append(await added(ledger))
        await pass_time(1)
    await pass_time(3)
    assert [task.id for task in await ledger.take_due(ATTEMPTS, 2)] == ids[:2]


async def test_a_dead_letter_copy_is_taken_once_until_its_hold_ends(ledger, pass_time):
    task_id = await added(ledger)
    await ledger.finish(await claimed(ledger, task_id), DEAD)
    [copy] = await ledger.take_copies(10)
    assert (copy.task.id, copy.attempt) == (task_id, 1)
    assert await ledger.take_copies(10) == []
    await pass_time(31)
    assert [again.task.id for again in await ledger.take_copies(10)] == [task_id]
    await ledger.drop_copies([copy])
    await pass_time(31)
    assert await ledger.take_copies(10) == []


async def test_a_task_that_waits_is_cancelled_at_once(ledger):
    waiting, done = await added(ledger), await added(ledger)
    await ledger.finish(await claimed(ledger, done), SUCCESS)
    task, can = await ledger.cancel(waiting)
    assert (task.state, can) == (State.CANCELLED, True)
    task, can = await ledger.cancel(done)
    assert (task.state, can) == (State.SUCCEEDED, False)
    assert await ledger.cancel(uuid7()) == (None, False)
    assert await ledger.claim(waiting, 0, GREET) is Refusal.FINAL


async def test_a_cancelled_task_never_comes_due(ledger, pass_time):
    await ledger.cancel(await added(ledger))
    await pass_time(10)
    assert await ledger.take_due(ATTEMPTS, 10) == []


async def test_a_dead_letter_with_attempts_left_works_again_four_times_then_is_dead(
    ledger, pass_time
):
    task_id = await added(ledger)
    for delay in RETURN_DELAYS_SECONDS:
        assert await ledger.give_back(task_id, 0, 5) is State.SCHEDULED
        assert await ledger.claim(task_id, 0, GREET) is Refusal.NOT_YET
        await pass_time(delay / 2)
        assert await ledger.take_due(ATTEMPTS, 10) == []
        await pass_time(delay / 2)
        assert len(await ledger.take_due(ATTEMPTS, 10)) == 1
    assert await ledger.give_back(task_id, 0, 5) is State.DEAD
    assert (await ledger.get(task_id)).error["kind"] == "never_started"


async def test_a_dead_letter_changes_no_row_that_it_does_not_fit(ledger):
    running, final = await added(ledger), await added(ledger)
    await claimed(ledger, running)
    await ledger.finish(await claimed(ledger, final), SUCCESS)
    assert await ledger.give_back(running, 0, 5) is State.RUNNING
    assert await ledger.give_back(final, 0, 5) is State.SUCCEEDED
    assert await ledger.give_back(uuid7(), 0, 5) is None


async def test_a_dead_letter_of_an_older_generation_changes_nothing(ledger):
    task_id = await added(ledger)
    assert await ledger.give_back(task_id, 7, 5) is State.QUEUED


async def test_a_listing_is_newest_first_and_pages_by_id(ledger):
    ids = [await added(ledger) for _ in range(5)]
    first = await ledger.find(TaskFilter(), after=None, limit=3)
    rest = await ledger.find(TaskFilter(), after=first[-1].id, limit=3)
    assert [task.id for task in first + rest] == ids[::-1]


async def test_a_listing_shows_what_the_filter_names(ledger):
    plain = await added(ledger)
    labelled = await added(ledger, labels={"team": "a", "env": "x"})
    other = await added(ledger, task_type="greet_in_order")
    await ledger.cancel(plain)

    async def shown(wanted: TaskFilter) -> set[UUID]:
        return {task.id for task in await ledger.find(wanted, after=None, limit=10)}

    assert await shown(TaskFilter(task_type="greet_in_order")) == {other}
    assert await shown(TaskFilter(state=State.CANCELLED)) == {plain}
    assert await shown(TaskFilter(labels={"team": "a"})) == {labelled}
    assert await shown(TaskFilter(labels={"team": "b"})) == set()
    created = (await ledger.get(labelled)).created_at
    assert labelled not in await shown(TaskFilter(created_after=created))
    assert labelled not in await shown(TaskFilter(created_before=created))
    hour = timedelta(hours=1)
    around = TaskFilter(created_after=created - hour, created_before=created + hour)
    assert await shown(around) == {plain, labelled, other}


async def test_the_desk_takes_anything_and_the_same_message_twice(ledger):
    delivery = Delivery("m-1", "s\0", b"\xff\x00", {"a\0": "\ud800"}, 3, "k")
    await ledger.keep_on_desk(DeskEntry(delivery, "cannot\0 be decoded"))
    await ledger.keep_on_desk(DeskEntry(delivery, "again"))


async def test_renewing_ends_with_its_block(ledger):
    claim = await claimed(ledger, await added(ledger))
    async with ledger.renewing(claim, 60):
        await ledger.finish(claim, SUCCESS)


async def test_a_ledger_that_answers_is_ready(ledger):
    await ledger.ping()
