"""Accepting tasks over REST: what is HTTP's own. The rest stands in the API contract."""

import asyncio
import json

import pytest

from shared.services.enqueue import PUBLISH_PATIENCE_SECONDS

GREET = {"task_type": "greet", "payload": {"name": "Ada"}}


async def test_an_accepted_task_answers_202_with_its_location_and_four_fields(http):
    answer = await http.post("/enqueue-task", json=GREET)

    assert answer.status_code == 202
    assert set(answer.json()) == {"task_id", "task_type", "state", "created_at"}
    assert answer.headers["location"] == f"/tasks/{answer.json()['task_id']}"
    assert answer.json()["created_at"] == "2026-11-24T12:00:00.000000Z"
    assert "idempotency-replayed" not in answer.headers


async def test_the_location_leads_to_the_task(http):
    answer = await http.post("/enqueue-task", json=GREET)

    task = (await http.get(answer.headers["location"])).json()
    assert task["task_id"] == answer.json()["task_id"]


async def test_a_replay_by_the_header_is_marked_by_a_header(http):
    first = await http.post("/enqueue-task", json=GREET, headers={"Idempotency-Key": "one"})
    again = await http.post("/enqueue-task", json=GREET, headers={"Idempotency-Key": "one"})

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"


async def test_the_header_and_the_field_are_the_same_key(http):
    first = await http.post("/enqueue-task", json=GREET, headers={"Idempotency-Key": "one"})
    again = await http.post("/enqueue-task", json={**GREET, "idempotency_key": "one"})
    both = await http.post(
        "/enqueue-task",
        json={**GREET, "idempotency_key": "one"},
        headers={"Idempotency-Key": "one"},
    )

    assert first.json() == again.json() == both.json()


@pytest.mark.parametrize("field", ["two", ["one"], 1, {"one": "one"}])
async def test_two_different_keys_are_refused(http, memory, field):
    body = {**GREET, "idempotency_key": field}
    answer = await http.post("/enqueue-task", json=body, headers={"Idempotency-Key": "one"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert memory.publisher.messages == []


async def test_the_header_given_twice_with_two_keys_is_refused(http):
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]

    assert (await http.post("/enqueue-task", json=GREET, headers=headers)).status_code == 400


async def test_a_key_that_is_not_ascii_must_be_sent_as_the_field(http):
    headers = {"Idempotency-Key": "schlüssel".encode()}
    refused = await http.post("/enqueue-task", json=GREET, headers=headers)
    accepted = await http.post("/enqueue-task", json={**GREET, "idempotency_key": "schlüssel"})

    assert refused.status_code == 400
    assert accepted.status_code == 202


async def test_a_batch_takes_no_idempotency_header(http):
    answer = await http.post(
        "/enqueue-tasks", json={"tasks": [GREET]}, headers={"Idempotency-Key": "one"}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_a_batch_without_any_good_task_still_answers_202_with_each_reason(http, memory):
    answer = await http.post("/enqueue-tasks", json={"tasks": [{}, 1, None, GREET | {"x": 1}]})

    assert answer.status_code == 202
    statuses = [result["error"]["status"] for result in answer.json()["results"]]
    assert statuses == [400, 400, 400, 400]
    assert memory.publisher.messages == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"tasks"}),
        ({"tasks": {}}, {"tasks"}),
        ({"tasks": []}, {"tasks"}),
        ({"tasks": [GREET], "more": 1}, {"more"}),
        ({"task": [GREET], "more": 1}, {"tasks", "task", "more"}),
        ([GREET], {""}),
        (None, {""}),
    ],
)
async def test_a_batch_that_is_no_list_of_tasks_is_refused_as_a_whole(http, memory, body, fields):
    headers = {"content-type": "application/json"}
    answer = await http.post("/enqueue-tasks", content=json.dumps(body), headers=headers)

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == fields
    assert memory.publisher.messages == []


async def test_without_pubsub_the_answer_is_202_all_the_same(http, memory):
    memory.publisher.reachable = False

    assert (await http.post("/enqueue-task", json=GREET)).status_code == 202


async def test_an_answer_does_not_wait_for_a_publisher_that_hangs(http, memory):
    released = asyncio.Event()

    async def hang(messages):
        await released.wait()
        return [True] * len(messages)

    memory.publisher.publish = hang
    async with asyncio.timeout(20 * PUBLISH_PATIENCE_SECONDS):
        assert (await http.post("/enqueue-task", json=GREET)).status_code == 202
    released.set()
