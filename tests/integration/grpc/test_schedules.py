"""The RPCs of schedules and of republishing, as a client sees them."""

import json

import grpc
import pytest

from protos.cloudtasker.v1 import task_service_pb2 as pb
from tests.integration.grpc.refused import refusal

HOURLY = pb.CreateScheduleRequest(
    name="hourly",
    task_type="greet",
    cron="0 * * * *",
    time_zone="Europe/Berlin",
    payload_json='{"name": "Ünï"}',
    missed=pb.Schedule.RUN_ALL,
)


def changed(**fields) -> pb.CreateScheduleRequest:
    request = pb.CreateScheduleRequest()
    request.CopyFrom(HOURLY)
    for name, value in fields.items():
        setattr(request, name, value)
    return request


async def test_a_schedule_is_made_and_reads_back(running):
    made = await running.tasks.CreateSchedule(HOURLY)

    assert made == await running.tasks.GetSchedule(pb.GetScheduleRequest(name="hourly"))
    listed = await running.tasks.ListSchedules(pb.ListSchedulesRequest())
    assert list(listed.schedules) == [made]
    assert (made.name, made.task_type, made.cron, made.time_zone) == (
        "hourly",
        "greet",
        "0 * * * *",
        "Europe/Berlin",
    )
    assert json.loads(made.payload_json) == {"name": "Ünï"}
    assert (made.missed, made.origin, made.paused) == (pb.Schedule.RUN_ALL, pb.Schedule.API, False)
    assert made.next_at.ToJsonString() == "2026-11-24T13:00:00Z"
    assert not made.HasField("last_at")


async def test_what_is_left_out_has_its_default(running):
    made = await running.tasks.CreateSchedule(
        changed(time_zone="", missed=pb.Schedule.MISSED_UNSPECIFIED)
    )

    assert (made.time_zone, made.missed) == ("UTC", pb.Schedule.RUN_ONCE)


async def test_pause_resume_run_and_delete(running):
    await running.tasks.CreateSchedule(HOURLY)

    assert (await running.tasks.PauseSchedule(pb.PauseScheduleRequest(name="hourly"))).paused
    resumed = await running.tasks.ResumeSchedule(pb.ResumeScheduleRequest(name="hourly"))
    assert not resumed.paused
    run = await running.tasks.RunSchedule(pb.RunScheduleRequest(name="hourly"))
    task = await running.tasks.GetTask(pb.GetTaskRequest(task_id=run.task_id))
    assert dict(task.labels) == {"schedule": "hourly"}
    await running.tasks.DeleteSchedule(pb.DeleteScheduleRequest(name="hourly"))
    gone = await refusal(running.tasks.GetSchedule(pb.GetScheduleRequest(name="hourly")))
    assert gone.code is grpc.StatusCode.NOT_FOUND
    audit = (await running.tasks.ListAuditLines(pb.ListAuditLinesRequest())).lines
    assert [(line.actor, line.action) for line in audit[::-1]] == [
        ("local", "create_schedule"),
        ("local", "pause_schedule"),
        ("local", "resume_schedule"),
        ("local", "delete_schedule"),
    ]


async def test_a_name_is_taken_once(running):
    await running.tasks.CreateSchedule(HOURLY)

    taken = await refusal(running.tasks.CreateSchedule(HOURLY))
    assert taken.code is grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A b"},
        {"name": ""},
        {"cron": "61 * * * *"},
        {"cron": "* * * * \0"},
        {"time_zone": "Mars"},
        {"payload_json": "{"},
        {"payload_json": '{"name": ""}'},
        {"missed": 9},
        {"task_type": "gret"},
    ],
)
async def test_what_is_wrong_is_refused_and_nothing_is_stored(running, wrong):
    refused = await refusal(running.tasks.CreateSchedule(changed(**wrong)))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    listed = await running.tasks.ListSchedules(pb.ListSchedulesRequest())
    assert list(listed.schedules) == []


async def test_a_backlog_is_sent_again(running):
    await running.tasks.EnqueueTask(
        pb.EnqueueTaskRequest(task_type="greet", payload_json='{"name": "Ada"}')
    )
    await running.memory.api.enqueue.settle()

    answer = await running.tasks.RepublishTasks(pb.RepublishTasksRequest(task_type="greet"))
    assert (answer.republished, answer.next_after) == (1, "")
    wrong = pb.RepublishTasksRequest(task_type="greet", after="x")
    assert (await refusal(running.tasks.RepublishTasks(wrong))).code is (
        grpc.StatusCode.INVALID_ARGUMENT
    )
