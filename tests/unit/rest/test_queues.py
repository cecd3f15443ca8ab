"""Pause and resume over REST."""

import pytest

from tests.support.dead_tasks import add_dead, add_task


async def pause(http, name="greet", **body):
    return await http.post(f"/queues/{name}/pause", json=body)


async def test_every_task_type_is_listed_with_what_it_has(http, memory):
    await add_dead(memory)
    running = await add_task(memory)
    await memory.ledger.claim(running, 0, memory.api.catalogue["greet"])

    queues = {q["task_type"]: q for q in (await http.get("/queues")).json()["queues"]}

    assert queues.keys() == memory.api.catalogue.keys()
    greet = queues["greet"]
    assert (greet["state"], greet["running"], greet["dead"]) == ("active", 1, 1)
    assert (await http.get("/queues/greet")).json() == greet


async def test_a_paused_type_drains_what_runs_and_is_paused_then(http, memory):
    running = await add_task(memory)
    claim = await memory.ledger.claim(running, 0, memory.api.catalogue["greet"])

    paused = await pause(http, reason="the bank is down")
    await memory.ledger.put_back(claim, 60)
    drained = await http.get("/queues/greet")

    assert (paused.status_code, paused.json()["state"]) == (200, "draining")
    assert (paused.json()["reason"], paused.json()["actor"]) == ("the bank is down", "local")
    assert drained.json()["state"] == "paused"


async def test_a_pause_needs_no_body(http):
    paused = await http.post("/queues/greet/pause")

    assert (paused.status_code, paused.json()["reason"]) == (200, "")


async def test_what_was_held_comes_back_after_the_resume(http, memory):
    await pause(http)
    task_id = await add_task(memory)
    await memory.ledger.hold(task_id, 0)

    assert (await http.get("/queues/greet")).json()["held"] == 1
    await memory.chores.round()
    assert memory.publisher.messages == []
    resumed = await http.post("/queues/greet/resume")
    await memory.chores.round()

    assert resumed.json()["state"] == "active"
    assert [m.attributes["task_id"] for m in memory.publisher.messages] == [str(task_id)]
    assert memory.ledger.rows[task_id].published


async def test_pausing_and_resuming_again_is_no_error(http):
    assert [(await pause(http)).status_code for _ in range(2)] == [200, 200]
    again = [(await http.post("/queues/greet/resume")).status_code for _ in range(2)]
    assert again == [200, 200]


async def test_pauses_are_audited(http):
    await pause(http, reason="why")
    await http.post("/queues/greet/resume")

    actions = [line["action"] for line in (await http.get("/audit")).json()["lines"]]
    assert actions == ["resume", "pause"]


async def test_a_type_that_nobody_deployed_cannot_be_paused(http):
    for answer in (
        await pause(http, "gret"),
        await http.get("/queues/gret"),
        await http.post("/queues/gret/resume"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_task_type")
        assert 'did you mean "greet"' in answer.json()["detail"]


@pytest.mark.parametrize("body", [[], "x", {"reason": 1}, {"reason": "x" * 501}, {"why": "x"}])
async def test_what_is_no_reason_is_refused_and_nothing_is_paused(http, body):
    assert (await http.post("/queues/greet/pause", json=body)).status_code == 400
    assert (await http.get("/queues/greet")).json()["state"] == "active"
