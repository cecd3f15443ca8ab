"""What follows a task, and groups: the same over every protocol."""

import pytest

from tests.contract.api.test_api_contract import GREET, refused, stored

LATER = {"task_type": "greet", "payload": {"times": 2}, "result_as": "name"}


def chain(length):
    whole = None
    for _ in range(length):
        whole = {**LATER, "then": whole} if whole else LATER
    return whole


async def test_a_task_names_what_follows_it(client):
    accepted = await client.enqueue({**GREET, "then": LATER, "on_failure": GREET})
    task = await client.get(accepted["task_id"])
    assert set(task["follow_ups"]) == {"then", "on_failure"}
    assert await stored(client) == 1


@pytest.mark.parametrize(
    ("follow_up", "field"),
    [
        ({"task_type": "gret", "payload": {}}, "then.task_type"),
        ({"task_type": "greet", "payload": {}}, "then.payload.name"),
        ({**LATER, "payload": {"times": 99}}, "then.payload.times"),
        ({**LATER, "payload": {"name": "Ada"}}, "then.payload.name"),
        ({**LATER, "result_as": "surname"}, "then.result_as"),
        ({**LATER, "delay_seconds": -1}, "then.delay_seconds"),
        ({**LATER, "then": {**LATER, "payload": {"times": 99}}}, "then.then.payload.times"),
        (chain(17), "then"),
    ],
)
async def test_a_wrong_follow_up_is_refused_and_nothing_is_stored(client, follow_up, field):
    error = await refused(client.enqueue({**GREET, "then": follow_up}))
    assert error.code == "invalid"
    assert field in error.fields
    assert await stored(client) == 0


async def test_sixteen_may_follow(client):
    accepted = await client.enqueue({**GREET, "then": chain(16)})
    assert accepted["state"] == "queued"


async def test_the_same_key_with_another_follow_up_is_another_request(client):
    await client.enqueue({**GREET, "idempotency_key": "k", "then": LATER})
    error = await refused(client.enqueue({**GREET, "idempotency_key": "k"}))
    assert error.code == "idempotency_conflict"
    again = await client.enqueue({**GREET, "idempotency_key": "k", "then": LATER})
    assert again["replayed"]


async def test_a_group_names_its_members_and_they_name_it(client, memory):
    started = await client.start_group({"tasks": [GREET, GREET], "then": GREET})
    group = await client.group(started["group_id"])
    member = await client.get(started["task_ids"][1])
    assert member["group_id"] == group["group_id"] == started["group_id"]
    counts = [group[name] for name in ("state", "total", "succeeded", "failed")]
    assert counts == ["running", 2, 0, 0]
    assert len(memory.publisher.messages) == 2


async def test_a_group_ends_in_the_relays_chores(client, memory):
    started = await client.start_group({"tasks": [GREET, GREET], "on_failure": GREET})
    for task_id in started["task_ids"]:
        await client.cancel(task_id)
    await memory.chores.round()
    group = await client.group(started["group_id"])
    assert (group["state"], group["failed"]) == ("failed", 2)
    followed = await client.get(group["follow_ups"]["on_failure"])
    assert followed["state"] == "queued"


@pytest.mark.parametrize(
    ("group", "field"),
    [
        ({"tasks": []}, "tasks"),
        ({"tasks": [GREET, {**GREET, "payload": {"name": ""}}]}, "tasks.1.payload.name"),
        ({"tasks": [{**GREET, "task_type": "gret"}]}, "tasks.0.task_type"),
        ({"tasks": [{**GREET, "idempotency_key": "k"}]}, "tasks.0.idempotency_key"),
        ({"tasks": [GREET], "then": {"task_type": "gret", "payload": {}}}, "then.task_type"),
        ({"tasks": [GREET] * 1001}, "tasks"),
    ],
)
async def test_a_wrong_group_is_refused_and_nothing_is_stored(client, group, field):
    error = await refused(client.start_group(group))
    assert error.code == "invalid"
    assert field in error.fields
    assert await stored(client) == 0


@pytest.mark.parametrize("group_id", ["no-uuid", "019aae00-0000-7000-8000-000000000000"])
async def test_a_group_that_is_not_there_is_not_found(client, group_id):
    assert (await refused(client.group(group_id))).code == "not_found"


async def test_a_group_that_is_asked_for_again_is_the_same_group(client, memory):
    asked = {"tasks": [GREET, GREET], "then": LATER, "idempotency_key": "k"}
    started = await client.start_group(asked)
    again = await client.start_group(asked)

    assert (started["replayed"], again["replayed"]) == (False, True)
    assert {**again, "replayed": False} == started
    assert len(memory.publisher.messages) == 2


async def test_the_key_of_a_group_with_another_content_is_a_conflict(client):
    started = await client.start_group({"tasks": [GREET, GREET], "idempotency_key": "k"})
    error = await refused(client.start_group({"tasks": [GREET], "idempotency_key": "k"}))

    assert error.code == "idempotency_conflict"
    assert error.holder == {"group_id": started["group_id"]}
    assert await stored(client) == 2
