"""The dead-letter desk, bulk operations, queues and the audit over gRPC."""

import json

import grpc
import pytest

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.envelope import Delivery
from shared.domain.ports import DeskEntry
from tests.integration.grpc.refused import refusal
from tests.support.dead_tasks import add_dead, add_task

NOBODY = "01934b1a-0000-7000-8000-000000000000"


@pytest.fixture
async def gateway(start_gateway):
    return await start_gateway()


async def work(gateway, rounds=3):
    for _ in range(rounds):
        gateway.memory.clock.advance(1)
        await gateway.memory.chores.round()


async def test_like_errors_are_groups_with_members(gateway):
    ids = {str(await add_dead(gateway.memory, f"order {n} failed")) for n in range(2)}
    await add_dead(gateway.memory, "no such template")

    said = await gateway.tasks.ListErrorGroups(pb.ListErrorGroupsRequest(task_type="greet"))
    members = await gateway.tasks.ListDeadTasks(pb.ListDeadTasksRequest(group=said.groups[0].group))

    assert [(one.count, one.message) for one in said.groups] == [
        (2, "order <n> failed"),
        (1, "no such template"),
    ]
    assert (said.looked_at, said.limit) == (3, 1000)
    assert said.groups[0].HasField("last_seen_at")
    assert {task.task_id for task in members.tasks} == ids
    assert members.tasks[0].error.kind == "Wrong"


async def test_a_dead_task_is_redriven_with_another_payload(gateway):
    task_id = str(await add_dead(gateway.memory))

    task = await gateway.tasks.RedriveTask(
        pb.RedriveTaskRequest(task_id=task_id, payload_json='{"name": "Bob"}')
    )

    assert (task.state, task.generation) == (pb.Task.QUEUED, 1)
    assert json.loads(task.payload_json) == {"name": "Bob"}
    again = await refusal(gateway.tasks.RedriveTask(pb.RedriveTaskRequest(task_id=task_id)))
    assert again.code is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize("payload", ["[]", "x", '{"name": ""}'])
async def test_a_payload_that_does_not_fit_is_refused(gateway, payload):
    task_id = await add_dead(gateway.memory)
    request = pb.RedriveTaskRequest(task_id=str(task_id), payload_json=payload)

    refused = await refusal(gateway.tasks.RedriveTask(request))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert gateway.memory.ledger.rows[task_id].task.generation == 0


async def test_a_bulk_redrive_is_counted_started_watched_and_listed(gateway):
    ids = {str(await add_dead(gateway.memory)) for _ in range(3)}
    request = pb.StartOperationRequest(
        kind=pb.Operation.REDRIVE, filter=pb.OperationFilter(task_type="greet"), dry_run=True
    )

    preview = (await gateway.tasks.StartOperation(request)).preview
    request.dry_run = False
    request.per_second = 100
    request.filter.until.CopyFrom(preview.until)
    begun = (await gateway.tasks.StartOperation(request)).operation
    await work(gateway)
    done = await gateway.tasks.GetOperation(pb.GetOperationRequest(operation_id=begun.operation_id))
    items = await gateway.tasks.ListOperationItems(
        pb.ListOperationItemsRequest(
            operation_id=begun.operation_id, outcome=pb.OperationItem.SUCCEEDED
        )
    )
    listed = await gateway.tasks.ListOperations(pb.ListOperationsRequest(page_size=1))

    assert (preview.total, dict(preview.by_type)) == (3, {"greet": 3})
    assert (begun.state, begun.kind, begun.total) == (
        pb.Operation.RUNNING,
        pb.Operation.REDRIVE,
        3,
    )
    assert begun.filter["task_type"] == "greet"
    assert (done.state, done.succeeded, done.per_second) == (pb.Operation.DONE, 3, 100)
    assert {item.task_id for item in items.items} == ids
    assert [one.operation_id for one in listed.operations] == [begun.operation_id]
    assert listed.next_after == begun.operation_id


