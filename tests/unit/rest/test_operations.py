"""Bulk operations over REST, worked through by the relay's chores."""

import pytest

from shared.domain.operation import MAX_IDS
from tests.support.dead_tasks import add_dead, add_task, bury

NOBODY = "01934b1a-0000-7000-8000-000000000000"


async def start(http, kind="redrive", **more):
    return await http.post("/operations", json={"kind": kind, "filter": {}, **more})


async def operation(http, operation_id):
    return (await http.get(f"/operations/{operation_id}")).json()


async def work(memory, rounds=5):
    for _ in range(rounds):
        memory.clock.advance(1)
        await memory.chores.round()


async def test_a_dry_run_counts_and_changes_nothing(http, memory):
    task_id = await add_dead(memory)
    await add_task(memory)

    said = await start(http, dry_run=True)
    await work(memory)

    assert said.status_code == 200
    assert (said.json()["total"], said.json()["by_type"]) == (1, {"greet": 1})
    assert memory.ledger.rows[task_id].task.state == "dead"
    assert (await http.get("/operations")).json()["operations"] == []
    assert (await http.get("/audit")).json()["lines"] == []


async def test_a_redrive_by_filter_puts_every_dead_task_back_and_says_so(http, memory):
    ids = {str(await add_dead(memory)) for _ in range(3)}
    other = await add_dead(memory, task_type="greet_in_order")

    started = await start(http, filter={"task_type": "greet"})
    before = await operation(http, started.json()["operation_id"])
    await work(memory)
    after = await operation(http, started.json()["operation_id"])

    assert started.status_code == 202
    assert started.headers["location"] == f"/operations/{before['operation_id']}"
    assert (before["state"], before["total"], before["succeeded"]) == ("running", 3, 0)
    assert (after["state"], after["succeeded"], after["actor"]) == ("done", 3, "local")
    assert {message.attributes["task_id"] for message in memory.publisher.messages} == ids
    assert memory.ledger.rows[other].task.state == "dead"
    items = (await http.get(f"/operations/{before['operation_id']}/items")).json()["items"]
    assert {(item["task_id"], item["outcome"]) for item in items} == {(i, "succeeded") for i in ids}


async def test_a_group_is_redriven_whole_and_others_are_left_alone(http, memory):
    members = [await add_dead(memory, f"order {n} failed") for n in range(3)]
    other = await add_dead(memory, "no such template")
    [group] = [
        g["group"]
        for g in (await http.get("/dead-letters/groups")).json()["groups"]
        if g["count"] == 3
    ]

    said = (await start(http, filter={"group": group})).json()
    await work(memory)

    assert (said["total"], said["filter"]) == (3, {"group": group})
    assert {memory.ledger.rows[one].task.state for one in members} == {"queued"}
    assert memory.ledger.rows[other].task.state == "dead"


async def test_a_group_without_members_concerns_nobody(http, memory):
    """And not, as an empty list of ids might be taken for, everybody."""
    await add_dead(memory)

    said = (await start(http, filter={"group": "0123456789ab"})).json()

    assert (said["state"], said["total"]) == ("done", 0)


async def test_a_task_that_changed_meanwhile_is_skipped_with_why(http, memory):
    one, other = await add_dead(memory), await add_dead(memory)
    said = (await start(http)).json()
    await http.post(f"/tasks/{one}/redrive")
    await bury(memory, one, generation=1)

    await work(memory)

    after = await operation(http, said["operation_id"])
    assert (after["succeeded"], after["skipped"]) == (2, 0)  # redriven it was, by whomever
    assert memory.ledger.rows[one].task.generation == 1
    assert memory.ledger.rows[other].task.generation == 1


async def test_a_discarded_task_is_skipped_by_a_redrive(http, memory):
    one = await add_dead(memory)
    redrive = (await start(http, per_second=0.1)).json()
    await start(http, "discard")
    await work(memory)
    memory.clock.advance(20)
    await work(memory)

    after = await operation(http, redrive["operation_id"])
    assert (after["state"], after["skipped"]) == ("done", 1)
    skipped = await http.get(
        f"/operations/{redrive['operation_id']}/items", params={"outcome": "skipped"}
    )
    [item] = skipped.json()["items"]
    assert (item["task_id"], item["reason"]) == (str(one), "it is cancelled")


async def test_tasks_named_by_id_are_all_there_is_to_it(http, memory):
    named, other = await add_dead(memory), await add_dead(memory)

    said = (await start(http, filter={"task_ids": [str(named), NOBODY]})).json()
    await work(memory)

    assert (said["total"], said["skipped"]) == (2, 1)
    assert memory.ledger.rows[named].task.state == "queued"
    assert memory.ledger.rows[other].task.state == "dead"


