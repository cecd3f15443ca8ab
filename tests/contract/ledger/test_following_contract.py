"""What follows a task, and groups: on every ledger."""

import asyncio
from uuid import uuid4

import pytest

from shared.domain.errors import IdempotencyConflict, LeaseLost
from shared.domain.follow_up import FollowUps
from shared.domain.task import State
from tests.contract.ledger.following import (
    GREET,
    TRACE,
    a_group,
    a_new_group,
    new_follow_up,
    new_task,
    rejected,
    run,
    succeeded,
    to_retry,
)


async def test_a_success_stores_what_follows_with_its_result(ledger):
    then = new_follow_up(payload={"a": 1}, result_as="given", labels={"team": "blue"})
    task = new_task(follow_ups=FollowUps(then=then))
    await ledger.add([task])
    assert await ledger.get(then.id) is None

    await run(ledger, task.id, succeeded({"total": 3}))

    followed = await ledger.get(then.id)
    assert followed.state is State.QUEUED
    assert followed.payload == {"a": 1, "given": {"total": 3}}
    assert (followed.parent_id, followed.labels) == (task.id, {"team": "blue"})
    assert followed.traceparent == TRACE
    assert (await ledger.get(task.id)).follow_ups == {"then": then.id}


async def test_what_follows_is_due_at_once(ledger):
    then = new_follow_up()
    task = new_task(follow_ups=FollowUps(then=then))
    await ledger.add([task])
    await run(ledger, task.id, succeeded(None))

    due = await ledger.take_due({"greet": 5}, 10)

    assert [one.id for one in due] == [then.id]


async def test_what_follows_may_wait_and_expire(ledger, pass_time):
    then = new_follow_up(delay_seconds=60, expires_in_seconds=30)
    task = new_task(follow_ups=FollowUps(then=then))
    await ledger.add([task])
    await run(ledger, task.id, succeeded(None))
    assert (await ledger.get(then.id)).state is State.SCHEDULED

    await pass_time(100)
    await ledger.take_due({"greet": 5}, 10)

    assert (await ledger.get(then.id)).state is State.EXPIRED


async def test_a_dead_task_stores_its_failure_and_not_the_other(ledger):
    then, on_failure = new_follow_up(), new_follow_up(result_as="why")
    task = new_task(follow_ups=FollowUps(then, on_failure))
    await ledger.add([task])

    await run(ledger, task.id, rejected("no such address"))

    assert await ledger.get(then.id) is None
    why = (await ledger.get(on_failure.id)).payload["why"]
    assert why["task_id"] == str(task.id)
    said = (why["state"], why["kind"], why["message"])
    assert said == ("dead", "RejectTask", "no such address")


async def test_a_retry_is_no_end(ledger):
    follow_ups = FollowUps(new_follow_up(), new_follow_up())
    task = new_task(follow_ups=follow_ups)
    await ledger.add([task])

    await run(ledger, task.id, to_retry(10))

    assert await ledger.get(follow_ups.then.id) is None
    assert await ledger.get(follow_ups.on_failure.id) is None


async def test_every_way_to_end_without_success_is_followed(ledger, pass_time):
    ends = {}
    for name in ("cancelled", "expired", "abandoned", "never_started"):
        on_failure = new_follow_up(result_as="why")
        expires = 5.0 if name == "expired" else None
        follow_ups = FollowUps(None, on_failure)
        task = new_task(follow_ups=follow_ups, expires_in_seconds=expires)
        ends[name] = (task, on_failure)
    await ledger.add([task for task, _ in ends.values()])
    await ledger.cancel(ends["cancelled"][0].id)
    await ledger.claim(ends["abandoned"][0].id, 0, GREET)
    await ledger.give_back(ends["never_started"][0].id, 0, 0)
    await pass_time(40)
    await ledger.take_due({"greet": 1}, 10)

    states = {}
    for name, (_, on_failure) in ends.items():
        states[name] = (await ledger.get(on_failure.id)).payload["why"]["state"]

    assert states == {
        "cancelled": "cancelled",
        "expired": "expired",
        "abandoned": "dead",
        "never_started": "dead",
    }


