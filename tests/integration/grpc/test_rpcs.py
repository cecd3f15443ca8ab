"""Every RPC, as a client sees it when all goes well."""

import json

import grpc
import pytest

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.outcome import Failed, Failure, Succeeded
from shared.domain.settlement import settle
from shared.domain.trace import trace_id_of
from tests.support.task_types import greeting_type

GREET = pb.EnqueueTaskRequest(task_type="greet", payload_json='{"name": "Ada"}')
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def run(memory, task_id, verdict):
    """Let the next attempt of the task end with `verdict`."""
    from uuid import UUID

    kind = greeting_type()
    claim = await memory.ledger.claim(UUID(task_id), 0, kind)
    settlement = settle(verdict, kind.limits, attempt=claim.attempt, chance=0.5)
    await memory.ledger.finish(claim, settlement)


async def test_enqueue_task_stores_and_publishes(running):
    accepted = await running.tasks.EnqueueTask(GREET)

    task = await running.memory.api.lookup.get(accepted.task_id)
    assert (accepted.task_type, accepted.state, accepted.replayed) == (
        "greet",
        pb.Task.QUEUED,
        False,
    )
    assert accepted.created_at.ToDatetime() == task.created_at.replace(tzinfo=None)
    assert task.payload == {"name": "Ada"}
    assert len(running.memory.publisher.messages) == 1


async def test_everything_that_is_asked_for_comes_back_from_get_task(running):
    asked = pb.EnqueueTaskRequest(
        task_type="greet_in_order",
        payload_json='{"name": "Ünï", "times": 2}',
        idempotency_key="once",
        ordering_key="customer-1",
        labels={"team": "a"},
    )
    accepted = await running.tasks.EnqueueTask(asked)
    task = await running.tasks.GetTask(pb.GetTaskRequest(task_id=accepted.task_id))

    assert task.payload_json == '{"name":"Ünï","times":2}'
    assert (task.idempotency_key, task.ordering_key) == ("once", "customer-1")
    assert dict(task.labels) == {"team": "a"}
    assert not task.HasField("result_json")
    assert not task.HasField("error")
    assert not task.HasField("started_at")


async def test_a_repeated_idempotency_key_gives_the_same_task_and_says_so(running):
    asked = pb.EnqueueTaskRequest(
        task_type="greet", payload_json='{"name": "Ada"}', idempotency_key="k"
    )
    first = await running.tasks.EnqueueTask(asked)
    again = await running.tasks.EnqueueTask(asked)

    assert again.task_id == first.task_id
    assert (first.replayed, again.replayed) == (False, True)


async def test_the_callers_trace_goes_on_in_the_task(running):
    accepted = await running.tasks.EnqueueTask(GREET, metadata=[("traceparent", TRACEPARENT)])

    task = await running.memory.api.lookup.get(accepted.task_id)
    assert trace_id_of(task.traceparent) == trace_id_of(TRACEPARENT)
    assert task.traceparent != TRACEPARENT


