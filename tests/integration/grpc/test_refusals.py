"""Calls that fail: each with its code, its reason, its fields; and nothing is stored."""

import json

import grpc
import pytest

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.errors import LedgerUnavailable, Misconfigured
from shared.domain.ports import TaskFilter
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import State
from tests.integration.grpc.refused import details_of, refusal

GREET = pb.EnqueueTaskRequest(task_type="greet", payload_json='{"name": "Ada"}')
NO_TASK = "01890000-0000-7000-8000-000000000000"
SERVICE = "/cloudtasker.v1.TaskService"


async def stored(running):
    return await running.memory.ledger.find(TaskFilter(), after=None, limit=10)


UNREADABLE = {
    "broken": '{"name": ',
    "not a number": '{"name": "Ada", "times": NaN}',
    "infinite": '{"name": "Ada", "times": 1e999}',
    "the same key twice": '{"name": "Ada", "name": "Bob"}',
    "too deep": "[" * 10_000 + "]" * 10_000,
    "a NUL character": '{"name": "\\u0000"}',
    "a lone surrogate": '{"name": "\\ud800"}',
    "too many digits": '{"times": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("payload_json", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_payload_that_cannot_be_read_names_its_field(running, payload_json):
    asked = pb.EnqueueTaskRequest(task_type="greet", payload_json=payload_json)
    refused = await refusal(running.tasks.EnqueueTask(asked))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID")
    assert list(refused.fields) == ["payload_json"]
    assert await stored(running) == []


@pytest.mark.parametrize("payload_json", ["[]", '"text"', "1", "null"])
async def test_a_payload_that_is_no_object_is_refused(running, payload_json):
    asked = pb.EnqueueTaskRequest(task_type="greet", payload_json=payload_json)
    refused = await refusal(running.tasks.EnqueueTask(asked))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(refused.fields) == ["payload"]


async def test_every_problem_of_a_payload_is_named_at_once(running):
    asked = pb.EnqueueTaskRequest(
        task_type="greet", payload_json='{"times": 99, "nickname": "A"}', labels={"BAD": "x"}
    )
    refused = await refusal(running.tasks.EnqueueTask(asked))

    assert {"payload.name", "payload.times", "payload.nickname"} < set(refused.fields)
    assert any(field.startswith("labels") for field in refused.fields)
    assert await stored(running) == []


async def test_an_empty_request_names_what_is_missing(running):
    refused = await refusal(running.tasks.EnqueueTask(pb.EnqueueTaskRequest()))

    assert set(refused.fields) == {"task_type", "payload"}


async def test_an_unknown_task_type_gets_the_nearest_name(running):
    asked = pb.EnqueueTaskRequest(task_type="gret", payload_json="{}")
    refused = await refusal(running.tasks.EnqueueTask(asked))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.reason == "UNKNOWN_TASK_TYPE"
    assert 'did you mean "greet"?' in refused.fields["task_type"]


async def test_another_payload_under_the_same_key_names_the_earlier_task(running):
    first = await running.tasks.EnqueueTask(
        pb.EnqueueTaskRequest(
            task_type="greet", payload_json='{"name": "Ada"}', idempotency_key="k"
        )
    )
    other = pb.EnqueueTaskRequest(
        task_type="greet", payload_json='{"name": "Bob"}', idempotency_key="k"
    )
    refused = await refusal(running.tasks.EnqueueTask(other))

    assert refused.code is grpc.StatusCode.ALREADY_EXISTS
    assert refused.reason == "IDEMPOTENCY_CONFLICT"
    assert refused.details["ErrorInfo"].metadata["task_id"] == first.task_id


@pytest.mark.parametrize("key", ["", "k" * 256, "a\0b"])
async def test_an_idempotency_key_out_of_range_is_refused(running, key):
    asked = pb.EnqueueTaskRequest(
        task_type="greet", payload_json='{"name": "Ada"}', idempotency_key=key
    )
    refused = await refusal(running.tasks.EnqueueTask(asked))

    assert list(refused.fields) == ["idempotency_key"]


async def test_a_payload_over_the_limit_is_too_large(running):
    fits = json.dumps({"name": ""})
    asked = pb.EnqueueTaskRequest(
        task_type="greet", payload_json=" " * (1_000_001 - len(fits)) + fits
    )
    refused = await refusal(running.tasks.EnqueueTask(asked))

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE")


async def test_a_payload_at_the_limit_is_read(running):
    fits = json.dumps({"name": "Ada"})
    asked = pb.EnqueueTaskRequest(
        task_type="greet", payload_json=" " * (1_000_000 - len(fits)) + fits
    )

    assert (await running.tasks.EnqueueTask(asked)).task_id


async def test_a_message_over_four_megabytes_is_not_read(running):
    huge = pb.EnqueueTaskRequest(task_type="greet", payload_json=" " * 5_000_000)
    refused = await refusal(running.tasks.EnqueueTask(huge))

    assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_has_one_to_a_thousand_tasks(running, count):
    refused = await refusal(
        running.tasks.EnqueueTasks(pb.EnqueueTasksRequest(tasks=[GREET] * count))
    )

    assert list(refused.fields) == ["tasks"]
    assert await stored(running) == []


async def test_a_refused_task_of_a_batch_has_the_details_of_a_refused_call(running):
    bad = pb.EnqueueTaskRequest(task_type="greet", payload_json="{}")
    alone = await refusal(running.tasks.EnqueueTask(bad))
    answer = await running.tasks.EnqueueTasks(pb.EnqueueTasksRequest(tasks=[bad]))

    error = answer.outcomes[0].error
    assert (error.code, error.message) == (alone.code.value[0], alone.message)
    assert details_of(error) == alone.details


@pytest.mark.parametrize("name", ["GetTask", "CancelTask"])
@pytest.mark.parametrize("task_id", ["", "nonsense", NO_TASK, "x" * 10_000])
async def test_an_id_that_no_task_has_is_not_found(running, name, task_id):
    request = getattr(pb, f"{name}Request")(task_id=task_id)
    refused = await refusal(getattr(running.tasks, name)(request))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_a_finished_task_is_not_cancelled(running):
    accepted = await running.tasks.EnqueueTask(GREET)
    task, ledger = await running.memory.api.lookup.get(accepted.task_id), running.memory.ledger
    claim = await ledger.claim(task.id, 0, running.memory.api.catalogue["greet"])
    await ledger.finish(claim, Settlement(State.SUCCEEDED, "succeeded", Answer.ACK))
    refused = await refusal(
        running.tasks.CancelTask(pb.CancelTaskRequest(task_id=accepted.task_id))
    )

    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.reason == "WRONG_STATE"


@pytest.mark.parametrize("size", [-1, 501])
async def test_a_page_size_out_of_range_is_refused(running, size):
    refused = await refusal(running.tasks.ListTasks(pb.ListTasksRequest(page_size=size)))

    assert list(refused.fields) == ["page_size"]


@pytest.mark.parametrize("token", ["nonsense", "ü", "AAAA"])
async def test_a_page_token_that_is_none_is_refused(running, token):
    refused = await refusal(running.tasks.ListTasks(pb.ListTasksRequest(page_token=token)))

    assert list(refused.fields) == ["page_token"]


async def test_a_page_token_of_another_listing_is_refused(running):
    await running.tasks.EnqueueTasks(pb.EnqueueTasksRequest(tasks=[GREET] * 3))
    page = await running.tasks.ListTasks(pb.ListTasksRequest(page_size=1))
    other = pb.ListTasksRequest(page_token=page.next_page_token, state=pb.Task.DEAD)

    assert list((await refusal(running.tasks.ListTasks(other))).fields) == ["page_token"]


async def test_a_request_that_is_no_utf8_is_an_invalid_argument(running):
    call = running.channel.unary_unary(f"{SERVICE}/EnqueueTask")
    refused = await refusal(call(b"\x0a\x02\xff\xfe"))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID")
    assert refused.details["BadRequest"].field_violations


@pytest.mark.parametrize("path", [f"{SERVICE}/DropEverything", "/other.Service/Method"])
async def test_an_unknown_method_is_unimplemented(running, path):
    refused = await refusal(running.channel.unary_unary(path)(b""))

    assert refused.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_ledger_that_is_away_is_unavailable_with_a_time_to_come_back(running):
    async def away(tasks):
        raise LedgerUnavailable("connection to 10.0.0.5 refused: SELECT 1")

    running.memory.ledger.add = away
    refused = await refusal(running.tasks.EnqueueTask(GREET))

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert refused.details["RetryInfo"].retry_delay.seconds == 1
    assert "10.0.0.5" not in refused.message


@pytest.mark.parametrize("defect", [RuntimeError("secret text"), Misconfigured("secret text")])
async def test_a_defect_is_internal_and_tells_the_caller_nothing(running, defect):
    async def broken(task_id):
        raise defect

    running.memory.ledger.get = broken
    refused = await refusal(running.tasks.GetTask(pb.GetTaskRequest(task_id=NO_TASK)))

    assert refused.code is grpc.StatusCode.INTERNAL
    assert "secret" not in refused.message + str(refused.details)


async def test_the_log_has_the_request_id_and_the_traceback_of_a_defect(running, caplog):
    async def broken(task_id):
        raise RuntimeError("no such thing")

    running.memory.ledger.get = broken
    refused = await refusal(running.tasks.GetTask(pb.GetTaskRequest(task_id=NO_TASK)))

    request_id = refused.details["RequestInfo"].request_id
    [record] = [one for one in caplog.records if getattr(one, "event", "") == "fault"]
    assert record.fields["request_id"] == request_id
    assert request_id in refused.message
    assert record.exc_info


async def test_a_payload_with_a_thousand_problems_still_gets_its_details(running):
    bad = json.dumps({f"é{n}" * 30: n for n in range(1000)})
    asked = pb.EnqueueTaskRequest(task_type="greet", payload_json=bad)
    refused = await refusal(running.tasks.EnqueueTask(asked))

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "more problems" in refused.fields[""]


async def test_watching_an_unknown_task_is_not_found_with_details(running):
    refused = await refusal(running.tasks.WatchTask(pb.WatchTaskRequest(task_id="nonsense")).read())

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_a_watch_that_cannot_be_read_is_an_invalid_argument(running):
    raw = running.channel.unary_stream("/cloudtasker.v1.TaskService/WatchTask")
    refused = await refusal(raw(b"\xff\xff").read())

    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
