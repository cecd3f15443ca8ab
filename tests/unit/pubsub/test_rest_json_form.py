"""JSON and query parameters to requests, and back: where Google is strict, and where it is not."""

import json

import pytest

from emulators.pubsub import protos
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.iam.protos import GetIamPolicyRequest, SetIamPolicyRequest
from emulators.pubsub.rest.json_form import fill_from_body, fill_from_query, set_name, to_json


def body(kind, value, path="*"):
    """Return a message of `kind` filled with JSON."""
    message = kind()
    fill_from_body(message, value if isinstance(value, bytes) else json.dumps(value).encode(), path)
    return message


def query(kind, *parameters):
    """Return a message of `kind` filled from query parameters."""
    message = kind()
    fill_from_query(message, parameters)
    return message


@pytest.mark.parametrize("name", ["ackDeadlineSeconds", "ack_deadline_seconds"])
def test_fields_go_by_both_of_their_names(name):
    assert body(protos.Subscription, {name: 20}).ack_deadline_seconds == 20


@pytest.mark.parametrize("text", ["-_8=", "+/8=", "+/8", "-/8"])
def test_bytes_may_be_in_both_base64_alphabets_and_unpadded(text):
    assert (
        body(protos.PublishRequest, {"messages": [{"data": text}]}).messages[0].data == b"\xfb\xff"
    )


@pytest.mark.parametrize("text", ["!!!", "aGk=aGk=", "a", "aGk\n", "aG k", "é", 5, True, [], {}])
def test_what_is_not_base64_is_refused(text):
    with pytest.raises(InvalidArgument, match="base64"):
        body(protos.PublishRequest, {"messages": [{"data": text}]})


def test_base64_is_checked_in_fields_of_any_depth():
    with pytest.raises(InvalidArgument, match="base64"):
        body(SetIamPolicyRequest, {"policy": {"etag": "!"}})


def test_an_attribute_is_not_taken_for_a_field():
    request = body(protos.PublishRequest, {"messages": [{"attributes": {"data": "!!!"}}]})

    assert request.messages[0].attributes == {"data": "!!!"}


@pytest.mark.parametrize("mask", ["pushConfig,labels", "push_config,labels"])
def test_a_mask_may_be_in_snake_case_too(mask):
    request = body(protos.UpdateSubscriptionRequest, {"updateMask": mask})

    assert request.update_mask.paths == ["push_config", "labels"]


def test_a_mask_may_be_a_query_parameter():
    request = query(protos.UpdateSubscriptionRequest, ("updateMask", "pushConfig.pushEndpoint"))

    assert request.update_mask.paths == ["push_config.push_endpoint"]


@pytest.mark.parametrize("empty", [b"", b"  \n", b"{}"])
def test_an_empty_body_is_an_empty_request(empty):
    assert body(protos.Topic, empty) == protos.Topic()


def test_a_body_can_be_one_field_of_the_request():
    request = body(protos.UpdateSubscriptionRequest, {"topic": "letters"}, path="subscription")

    assert request.subscription.topic == "letters"


@pytest.mark.parametrize(
    "bad",
    [
        b"xx",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe\xfd",
        b'{"foo": 1}',
        b'{"name": 5}',
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"state": "\\uD800"}',
        b'"\\udfff"',
        b'{"labels": []}',
        b'{"labels": {"a": {}}}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "a"',
        b'{"state": "NONSENSE"}',
        b'{"state": 1e400}',
        b'{"state": 99999999999999999999}',
        b'{"messageRetentionDuration": "5 days"}',
        b'{"messageRetentionDuration": "99999999999999999999s"}',
        b'{"satisfiesPzs": "yes"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        '{"name": "letters"}'.encode("utf-16"),
    ],
)
def test_a_body_that_is_not_json_of_the_request_is_refused(bad):
    with pytest.raises(InvalidArgument):
        body(protos.Topic, bad)


def test_a_query_parameter_may_lead_into_a_message():
    request = query(GetIamPolicyRequest, ("options.requestedPolicyVersion", "3"))

    assert request.options.requested_policy_version == 3


@pytest.mark.parametrize(
    "parameters",
    [
        [("foo", "1")],
        [("pageSize", "many")],
        [("pageSize", "1"), ("pageSize", "2")],
        [("project", "a"), ("project.name", "b")],
        [("project.name", "b"), ("project", "a")],
        [("pageSize", "1" * 5000)],
        [("", "1")],
        [(".", "1")],
    ],
)
def test_query_parameters_that_are_no_fields_are_refused(parameters):
    with pytest.raises(InvalidArgument):
        query(protos.ListTopicsRequest, *parameters)


def test_the_name_in_the_path_wins_over_the_body():
    request = body(protos.UpdateSubscriptionRequest, {"subscription": {"name": "body"}})
    set_name(request, "subscription.name", "path")

    assert request.subscription.name == "path"


def test_enums_are_names_unless_numbers_are_asked_for():
    topic = protos.Topic(name="letters")
    topic.state = 1

    assert json.loads(to_json(topic, numeric_enums=False)) == {"name": "letters", "state": "ACTIVE"}
    assert json.loads(to_json(topic, numeric_enums=True)) == {"name": "letters", "state": 1}
