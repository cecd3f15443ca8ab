"""Envelopes, JSON values, trace context, limits: codecs and ranges."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.envelope import (
    Delivery,
    UndecodableEnvelope,
    dead_letter_of,
    envelope_of,
    message_of,
)
from shared.domain.errors import InvalidPayload
from shared.domain.json_value import MAX_DEPTH, unstorable
from shared.domain.task import DeadLetterCopy, Outgoing
from shared.domain.task_type import Limits, TaskType
from shared.domain.trace import span_id_of, trace_id_of, traceparent_of
from tests.support.task_types import Greeting, greeting_type

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TASK = Outgoing(uuid4(), 3, "greet", datetime(2026, 1, 1, tzinfo=UTC), PARENT, "key")


def delivery(data: bytes, **attributes: str) -> Delivery:
    return Delivery("1", "projects/p/subscriptions/s", data, attributes)


def test_an_envelope_reads_back_from_its_message():
    message = message_of(TASK, "tasks-greet")
    envelope = envelope_of(delivery(message.data, **message.attributes))
    assert (envelope.task_id, envelope.generation, envelope.task_type) == (TASK.id, 3, "greet")
    assert (envelope.traceparent, message.ordering_key) == (PARENT, "key")


def test_a_message_names_the_task_and_carries_no_payload():
    body = json.loads(message_of(TASK, "t").data)
    assert set(body) == {"task_id", "generation", "task_type", "enqueued_at"}


def test_a_dead_letter_copy_has_the_attributes_that_pubsub_adds():
    message = dead_letter_of(DeadLetterCopy(TASK, 5), "tasks-greet-dead", "tasks-greet-push", "p")
    source = {k: v for k, v in message.attributes.items() if k.startswith("CloudPubSub")}
    assert source == {
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "tasks-greet-push",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "p",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2026-01-01T00:00:00+00:00",
    }
    assert envelope_of(delivery(message.data)).task_id == TASK.id


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"nope", b"\xff", b'{"task_id": 1, "generation": 0, "task_type": "a"}'],
)
def test_what_is_not_an_envelope_is_undecodable(data):
    with pytest.raises(UndecodableEnvelope):
        envelope_of(delivery(data))


@pytest.mark.parametrize(
    ("generation", "fits"), [(-1, False), (0, True), (2**31 - 1, True), (2**31, False)]
)
def test_a_generation_fits_its_column(generation, fits):
    data = json.dumps({"task_id": str(TASK.id), "generation": generation, "task_type": "greet"})
    if fits:
        assert envelope_of(delivery(data.encode())).generation == generation
    else:
        with pytest.raises(UndecodableEnvelope):
            envelope_of(delivery(data.encode()))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_undecodable_and_nothing_worse(data):
    with pytest.raises(UndecodableEnvelope):
        envelope_of(delivery(data))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("k"), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_what_json_can_say_can_be_stored(value):
    assert unstorable(value) is None


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), "a\0b", {"a\0": 1}, "\ud800", object(), {1: 2}, {"a": [b"x"]}],
)
def test_what_a_row_cannot_hold_is_named(value):
    assert unstorable(value)


@pytest.mark.parametrize(
    ("levels", "fits"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, False), (10**5, False)]
)
def test_depth_is_bounded_without_recursion(levels, fits):
    value: object = 1
    for _ in range(levels):
        value = [value]
    assert (unstorable(value) is None) is fits


def test_a_trace_goes_on_in_a_span_of_our_own():
    child = traceparent_of(PARENT, bytes(range(24)))
    assert trace_id_of(child) == trace_id_of(PARENT)
    assert span_id_of(child) == bytes(range(16, 24)).hex()
    assert child.endswith("-01")


@pytest.mark.parametrize(
    "header", ["", "nonsense", "ff" + PARENT[2:], "00-" + "0" * 32 + PARENT[35:], PARENT.upper()]
)
def test_an_invalid_trace_header_starts_a_new_trace(header):
    assert trace_id_of(traceparent_of(header, bytes(range(24)))) == bytes(range(16)).hex()


def test_limits_have_the_documented_defaults():
    limits = Limits()
    assert (limits.time_limit_seconds, limits.ack_deadline_seconds) == (60, 90)
    assert (limits.max_attempts, limits.retry.by, limits.retry.min_seconds) == (5, "pubsub", 10)


def test_the_ack_deadline_follows_the_time_limit():
    assert Limits(time_limit_seconds=570).ack_deadline_seconds == 600


def test_a_limit_of_700_s_is_refused_with_the_way_out():
    with pytest.raises(ValidationError, match=r"\(700\) above 570 needs mode: long"):
        Limits(time_limit_seconds=700)


def test_a_long_run_may_take_a_day_is_acked_at_once_and_retried_by_the_ledger():
    limits = Limits.model_validate({"mode": "long", "time_limit_seconds": 86_400})
    assert (limits.ack_deadline_seconds, limits.retry.by) == (60, "ledger")


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_limit_seconds": 0},
        {"time_limit_seconds": 571},
        {"time_limit_seconds": 700},
        {"time_limit_seconds": 86_401, "mode": "long"},
        {"mode": "long", "retry": {"by": "pubsub"}},
        {"non_retryable": ["not a class"]},
        {"ack_deadline_seconds": 601},
        {"time_limit_seconds": 60, "ack_deadline_seconds": 89},
        {"max_attempts": 4},
        {"max_attempts": 101},
        {"retry": {"by": "nobody"}},
        {"retry": {"min_seconds": 601}},
        {"retry": {"min_seconds": 20, "max_seconds": 10}},
        {"retry": {"unknown": 1}},
        {"mode": "medium"},
        {"cpu": 0.5, "concurrency": 2},
        {"memory_mb": 1},
        {"memory_mb": 4097},
        {"cpu": 3},
        {"cpu": 4, "memory_mb": 2047},
        {"mode": "long", "memory_mb": 511},
        {"unknown": 1},
    ],
)
def test_limits_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        Limits.model_validate(wrong)


@pytest.mark.parametrize("name", ["a", "Send", "1st", "send-email", "a" * 25, "send_"])
def test_a_task_type_name_has_its_form(name):
    with pytest.raises(ValueError, match="does not match"):
        TaskType(name, Limits(), Greeting)


def test_a_task_type_name_cannot_take_another_s_dead_letter_topic():
    with pytest.raises(ValueError, match="dead-letter topic of 'send'"):
        TaskType("send_dead", Limits(), Greeting)


@pytest.mark.parametrize("name", ["push", "enqueue", "migrate"])
def test_a_task_type_cannot_take_a_name_of_the_system(name):
    with pytest.raises(ValueError, match="is taken"):
        TaskType(name, Limits(), Greeting)


def test_cloud_names_use_dashes():
    task_type = TaskType("send_email", Limits(), Greeting)
    names = (task_type.topic, task_type.push_subscription, task_type.dead_letter_topic)
    assert names == ("tasks-send-email", "tasks-send-email-push", "tasks-send-email-dead")


def test_every_problem_of_a_payload_is_reported_with_its_field():
    with pytest.raises(InvalidPayload) as refused:
        greeting_type().check({"times": 11, "extra": 1})
    fields = {problem.field for problem in refused.value.fields}
    assert fields == {"payload.name", "payload.times", "payload.extra"}
