"""The dead-letter desk over REST: groups, redrive of one, raw deliveries, the audit."""

import pytest

from shared.domain.envelope import Delivery
from shared.domain.ports import DeskEntry
from tests.support.dead_tasks import add_dead, add_task, bury


async def groups(http, **params):
    return (await http.get("/dead-letters/groups", params=params)).json()


async def test_errors_that_differ_in_ids_and_numbers_are_one_group(http, memory):
    for n in range(3):
        memory.clock.advance(1)
        last = await add_dead(memory, f"order {n} of tenant 'acme-{n}' timed out after {n}.5 s")
    await add_dead(memory, "no such template")

    said = await groups(http)

    assert (said["looked_at"], said["limit"]) == (4, 1000)
    first, second = said["groups"]
    assert (first["count"], second["count"]) == (3, 1)
    assert first["message"] == "order <n> of tenant <text> timed out after <n> s"
    assert first["newest_task_id"] == str(last)
    assert first["first_seen_at"] < first["last_seen_at"]


async def test_groups_of_one_type_only(http, memory):
    await add_dead(memory)
    await add_dead(memory, task_type="greet_in_order")

    said = await groups(http, task_type="greet")

    assert [group["task_type"] for group in said["groups"]] == ["greet"]


async def test_the_members_of_a_group_are_listed(http, memory):
    member = await add_dead(memory, "failed 1")
    await add_dead(memory, "something else")
    [group] = [g for g in (await groups(http))["groups"] if g["message"] == "failed <n>"]

    answer = await http.get(f"/dead-letters/groups/{group['group']}")

    [task] = answer.json()["tasks"]
    assert (task["task_id"], task["group"]) == (str(member), group["group"])
    assert (await http.get("/dead-letters/groups/0123456789ab")).json() == {"tasks": []}
    assert (await http.get("/dead-letters/groups/what")).status_code == 400


async def test_every_dead_task_is_listed_with_its_group_newest_first(http, memory):
    ids = [str(await add_dead(memory, f"failed {n}")) for n in range(3)]
    await add_dead(memory, task_type="greet_in_order")

    tasks = (await http.get("/dead-letters", params={"task_type": "greet"})).json()["tasks"]

    assert [task["task_id"] for task in tasks] == ids[::-1]
    assert len({task["group"] for task in tasks}) == 1
    assert len((await http.get("/dead-letters")).json()["tasks"]) == 4


async def test_a_dead_task_is_redriven_published_and_audited(http, memory):
    task_id = await add_dead(memory)

    answer = await http.post(f"/tasks/{task_id}/redrive")

    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["generation"]) == ("queued", 1)
    [message] = memory.publisher.messages
    assert message.attributes["generation"] == "1"
    assert memory.ledger.rows[task_id].published
    [line] = (await http.get("/audit")).json()["lines"]
    assert (line["actor"], line["action"]) == ("local", "redrive")
    assert line["detail"]["task_id"] == str(task_id)


async def test_a_redrive_that_cannot_be_published_is_left_to_the_relay(http, memory):
    task_id = await add_dead(memory)
    memory.publisher.reachable = False

    assert (await http.post(f"/tasks/{task_id}/redrive")).status_code == 202

    memory.clock.advance(3)
    [due] = await memory.ledger.take_due({"greet": 5}, 10)
    assert (due.id, due.generation) == (task_id, 1)


async def test_a_task_may_be_sent_again_with_another_payload(http, memory):
    task_id = await add_dead(memory)

    answer = await http.post(f"/tasks/{task_id}/redrive", json={"payload": {"name": "Bob"}})

    assert answer.json()["payload"] == {"name": "Bob"}


async def test_a_payload_that_does_not_fit_changes_nothing(http, memory):
    task_id = await add_dead(memory)

    answer = await http.post(f"/tasks/{task_id}/redrive", json={"payload": {"name": ""}})

    assert answer.status_code == 400
    assert [e["field"] for e in answer.json()["errors"]] == ["payload.name"]
    assert memory.ledger.rows[task_id].task.generation == 0
    assert memory.publisher.messages == []


@pytest.mark.parametrize("body", [[], {"payload": 1}, {"payload": {"name": "x"}, "more": 1}, "x"])
async def test_a_body_that_is_no_redrive_is_refused(http, memory, body):
    task_id = await add_dead(memory)

    assert (await http.post(f"/tasks/{task_id}/redrive", json=body)).status_code == 400
    assert memory.ledger.rows[task_id].task.generation == 0


async def test_what_is_not_dead_is_not_redriven(http, memory):
    queued = await add_task(memory)

    answer = await http.post(f"/tasks/{queued}/redrive")

    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert "queued" in answer.json()["detail"]
    nobody = await http.post("/tasks/01934b1a-0000-7000-8000-000000000000/redrive")
    assert nobody.status_code == 404


async def test_the_state_of_a_redriven_task_is_shown_and_never_an_old_one(http, memory):
    """A dead task is not cached: it would be shown as dead for minutes after its redrive."""
    task_id = await add_dead(memory)
    assert (await http.get(f"/tasks/{task_id}")).json()["state"] == "dead"

    await http.post(f"/tasks/{task_id}/redrive")
    assert (await http.get(f"/tasks/{task_id}")).json()["state"] == "queued"
    await bury(memory, task_id, generation=1)
    assert (await http.get(f"/tasks/{task_id}")).json()["generation"] == 1


async def keep(memory, message_id: str) -> None:
    delivery = Delivery(message_id, "a-subscription", b"\xff", {"a": "b"}, 2)
    await memory.ledger.keep_on_desk(DeskEntry(delivery, "cannot be decoded"))


async def test_raw_deliveries_are_listed_page_by_page_and_discarded(http, memory):
    for name in ("m/1", "m/2", "m/3"):
        memory.clock.advance(1)
        await keep(memory, name)

    first = (await http.get("/dead-letters/raw", params={"page_size": 2})).json()
    rest = await http.get("/dead-letters/raw", params={"after": first["next_after"]})
    gone = await http.post("/dead-letters/raw/discard", json={"message_ids": ["m/2", "m/9"]})

    assert [d["message_id"] for d in first["deliveries"]] == ["m/3", "m/2"]
    assert (first["deliveries"][0]["data"], rest.json()["next_after"]) == ("/w==", "")
    assert [d["message_id"] for d in rest.json()["deliveries"]] == ["m/1"]
    assert gone.json() == {"discarded": 1}
    assert sorted(memory.ledger.desk) == ["m/1", "m/3"]


@pytest.mark.parametrize("ids", [None, [], "m", [1], ["x"] * 1001])
async def test_what_is_no_list_of_messages_is_refused(http, ids):
    answer = await http.post("/dead-letters/raw/discard", json={"message_ids": ids})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "message_ids"


async def test_the_audit_is_read_page_by_page(http, memory):
    for _ in range(3):
        await http.post(f"/tasks/{await add_dead(memory)}/redrive")

    first = (await http.get("/audit", params={"page_size": 2})).json()
    rest = (await http.get("/audit", params={"before": first["next_before"]})).json()

    assert [line["id"] for line in first["lines"] + rest["lines"]] == [3, 2, 1]
    assert rest["next_before"] == 0
    assert (await http.get("/audit", params={"before": "x"})).status_code == 400
    assert (await http.get("/audit", params={"more": "x"})).status_code == 400
