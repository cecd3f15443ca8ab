"""What the relay's own moves promise; one body for memory and for Postgres."""

import time
from dataclasses import replace
from uuid import UUID

import pytest

from shared.adapters.memory_desk import MemoryAudit
from shared.adapters.memory_upkeep import MemoryUpkeep
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_desk import PostgresAudit
from shared.adapters.pg_upkeep import PostgresUpkeep
from shared.domain.task import State
from shared.domain.upkeep import DAY_SECONDS, LOST_AFTER_SECONDS, SPREAD_SECONDS, Retention
from tests.contract.ledger.test_ledger_contract import (
    ATTEMPTS,
    DEAD,
    SUCCESS,
    added,
    claimed,
    new_task,
    outgoing,
)

KEEP = Retention(
    succeeded_seconds=7 * DAY_SECONDS,
    dead_seconds=30 * DAY_SECONDS,
    audit_seconds=100 * DAY_SECONDS,
)


@pytest.fixture
def upkeeps_and_audit(bench, request):
    """Two relays' upkeeps on one ledger, and its audit."""
    if request.node.callspec.params["bench"] == "memory":
        audit = MemoryAudit(bench.ledger)
        yield [MemoryUpkeep(bench.ledger, audit=audit) for _ in range(2)], audit
        return
    calls = [Calls(request.getfixturevalue("database")) for _ in range(2)]
    yield [PostgresUpkeep(one) for one in calls], PostgresAudit(calls[0])
    for one in calls:
        one.close()


@pytest.fixture
def upkeeps(upkeeps_and_audit):
    return upkeeps_and_audit[0]


@pytest.fixture
def upkeep(upkeeps):
    return upkeeps[0]


@pytest.fixture
def audit(upkeeps_and_audit):
    return upkeeps_and_audit[1]


_made = iter(range(1 << 30))


def old_id(days: float = 400) -> UUID:
    """A UUIDv7 of so many days ago: time moves for rows, not for ids."""
    milliseconds = int((time.time() - days * DAY_SECONDS) * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | next(_made))


async def ended(ledger, settlement, **changes) -> UUID:
    task_id = await added(ledger, id=old_id(), **changes)
    await ledger.finish(await claimed(ledger, task_id), settlement)
    return task_id


async def confirmed(ledger, **changes) -> UUID:
    task_id = await added(ledger, id=old_id(), **changes)
    await ledger.mark_published([await outgoing(ledger, task_id)])
    return task_id


async def test_one_relay_leads_until_it_resigns(upkeeps):
    first, second = upkeeps
    assert await first.lead()
    assert await first.lead()
    assert not await second.lead()
    await second.resign()
    assert not await second.lead()
    await first.resign()
    assert await second.lead()
    assert not await first.lead()
    await second.resign()


async def test_nothing_waits_in_an_empty_ledger(upkeep):
    seen = await upkeep.glance()
    assert (seen.due, seen.next_in, seen.lag_seconds) == (False, None, 0)


async def test_a_glance_says_how_long_until_something_is_due(ledger, upkeep, pass_time):
    await added(ledger, delay_seconds=600)
    seen = await upkeep.glance()
    assert not seen.due
    assert seen.next_in == pytest.approx(600, abs=5)
    await pass_time(660)
    seen = await upkeep.glance()
    assert seen.due
    assert seen.lag_seconds == pytest.approx(60, abs=5)


async def test_a_glance_sees_dead_letter_copies(ledger, upkeep):
    await ended(ledger, DEAD)
    seen = await upkeep.glance()
    assert seen.due
    assert (seen.tasks_in, seen.lag_seconds) == (None, 0)


@pytest.mark.parametrize(
    ("settlement", "days", "kept"),
    [(SUCCESS, 6.99, True), (SUCCESS, 7.01, False), (DEAD, 29.99, True), (DEAD, 30.01, False)],
)
async def test_a_final_task_is_kept_as_long_as_it_was_said(
    ledger, upkeep, pass_time, settlement, days, kept
):
    task_id = await ended(ledger, settlement)
    await pass_time(days * DAY_SECONDS)
    swept = await upkeep.sweep(KEEP, after=None, limit=100)
    assert (swept.pruned, swept.last) == (0 if kept else 1, None)
    assert (await ledger.get(task_id) is not None) is kept
    assert len(await ledger.take_copies(10)) == (1 if kept and settlement is DEAD else 0)


async def test_cancelled_and_expired_tasks_go_like_succeeded_ones(ledger, upkeep, pass_time):
    cancelled = await added(ledger, id=old_id())
    await ledger.cancel(cancelled)
    expired = await added(ledger, id=old_id(), expires_in_seconds=1)
    await pass_time(5)
    await ledger.take_due(ATTEMPTS, 10)
    assert (await ledger.get(expired)).state is State.EXPIRED
    await pass_time(7.01 * DAY_SECONDS)
    assert (await upkeep.sweep(KEEP, after=None, limit=100)).pruned == 2


async def test_a_task_that_is_not_final_is_never_pruned(ledger, upkeep, pass_time):
    ids = [
        await added(ledger, id=old_id(), delay_seconds=30_000_000),
        await added(ledger, id=old_id()),
        await added(ledger, id=old_id()),
    ]
    await claimed(ledger, ids[2])
    await pass_time(300 * DAY_SECONDS)
    assert (await upkeep.sweep(KEEP, after=None, limit=100)).pruned == 0
    assert all([await ledger.get(one) for one in ids])