async def test_every_condition_of_a_filter_can_be_sent(gateway):
    queued = await add_task(gateway.memory, labels={"team": "blue"})
    await add_task(gateway.memory)
    wanted = pb.OperationFilter(task_type="greet", state=pb.Task.QUEUED, labels={"team": "blue"})
    for moment, seconds in (("created_after", -60), ("created_before", 60), ("until", 60)):
        at = gateway.memory.clock.now.timestamp() + seconds
        getattr(wanted, moment).FromSeconds(int(at))

    request = pb.StartOperationRequest(kind=pb.Operation.CANCEL, filter=wanted)
    operation = (await gateway.tasks.StartOperation(request)).operation
    await work(gateway)

    assert operation.total == 1
    assert gateway.memory.ledger.rows[queued].task.state == "cancelled"


@pytest.mark.parametrize(
    "request_",
    [
        pb.StartOperationRequest(),
        pb.StartOperationRequest(kind=pb.Operation.REDRIVE),
        pb.StartOperationRequest(kind=99, filter=pb.OperationFilter()),  # type: ignore[arg-type]
        pb.StartOperationRequest(
            kind=pb.Operation.REDRIVE, filter=pb.OperationFilter(state=pb.Task.QUEUED)
        ),
        pb.StartOperationRequest(
            kind=pb.Operation.REDRIVE, filter=pb.OperationFilter(task_ids=["x"])
        ),
        pb.StartOperationRequest(
            kind=pb.Operation.REDRIVE, filter=pb.OperationFilter(labels={"a": "\0"})
        ),
        pb.StartOperationRequest(
            kind=pb.Operation.REDRIVE, filter=pb.OperationFilter(), per_second=0
        ),
    ],
)
async def test_what_is_no_operation_is_refused(gateway, request_):
    refused = await refusal(gateway.tasks.StartOperation(request_))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_stopped_operation_and_one_that_does_not_exist(gateway):
    await add_dead(gateway.memory)
    request = pb.StartOperationRequest(kind=pb.Operation.DISCARD, filter=pb.OperationFilter())
    begun = (await gateway.tasks.StartOperation(request)).operation

    stopped = await gateway.tasks.StopOperation(
        pb.StopOperationRequest(operation_id=begun.operation_id)
    )
    missing = await refusal(gateway.tasks.GetOperation(pb.GetOperationRequest(operation_id=NOBODY)))

    assert stopped.state == pb.Operation.STOPPED
    assert missing.code is grpc.StatusCode.NOT_FOUND


async def test_a_queue_is_paused_and_resumed_and_the_audit_has_it(gateway):
    paused = await gateway.tasks.PauseQueue(
        pb.PauseQueueRequest(task_type="greet", reason="the bank is down")
    )
    listed = await gateway.tasks.ListQueues(pb.ListQueuesRequest())
    resumed = await gateway.tasks.ResumeQueue(pb.ResumeQueueRequest(task_type="greet"))
    audit = await gateway.tasks.ListAuditLines(pb.ListAuditLinesRequest(page_size=1))
    rest = await gateway.tasks.ListAuditLines(pb.ListAuditLinesRequest(before=audit.next_before))

    assert (paused.state, paused.reason, paused.actor) == (
        pb.Queue.PAUSED,
        "the bank is down",
        "local",
    )
    assert paused.HasField("paused_at")
    assert [one.state for one in listed.queues] == [pb.Queue.PAUSED, pb.Queue.ACTIVE]
    assert resumed.state == pb.Queue.ACTIVE
    assert [line.action for line in [*audit.lines, *rest.lines]] == ["resume", "pause"]
    assert rest.lines[0].detail["reason"] == "the bank is down"


async def test_raw_deliveries_are_listed_and_discarded(gateway):
    delivery = Delivery("m/1", "a-subscription", b"\xff", {"a": "b"}, 2)
    await gateway.memory.ledger.keep_on_desk(DeskEntry(delivery, "cannot be decoded"))

    listed = await gateway.tasks.ListRawDeliveries(pb.ListRawDeliveriesRequest())
    gone = await gateway.tasks.DiscardRawDeliveries(
        pb.DiscardRawDeliveriesRequest(message_ids=["m/1", "m/2"])
    )

    [one] = listed.deliveries
    assert (one.message_id, one.data, dict(one.attributes)) == ("m/1", b"\xff", {"a": "b"})
    assert gone.discarded == 1