async def test_a_chain_goes_on(ledger):
    last = new_follow_up(result_as="given")
    first = new_follow_up(after=FollowUps(then=last))
    task = new_task(follow_ups=FollowUps(then=first))
    await ledger.add([task])

    await run(ledger, task.id, succeeded(1))
    await run(ledger, first.id, succeeded(2))

    assert (await ledger.get(last.id)).payload == {"given": 2}


async def test_an_attempt_that_lost_its_lease_is_not_followed(ledger, pass_time):
    then = new_follow_up()
    task = new_task(follow_ups=FollowUps(then=then))
    await ledger.add([task])
    slow = await ledger.claim(task.id, 0, GREET)
    await pass_time(31)
    await ledger.claim(task.id, 0, GREET)

    with pytest.raises(LeaseLost):
        await ledger.finish(slow, succeeded(None))

    assert await ledger.get(then.id) is None


async def test_a_group_ends_with_its_last_member_and_once(ledger, groups):
    then = new_follow_up(result_as="of")
    group, members = await a_group(groups, 3, FollowUps(then, new_follow_up()))
    for member in members[:2]:
        await run(ledger, member.id, succeeded(None))
    assert await groups.join(10) == 0
    half = await groups.get(group.id)
    assert (half.succeeded, half.failed, half.state) == (2, 0, "running")

    await run(ledger, members[2].id, succeeded(None))

    assert [await groups.join(10), await groups.join(10)] == [1, 0]
    assert (await groups.get(group.id)).state == "succeeded"
    said = {"group_id": str(group.id), "total": 3, "failed": 0}
    assert (await ledger.get(then.id)).payload == {"of": said}


async def test_a_group_with_a_member_that_failed_is_followed_by_the_other(ledger, groups):
    then, on_failure = new_follow_up(), new_follow_up(result_as="of")
    group, members = await a_group(groups, 2, FollowUps(then, on_failure))
    await run(ledger, members[0].id, rejected("no"))
    await run(ledger, members[1].id, succeeded(None))

    await groups.join(10)

    assert (await groups.get(group.id)).state == "failed"
    assert await ledger.get(then.id) is None
    assert (await ledger.get(on_failure.id)).payload["of"]["failed"] == 1


async def test_a_group_that_is_not_there_is_none(groups):
    assert await groups.get(uuid4()) is None


async def test_a_known_key_gives_the_group_of_that_time(ledger, groups):
    first, members = await a_group(groups, 3, FollowUps(), idempotency_key="k", fingerprint="a")
    again, others = a_new_group(3, FollowUps(), idempotency_key="k", fingerprint="a")

    started = await groups.open(again, others)

    assert (started.id, started.is_new) == (first.id, False)
    assert [one.id for one in started.members] == [task.id for task in members]
    assert await groups.get(again.id) is None
    assert await ledger.get(others[0].id) is None


async def test_a_known_key_with_another_content_is_a_conflict(ledger, groups):
    first, _ = await a_group(groups, 1, FollowUps(), idempotency_key="k", fingerprint="a")
    other, members = a_new_group(1, FollowUps(), idempotency_key="k", fingerprint="b")

    with pytest.raises(IdempotencyConflict, match=str(first.id)):
        await groups.open(other, members)

    assert await ledger.get(members[0].id) is None


async def test_many_openings_with_one_key_are_one_group(groups):
    made = [a_new_group(2, FollowUps(), idempotency_key="k", fingerprint="a") for _ in range(5)]

    started = await asyncio.gather(*(groups.open(*one) for one in made))

    assert len({one.id for one in started}) == 1
    assert [one.is_new for one in started].count(True) == 1


async def test_ending_a_group_again_changes_nothing(ledger, groups):
    group, [member] = await a_group(groups, 1, FollowUps())
    await run(ledger, member.id, succeeded(None))
    await groups.join(10)
    before = await groups.get(group.id)

    await groups.join(10)

    assert await groups.get(group.id) == before
