"""Schedules over REST: made, looked at, paused, run and deleted; and a backlog sent again."""

import pytest

from shared.domain.schedule import MAX_SCHEDULES, NewSchedule

SCHEDULE = {
    "name": "hourly",
    "task_type": "greet",
    "cron": "0 * * * *",
    "time_zone": "Europe/Berlin",
    "payload": {"name": "Ada"},
}


async def made(http, **changes):
    return await http.post("/schedules", json={**SCHEDULE, **changes})


async def test_a_schedule_is_made_and_reads_back(http):
    answer = await made(http, missed="run_all")
    assert answer.status_code == 201
    assert answer.headers["location"] == "/schedules/hourly"
    shown = answer.json()
    assert shown == (await http.get("/schedules/hourly")).json()
    assert (await http.get("/schedules")).json() == {"schedules": [shown]}
    assert shown["next_at"] == "2026-11-24T13:00:00.000000Z"
    assert (shown["missed"], shown["origin"], shown["paused"]) == ("run_all", "api", False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": 5}, "cron"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"payload": {"name": ""}}, "payload.name"),
        ({"payload": []}, "payload"),
        ({"name": "A b"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"missed": "all"}, "missed"),
        ({"task_type": "gret"}, "task_type"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_schedule_is_refused_and_names_the_field(http, changes, field):
    answer = await made(http, **changes)
    assert answer.status_code == 400
    assert field in {one["field"] for one in answer.json()["errors"]}
    assert (await http.get("/schedules")).json() == {"schedules": []}


async def test_a_name_is_taken_once(http):
    await made(http)
    answer = await made(http, cron="5 * * * *")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")


async def test_there_are_a_thousand_schedules_at_most(http, memory):
    for n in range(MAX_SCHEDULES):
        new = NewSchedule.model_validate({**SCHEDULE, "name": f"s{n}"})
        await memory.schedules.add(new, None, actor="ana")
    answer = await made(http)
    assert answer.status_code == 400
    assert "1000 is the limit" in answer.json()["detail"]


async def test_a_paused_schedule_goes_on_from_its_resumption(http, memory):
    await made(http)
    paused = (await http.post("/schedules/hourly/pause")).json()
    memory.clock.advance(7200)
    resumed = (await http.post("/schedules/hourly/resume")).json()
    assert (paused["paused"], resumed["paused"]) == (True, False)
    assert resumed["next_at"] == "2026-11-24T15:00:00.000000Z"


async def test_a_run_now_is_an_ordinary_task(http, memory):
    await made(http)
    answer = await http.post("/schedules/hourly/run")
    assert answer.status_code == 202
    task = (await http.get(answer.headers["location"])).json()
    assert (task["state"], task["labels"]) == ("queued", {"schedule": "hourly"})
    assert len(memory.publisher.messages) == 1


async def test_a_deleted_schedule_is_gone(http):
    await made(http)
    assert (await http.delete("/schedules/hourly")).status_code == 204
    assert (await http.delete("/schedules/hourly")).status_code == 404


async def test_a_schedule_of_a_file_can_be_paused_and_not_deleted(http, memory):
    await memory.schedules.sync([(NewSchedule.model_validate(SCHEDULE), None)])
    answer = await http.delete("/schedules/hourly")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert "task.yaml" in answer.json()["detail"]
    assert (await http.post("/schedules/hourly/pause")).json()["origin"] == "file"


@pytest.mark.parametrize("path", ["", "/pause", "/resume", "/run"])
async def test_what_is_not_there_is_404(http, path):
    method = "POST" if path else "GET"
    answer = await http.request(method, f"/schedules/none{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_backlog_is_sent_again_after_a_purge(http, memory):
    await http.post("/enqueue-task", json={"task_type": "greet", "payload": {"name": "Ada"}})
    await memory.api.enqueue.settle()
    memory.clock.advance(60)
    young = await http.post("/queues/greet/republish", json={"older_than_seconds": 120})
    all_of_it = await http.post("/queues/greet/republish", json={"older_than_seconds": 0})
    assert young.json() == {"republished": 0, "next_after": None}
    assert all_of_it.json() == {"republished": 1, "next_after": None}
    assert len(await memory.ledger.take_due({"greet": 5}, 10)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"older_than_seconds": -1},
        {"older_than_seconds": "1"},
        {"older_than_seconds": 1, "x": 1},
    ],
)
async def test_a_wrong_republication_is_refused(http, body):
    assert (await http.post("/queues/greet/republish", json=body)).status_code == 400


async def test_a_type_that_is_not_there_has_no_backlog(http):
    answer = await http.post("/queues/gret/republish", json={"older_than_seconds": 0})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_task_type")


async def test_who_changes_schedules_and_republishes_is_in_the_audit(http, memory):
    await made(http)
    for change in ("pause", "resume"):
        await http.post(f"/schedules/hourly/{change}")
    await http.delete("/schedules/hourly")
    await http.post("/enqueue-task", json={"task_type": "greet", "payload": {"name": "Ada"}})
    await memory.api.enqueue.settle()
    await http.post("/queues/greet/republish", json={"older_than_seconds": 0})

    lines = (await http.get("/audit")).json()["lines"]
    assert [line["action"] for line in lines[::-1]] == [
        "create_schedule",
        "pause_schedule",
        "resume_schedule",
        "delete_schedule",
        "republish",
    ]
    assert {line["actor"] for line in lines} == {"local"}
    assert lines[0]["detail"]["republished"] == 1