async def test_a_sweep_goes_on_where_it_stopped(ledger, upkeep, pass_time):
    ids = [await ended(ledger, SUCCESS) for _ in range(5)]
    await pass_time(8 * DAY_SECONDS)
    first = await upkeep.sweep(KEEP, after=None, limit=3)
    rest = await upkeep.sweep(KEEP, after=first.last, limit=3)
    assert (first.pruned, first.last, rest.pruned, rest.last) == (3, ids[2], 2, None)


async def test_a_task_whose_message_is_gone_comes_back(ledger, upkeep, pass_time):
    task_id = await confirmed(ledger)
    mortal = await confirmed(ledger, expires_in_seconds=30_000_000)
    await pass_time(LOST_AFTER_SECONDS - 60)
    assert (await upkeep.sweep(KEEP, after=None, limit=100)).lost == 0
    assert await ledger.take_due(ATTEMPTS, 10) == []
    await pass_time(120)
    assert (await upkeep.sweep(KEEP, after=None, limit=100)).lost == 2
    assert (await upkeep.sweep(KEEP, after=None, limit=100)).lost == 0
    await pass_time(SPREAD_SECONDS)
    assert {out.id for out in await ledger.take_due(ATTEMPTS, 10)} == {task_id, mortal}


async def test_a_task_that_runs_or_waits_is_not_lost(ledger, upkeep, pass_time):
    await claimed(ledger, await confirmed(ledger))
    await added(ledger, id=old_id())
    await added(ledger, id=old_id(), delay_seconds=30_000_000)
    await pass_time(LOST_AFTER_SECONDS + 60)
    assert (await upkeep.sweep(KEEP, after=None, limit=100)).lost == 0


@pytest.mark.parametrize(("hours", "kept"), [(23.9, True), (24.1, False)])
async def test_idempotency_keys_go_when_their_window_ends(ledger, upkeep, pass_time, hours, kept):
    first = await added(ledger, idempotency_key="k", fingerprint="f")
    await pass_time(hours * 3600)
    assert await upkeep.prune(KEEP, limit=100) == (0 if kept else 1)
    [again] = await ledger.add([new_task(idempotency_key="k", fingerprint="f")])
    assert (again.id == first) is kept


async def test_republish_makes_the_old_confirmed_backlog_of_a_type_due(ledger, upkeep, pass_time):
    old = [await confirmed(ledger) for _ in range(3)]
    other = await confirmed(ledger, task_type="other")
    await pass_time(3600)
    young = await confirmed(ledger)
    first = await upkeep.republish("greet", 1800, actor="ana", after=None, limit=2)
    rest = await upkeep.republish("greet", 1800, actor="ana", after=first.last, limit=2)
    assert (first.lost, rest.lost) == (2, 1)
    await pass_time(SPREAD_SECONDS)
    taken = {out.id for out in await ledger.take_due({**ATTEMPTS, "other": 5}, 10)}
    assert taken == set(old)
    assert not taken & {other, young}


async def republished(ledger, upkeep, *, actor: str = "ana", count: int = 1) -> None:
    """Lines of the audit: one for each of `count` steps that sent a task again."""
    for _ in range(count):
        await confirmed(ledger)
        assert (await upkeep.republish("greet", 0, actor=actor, after=None, limit=10)).lost == 1


async def test_a_republish_is_in_the_audit_and_one_that_finds_nothing_is_not(ledger, upkeep, audit):
    await republished(ledger, upkeep)
    assert (await upkeep.republish("greet", 0, actor="bo", after=None, limit=10)).lost == 0
    [line] = await audit.lines(before=None, limit=10)
    assert (line.actor, line.action) == ("ana", "republish")
    assert line.detail == {"task_type": "greet", "older_than_seconds": 0, "republished": 1}


@pytest.mark.parametrize(("days", "kept"), [(99.9, True), (100.1, False)])
async def test_lines_of_the_audit_go_after_their_time(ledger, upkeep, audit, pass_time, days, kept):
    await republished(ledger, upkeep)
    await pass_time(days * DAY_SECONDS)
    assert await upkeep.prune(KEEP, limit=100) == (0 if kept else 1)
    assert bool(await audit.lines(before=None, limit=10)) is kept


async def test_the_audit_is_pruned_in_batches_the_oldest_first(ledger, upkeep, audit, pass_time):
    await republished(ledger, upkeep, actor="first")
    await pass_time(60)
    await republished(ledger, upkeep, actor="second", count=2)
    await pass_time(100 * DAY_SECONDS)
    assert await upkeep.prune(KEEP, limit=2) == 2
    assert [line.actor for line in await audit.lines(before=None, limit=10)] == ["second"]
    assert await upkeep.prune(KEEP, limit=2) == 1


@pytest.mark.parametrize(("days", "pruned"), [(29.9, 0), (30.1, 1)])
async def test_no_retention_removes_what_the_audit_said_in_the_last_month(
    ledger, upkeep, pass_time, days, pruned
):
    await republished(ledger, upkeep)
    await pass_time(days * DAY_SECONDS)
    assert await upkeep.prune(replace(KEEP, audit_seconds=0), limit=100) == pruned
