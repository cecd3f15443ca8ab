"""Requests and answers, field by field."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from grpc_gateway import answers
from grpc_gateway.listing import STATES, filter_of
from grpc_gateway.requests import asked_of
from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.blob import Blob
from shared.domain.errors import CloudTaskerError, InvalidRequest
from shared.domain.json_value import unstorable
from shared.domain.ports import TaskFilter
from shared.domain.requests import EnqueueRequest, FollowUpRequest
from shared.domain.task import Attempt, Progress, State, Stored, Task
from shared.domain.task_type import Limits, Retry
from tests.support.task_types import greeting_type

MOMENT = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
TASK = Task(
    id=UUID("01890000-0000-7000-8000-000000000000"),
    task_type="greet",
    state=State.DEAD,
    payload={"name": "Ünï", "big": 2**70, "small": 0.1},
    result=None,
    error={"kind": "ValueError", "message": "no"},
    labels={"team": "a"},
    ordering_key="o",
    idempotency_key="k",
    generation=1,
    attempt=2,
    created_at=MOMENT,
    started_at=MOMENT,
    finished_at=MOMENT,
    due_at=MOMENT,
    traceparent="",
    concurrency_key="tenant-1",
    not_before=MOMENT,
    expires_at=MOMENT,
    progress=Progress(40, "half", MOMENT),
    cancel_requested_at=MOMENT,
    parent_id=UUID(int=1),
    group_id=UUID(int=2),
    follow_ups={"then": UUID(int=3)},
    payload_blob=Blob("payloads/x", 300_000, "f" * 64),
    attempts=(Attempt(1, 2, MOMENT, MOMENT, "failed", {"kind": "ValueError", "message": "no"}),),
)


def test_every_field_of_a_task_is_shown():
    shown = {field.name for field, _ in answers.whole(TASK).ListFields()}
    known = {field.name for field in fields(Task)} - {"id", "payload", "result", "traceparent"}

    assert shown == known | {"task_id", "payload_json"}


def test_times_are_exact():
    assert answers.whole(TASK).created_at.ToDatetime(tzinfo=UTC) == MOMENT


def test_numbers_and_text_of_a_payload_are_exact():
    assert answers.whole(TASK).payload_json == (
        '{"name":"Ünï","big":1180591620717411303424,"small":0.1}'
    )


def test_a_summary_has_no_payload_and_no_attempts():
    shown = answers.summary(TASK)

    assert (shown.payload_json, len(shown.attempts)) == ("", 0)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_number_and_back(state):
    stored = Stored(TASK.id, "greet", state, MOMENT, is_new=True)

    assert STATES[answers.accepted(stored).state] is state


def test_the_contract_has_no_state_that_the_domain_has_not():
    assert set(pb.Task.State.keys()) == {"STATE_UNSPECIFIED", *(s.name for s in State)}


def test_every_limit_of_a_task_type_is_shown():
    kind = greeting_type(
        description="says hello",
        labels={"team": "a"},
        mode="long",
        ordering=True,
        max_concurrent=10,
        max_concurrent_per_key=2,
        rate_per_second=0.5,
        non_retryable=["ValueError"],
        retry={"by": "ledger", "min_seconds": 1, "max_seconds": 2},
    )
    shown = answers.task_type(kind)

    own = set(Limits.model_fields) - {"description", "labels", "schedules"}
    assert {field.name for field, _ in shown.limits.ListFields()} == own
    assert {field.name for field, _ in shown.limits.retry.ListFields()} == set(Retry.model_fields)
    assert (shown.limits.mode, shown.limits.retry.by) == (pb.Limits.LONG, pb.Retry.LEDGER)
    assert (shown.description, dict(shown.labels)) == ("says hello", {"team": "a"})


def test_every_field_of_an_enqueue_request_can_be_sent():
    asked = asked_of(
        pb.EnqueueTaskRequest(
            task_type="greet",
            payload_json='{"name": "Ada"}',
            idempotency_key="k",
            ordering_key="o",
            labels={"team": "a"},
            concurrency_key="tenant-1",
            run_at=Timestamp(seconds=1_900_000_000),
            delay_seconds=1.5,
            expires_in_seconds=60,
            then=pb.FollowUp(task_type="greet", payload_json="{}"),
            on_failure=pb.FollowUp(task_type="greet"),
        )
    )

    assert set(asked) == set(EnqueueRequest.model_fields)
    del asked["delay_seconds"]  # not together with run_at
    assert EnqueueRequest.model_validate(asked).payload == {"name": "Ada"}


def test_every_field_of_a_follow_up_can_be_sent():
    last = pb.FollowUp(task_type="greet")
    follow_up = pb.FollowUp(
        task_type="greet",
        payload_json='{"name": "Ada"}',
        result_as="given",
        labels={"team": "a"},
        concurrency_key="k",
        delay_seconds=1,
        expires_in_seconds=2,
        then=last,
        on_failure=last,
    )
    asked = asked_of(pb.EnqueueTaskRequest(then=follow_up))["then"]

    assert set(asked) == set(FollowUpRequest.model_fields)
    assert FollowUpRequest.model_validate(asked).then.task_type == "greet"


def test_every_condition_of_a_filter_can_be_sent():
    request = pb.ListTasksRequest(task_type="greet", state=pb.Task.DEAD, labels={"team": "a"})
    request.created_after.FromDatetime(MOMENT)
    request.created_before.FromDatetime(MOMENT)

    assert filter_of(request) == TaskFilter("greet", State.DEAD, {"team": "a"}, MOMENT, MOMENT)


def test_an_empty_request_lists_everything():
    assert filter_of(pb.ListTasksRequest()) == TaskFilter()


def test_every_wrong_condition_is_named_at_once():
    request = pb.ListTasksRequest(task_type="A\0", state=99, labels={"x": "\0"})
    request.created_after.seconds = 10**15
    request.created_before.nanos = -1

    with pytest.raises(InvalidRequest) as refused:
        filter_of(request)
    named = [one.field for one in refused.value.fields]
    assert named == ["task_type", "state", "labels", "created_after", "created_before"]


@pytest.mark.parametrize("labels", [{"BAD": "x"}, {"x": "y" * 256}, {"x": "\0"}])
def test_labels_that_no_task_can_have_are_refused(labels):
    with pytest.raises(InvalidRequest) as refused:
        filter_of(pb.ListTasksRequest(labels=labels))
    [problem] = refused.value.fields
    assert problem.field.startswith("labels")


@pytest.mark.parametrize(
    "name", ["task_type", "ordering_key", "idempotency_key", "concurrency_key"]
)
def test_a_nul_character_is_refused_with_its_field(name):
    with pytest.raises(InvalidRequest) as refused:
        asked_of(pb.EnqueueTaskRequest(**{name: "a\0b"}))
    assert [one.field for one in refused.value.fields] == [name]


@given(st.text())
def test_whatever_the_payload_text_it_is_storable_or_refused(text):
    try:
        asked = asked_of(pb.EnqueueTaskRequest(task_type="greet", payload_json=text))
    except CloudTaskerError:
        return
    assert unstorable(asked) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.just("key"), inner),
    max_leaves=10,
)


@given(JSON)
def test_a_payload_comes_through_unchanged(value):
    sent = {"value": value}
    asked = asked_of(pb.EnqueueTaskRequest(payload_json=json.dumps(sent)))

    assert asked["payload"] == sent
