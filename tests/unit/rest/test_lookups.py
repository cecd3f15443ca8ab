"""Reading, listing and cancelling over REST: what is HTTP's own."""

import uuid

from shared.domain.settlement import Answer, Settlement
from shared.domain.task import State

GREET = {"task_type": "greet", "payload": {"name": "Ada"}}


async def enqueued(http) -> str:
    return (await http.post("/enqueue-task", json=GREET)).json()["task_id"]


async def test_a_listing_leaves_out_what_may_be_large(http):
    task_id = await enqueued(http)
    [listed] = (await http.get("/tasks")).json()["tasks"]
    whole = (await http.get(f"/tasks/{task_id}")).json()

    assert set(whole) - set(listed) == {"payload", "payload_blob", "result", "attempts"}
    assert {name: whole[name] for name in listed} == listed


async def test_a_cancel_answers_with_the_task_and_its_end(http):
    answer = await http.post(f"/tasks/{await enqueued(http)}/cancel")

    assert answer.status_code == 200
    assert answer.json()["state"] == "cancelled"
    assert answer.json()["finished_at"] == "2026-11-24T12:00:00.000000Z"


async def test_a_run_that_is_asked_to_stop_is_accepted_not_done(http, memory):
    task_id = await enqueued(http)
    await memory.ledger.claim(uuid.UUID(task_id), 0, memory.api.catalogue["greet"])
    answer = await http.post(f"/tasks/{task_id}/cancel")

    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert answer.json()["cancel_requested_at"] == "2026-11-24T12:00:00.000000Z"


async def test_a_cancel_that_comes_too_late_is_a_conflict(http, memory):
    task_id = await enqueued(http)
    claim = await memory.ledger.claim(uuid.UUID(task_id), 0, memory.api.catalogue["greet"])
    await memory.ledger.finish(claim, Settlement(State.SUCCEEDED, "succeeded", Answer.ACK))
    answer = await http.post(f"/tasks/{task_id}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


async def test_a_running_attempt_is_shown_without_its_end(http, memory):
    task_id = await enqueued(http)
    await memory.ledger.claim(uuid.UUID(task_id), 0, memory.api.catalogue["greet"])
    [attempt] = (await http.get(f"/tasks/{task_id}")).json()["attempts"]

    assert (attempt["outcome"], attempt["finished_at"]) == ("running", None)


async def test_a_query_that_cannot_be_names_each_parameter(http):
    answer = await http.get("/tasks?state=gone&page_size=0&order=asc")

    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["errors"]} == {"state", "page_size", "order"}