@pytest.mark.parametrize("given", ["", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
async def test_a_broken_traceparent_starts_a_new_trace(running, given):
    accepted = await running.tasks.EnqueueTask(GREET, metadata=[("traceparent", given)])

    task = await running.memory.api.lookup.get(accepted.task_id)
    assert trace_id_of(task.traceparent)


async def test_a_batch_has_an_outcome_for_each_task_in_order(running):
    batch = pb.EnqueueTasksRequest(
        tasks=[
            GREET,
            pb.EnqueueTaskRequest(task_type="greet", payload_json="{"),
            pb.EnqueueTaskRequest(task_type="gret", payload_json="{}"),
            GREET,
        ]
    )
    answer = await running.tasks.EnqueueTasks(batch)

    kinds = [one.WhichOneof("outcome") for one in answer.outcomes]
    assert kinds == ["task", "error", "error", "task"]
    assert 'did you mean "greet"?' in answer.outcomes[2].error.message
    assert answer.outcomes[0].task.task_id != answer.outcomes[3].task.task_id
    assert len(running.memory.publisher.messages) == 2


async def test_a_thousand_tasks_fit_in_one_batch(running):
    answer = await running.tasks.EnqueueTasks(pb.EnqueueTasksRequest(tasks=[GREET] * 1000))

    assert len({one.task.task_id for one in answer.outcomes}) == 1000


async def test_a_thousand_refusals_fit_in_one_answer(running):
    bad = json.dumps({f"extra_field_{n}": "x" for n in range(60)})
    refused = pb.EnqueueTaskRequest(task_type="greet", payload_json=bad)
    answer = await running.tasks.EnqueueTasks(pb.EnqueueTasksRequest(tasks=[refused] * 1000))

    assert {one.WhichOneof("outcome") for one in answer.outcomes} == {"error"}


async def test_a_finished_task_shows_its_result_and_its_attempts(running):
    accepted = await running.tasks.EnqueueTask(GREET)
    await run(running.memory, accepted.task_id, Failed(Failure("ValueError", "not today")))
    await run(running.memory, accepted.task_id, Succeeded({"sum": 12345678901234567890}))
    task = await running.tasks.GetTask(pb.GetTaskRequest(task_id=accepted.task_id))

    assert task.state == pb.Task.SUCCEEDED
    assert task.result_json == '{"sum":12345678901234567890}'
    assert [(a.number, a.outcome) for a in task.attempts] == [(1, "failed"), (2, "succeeded")]
    assert (task.attempts[0].error.kind, task.attempts[0].error.message) == (
        "ValueError",
        "not today",
    )
    assert task.HasField("finished_at")


async def test_a_handler_that_returns_nothing_has_the_result_null(running):
    accepted = await running.tasks.EnqueueTask(GREET)
    await run(running.memory, accepted.task_id, Succeeded(None))
    task = await running.tasks.GetTask(pb.GetTaskRequest(task_id=accepted.task_id))

    assert task.result_json == "null"


async def test_pages_hold_every_task_once_newest_first_and_without_payloads(running):
    ids = [(await running.tasks.EnqueueTask(GREET)).task_id for _ in range(5)]
    seen, token = [], ""
    while True:
        page = await running.tasks.ListTasks(pb.ListTasksRequest(page_size=2, page_token=token))
        seen.extend(page.tasks)
        token = page.next_page_token
        if not token:
            break

    assert [task.task_id for task in seen] == ids[::-1]
    assert {task.payload_json for task in seen} == {""}


async def test_a_listing_shows_only_what_its_filters_name(running):
    labelled = pb.EnqueueTaskRequest(
        task_type="greet", payload_json='{"name": "Ada"}', labels={"team": "a"}
    )
    wanted = (await running.tasks.EnqueueTask(labelled)).task_id
    other = (await running.tasks.EnqueueTask(GREET)).task_id
    await running.tasks.CancelTask(pb.CancelTaskRequest(task_id=other))

    async def ids(**conditions):
        answer = await running.tasks.ListTasks(pb.ListTasksRequest(**conditions))
        return [task.task_id for task in answer.tasks]

    assert await ids(labels={"team": "a"}) == [wanted]
    assert await ids(state=pb.Task.CANCELLED) == [other]
    assert await ids(task_type="greet_in_order") == []


async def test_a_listing_keeps_to_its_times(running):
    before = await running.tasks.EnqueueTask(GREET)
    running.memory.clock.advance(60)
    after = await running.tasks.EnqueueTask(GREET)

    async def ids(**conditions):
        answer = await running.tasks.ListTasks(pb.ListTasksRequest(**conditions))
        return [task.task_id for task in answer.tasks]

    assert await ids(created_after=before.created_at) == [after.task_id]
    assert await ids(created_before=after.created_at) == [before.task_id]


async def test_each_task_each_batch_and_each_cancelled_task_has_a_line_in_the_log(running, caplog):
    caplog.set_level("INFO")
    one = await running.tasks.EnqueueTask(GREET)
    await running.tasks.EnqueueTasks(pb.EnqueueTasksRequest(tasks=[GREET] * 2))
    await running.tasks.CancelTask(pb.CancelTaskRequest(task_id=one.task_id))

    first, together, cancelled = [record for record in caplog.records if hasattr(record, "event")]
    assert (first.event, first.fields["task_id"]) == ("task_enqueued", one.task_id)
    assert (together.event, together.fields["enqueued"]) == ("task_enqueued", 2)
    assert (cancelled.event, cancelled.fields["task_id"]) == ("task_cancelled", one.task_id)


async def test_cancelling_twice_is_no_error(running):
    accepted = await running.tasks.EnqueueTask(GREET)
    asked = pb.CancelTaskRequest(task_id=accepted.task_id)

    states = [(await running.tasks.CancelTask(asked)).state for _ in range(2)]
    assert states == [pb.Task.CANCELLED, pb.Task.CANCELLED]


async def test_task_types_come_by_name_with_their_limits_and_schema(running):
    answer = await running.tasks.ListTaskTypes(pb.ListTaskTypesRequest())

    assert [one.name for one in answer.task_types] == ["greet", "greet_in_order"]
    in_order = answer.task_types[1]
    assert in_order.limits.ordering
    assert (in_order.limits.time_limit_seconds, in_order.limits.max_attempts) == (60, 5)
    assert in_order.limits.retry.by == pb.Retry.PUBSUB
    assert json.loads(in_order.payload_schema_json)["required"] == ["name"]


async def test_watch_task_streams_each_change_until_the_task_is_final(running):
    from uuid import UUID

    accepted = await running.tasks.EnqueueTask(GREET)
    stream = running.tasks.WatchTask(pb.WatchTaskRequest(task_id=accepted.task_id))
    seen = [await stream.read()]
    claim = await running.memory.ledger.claim(UUID(accepted.task_id), 0, greeting_type())
    seen.append(await stream.read())
    await running.memory.ledger.say_progress(claim, 40, "half")
    seen.append(await stream.read())
    settlement = settle(Succeeded({"n": 1}), greeting_type().limits, attempt=1, chance=0.5)
    await running.memory.ledger.finish(claim, settlement)
    seen.append(await stream.read())
    assert await stream.read() is grpc.aio.EOF

    states = [one.task.state for one in seen]
    assert states == [pb.Task.QUEUED, pb.Task.RUNNING, pb.Task.RUNNING, pb.Task.SUCCEEDED]
    assert (seen[2].task.progress.percent, seen[3].task.result_json) == (40, '{"n":1}')
    again = pb.WatchTaskRequest(task_id=accepted.task_id, mark=seen[-1].mark)
    assert [one async for one in running.tasks.WatchTask(again)] == []