async def test_a_cancel_by_filter_cancels_what_is_not_finished(http, memory):
    queued, dead = await add_task(memory, labels={"team": "blue"}), await add_dead(memory)
    other = await add_task(memory)

    said = (await start(http, "cancel", filter={"labels": {"team": "blue"}})).json()
    await work(memory)

    assert (await operation(http, said["operation_id"]))["succeeded"] == 1
    states = [memory.ledger.rows[one].task.state for one in (queued, dead, other)]
    assert states == ["cancelled", "dead", "queued"]


async def test_a_rate_is_kept(http, memory):
    for _ in range(10):
        await add_dead(memory)
    said = (await start(http, per_second=2)).json()

    seen = []
    for _ in range(5):
        await work(memory, rounds=1)
        seen.append((await operation(http, said["operation_id"]))["succeeded"])

    assert seen == [2, 4, 6, 8, 10]


async def test_a_stopped_operation_leaves_the_rest_alone(http, memory):
    ids = [await add_dead(memory) for _ in range(4)]
    said = (await start(http, per_second=1)).json()
    await work(memory, rounds=2)

    stopped = await http.post(f"/operations/{said['operation_id']}/stop")
    await work(memory)

    assert (stopped.status_code, stopped.json()["state"]) == (200, "stopped")
    states = [memory.ledger.rows[one].task.state for one in sorted(ids)]
    assert states == ["queued", "queued", "dead", "dead"]


async def test_one_line_in_the_audit_for_each_operation(http, memory):
    for _ in range(3):
        await add_dead(memory)
    said = (await start(http)).json()
    await work(memory)

    [line] = (await http.get("/audit")).json()["lines"]
    assert line["action"] == "redrive"
    assert line["detail"] == {"operation_id": said["operation_id"], "filter": {}, "tasks": 3}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"kind": "redrive"},
        {"kind": "purge", "filter": {}},
        {"kind": "redrive", "filter": {"state": "queued"}},
        {"kind": "cancel", "filter": {"state": "dead"}},
        {"kind": "cancel", "filter": {"group": "0123456789ab"}},
        {"kind": "redrive", "filter": {"group": "x"}},
        {"kind": "redrive", "filter": {"group": "0123456789ab", "labels": {"a": "b"}}},
        {"kind": "redrive", "filter": {"task_ids": []}},
        {"kind": "redrive", "filter": {"task_ids": ["x"]}},
        {"kind": "redrive", "filter": {"task_ids": [NOBODY], "task_type": "greet"}},
        {"kind": "redrive", "filter": {"task_ids": [NOBODY] * (MAX_IDS + 1)}},
        {"kind": "redrive", "filter": {"created_after": "yesterday"}},
        {"kind": "redrive", "filter": {}, "per_second": 0},
        {"kind": "redrive", "filter": {}, "per_second": 10_001},
        {"kind": "redrive", "filter": {}, "more": 1},
    ],
)
async def test_what_is_no_operation_is_refused_and_nothing_is_made(http, memory, body):
    await add_dead(memory)

    answer = await http.post("/operations", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert (await http.get("/operations")).json()["operations"] == []


@pytest.mark.parametrize("operation_id", [NOBODY, "what"])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("GET", "/items"), ("POST", "/stop")])
async def test_an_operation_that_does_not_exist_is_not_found(http, operation_id, method, rest):
    answer = await http.request(method, f"/operations/{operation_id}{rest}")

    assert answer.status_code == 404
    assert "operation" in answer.json()["detail"]


async def test_operations_and_items_are_paged(http, memory):
    for _ in range(3):
        await add_dead(memory)
    made = [(await start(http, dry_run=False)).json()["operation_id"] for _ in range(3)]

    first = (await http.get("/operations", params={"page_size": 2})).json()
    rest = (await http.get("/operations", params={"after": first["next_after"]})).json()
    items = f"/operations/{made[0]}/items"
    some = (await http.get(items, params={"page_size": 2})).json()
    more = (await http.get(items, params={"page_size": 2, "after": some["next_after"]})).json()

    listed = [one["operation_id"] for one in first["operations"] + rest["operations"]]
    assert listed == made[::-1]
    assert (len(some["items"]), len(more["items"]), more["next_after"]) == (2, 1, "")
    assert (await http.get(items, params={"outcome": "what"})).status_code == 400
    assert (await http.get(items, params={"after": "what"})).status_code == 400
