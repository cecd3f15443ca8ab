"""REST as a program without a client library speaks it, on both emulators."""

import base64
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherRestTransport


@pytest.fixture
def http(emulator):
    """A plain HTTP client of the emulator's REST address."""
    base = f"http://{emulator.rest}/v1/"
    with httpx.Client(base_url=base, headers={"Content-Type": "application/json"}) as client:
        yield client


@pytest.fixture
def made(http, names):
    """The names of a topic and a subscription, made by REST."""
    assert http.put(names.topic).status_code == 200
    assert http.put(names.subscription, json={"topic": names.topic}).status_code == 200
    return names


def error_of(response):
    """Return code and status of an error envelope, after a look at the rest."""
    assert response.headers["Content-Type"].startswith("application/json")
    error = response.json()["error"]
    assert error["code"] == response.status_code
    return error["code"], error["status"]


def test_a_message_goes_from_publish_to_acknowledge(http, made):
    message = {"data": base64.b64encode(b"hi").decode(), "attributes": {"a": "b"}}
    published = http.post(f"{made.topic}:publish", json={"messages": [message]}).json()

    pulled = http.post(f"{made.subscription}:pull", json={"maxMessages": 1}).json()
    [received] = pulled["receivedMessages"]
    answer = http.post(f"{made.subscription}:acknowledge", json={"ackIds": [received["ackId"]]})

    assert received["message"].pop("publishTime").endswith("Z")
    assert received["message"] == {**message, "messageId": published["messageIds"][0]}
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_field_may_have_its_name_of_the_proto_file(http, made):
    response = http.put(made.other, json={"topic": made.topic, "ack_deadline_seconds": 33})

    assert response.json()["ackDeadlineSeconds"] == 33


def test_an_update_has_the_resource_and_the_mask_in_its_body(http, made):
    response = http.patch(
        made.subscription,
        json={
            "subscription": {"ackDeadlineSeconds": 44, "pushConfig": {"pushEndpoint": "nonsense"}},
            "updateMask": "ackDeadlineSeconds",
        },
    )

    assert response.json()["ackDeadlineSeconds"] == 44
    assert http.get(made.subscription).json() == response.json()


def test_a_mask_may_be_a_query_parameter(only_ours, http, made):
    """Google's emulator takes the mask of a query in snake_case only."""
    body = {"subscription": {"ackDeadlineSeconds": 44}}
    response = http.patch(made.subscription, params={"updateMask": "ackDeadlineSeconds"}, json=body)

    assert response.json()["ackDeadlineSeconds"] == 44


def test_what_the_path_says_wins_over_the_body(only_ours, http, names):
    """Google's emulator does not answer at all."""
    response = http.put(names.topic, json={"name": names.dead})

    assert response.json()["name"] == names.topic


@pytest.mark.parametrize("name", ["pageSize", "page_size"])
def test_lists_come_in_pages(http, made, name):
    http.put(made.dead)

    first = http.get(f"{made.project}/topics", params={name: 1}).json()
    token = first["nextPageToken"]
    second = http.get(f"{made.project}/topics", params={name: 1, "pageToken": token}).json()

    listed = [topic["name"] for page in (first, second) for topic in page["topics"]]
    assert sorted(listed) == sorted([made.topic, made.dead])
    assert "nextPageToken" not in second


def test_system_parameters_are_taken_for_what_they_are(http, made):
    controls = {"alt": "json", "key": "k", "prettyPrint": "false", "$.xgafv": "2", "fields": "name"}

    assert http.get(made.topic, params=controls).json()["name"] == made.topic


def test_enums_are_numbers_for_those_who_ask(only_ours, http, made):
    """Google's emulator has no state."""
    assert http.get(made.subscription).json()["state"] == "ACTIVE"
    wanted = {"$alt": "json;enum-encoding=int"}
    assert http.get(made.subscription, params=wanted).json()["state"] == 1


def test_a_body_may_be_compressed(http, made):
    body = gzip.compress(json.dumps({"messages": [{"data": "aGk="}]}).encode())
    headers = {"Content-Encoding": "gzip"}

    assert http.post(f"{made.topic}:publish", content=body, headers=headers).json()["messageIds"]


def test_percent_encoded_names_are_decoded(http, names):
    """A percent sign belongs to the characters of an id."""
    http.put(f"{names.project}/topics/a%25bc")

    found = http.get(f"{names.project}/topics/%61%25b%63").json()
    assert found["name"] == f"{names.project}/topics/a%bc"


def test_a_pull_waits_for_a_message_to_come(http, made):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(http.post, f"{made.subscription}:pull", json={"maxMessages": 1})
        http.post(f"{made.topic}:publish", json={"messages": [{"data": "aGk="}]})

        [received] = waiting.result(10).json()["receivedMessages"]
    assert received["message"]["data"] == "aGk="


def test_a_pull_of_nothing_answers_within_seconds(only_ours, http, made):
    """Google's emulator waits for longer than clients do."""
    started = time.monotonic()
    answer = http.post(
        f"{made.subscription}:pull", json={"maxMessages": 1}, headers={"X-Server-Timeout": "0.5"}
    )

    assert (answer.status_code, answer.json()) == (200, {})
    assert time.monotonic() - started < 2.5  # without the header it would be 5 s


def test_who_hangs_up_during_a_pull_takes_no_message_along(only_ours, http, made):
    """Google's emulator leases it to the caller that is gone."""
    with pytest.raises(httpx.ReadTimeout):
        http.post(f"{made.subscription}:pull", json={"maxMessages": 1}, timeout=0.2)
    http.post(f"{made.topic}:publish", json={"messages": [{"data": "aGk="}]})

    answer = http.post(f"{made.subscription}:pull", json={"maxMessages": 1}).json()
    assert answer["receivedMessages"]


BAD_REQUESTS = {
    "no JSON": b"xx",
    "not UTF-8": b"\xff\xff",
    "a list": b"[]",
    "an unknown field": b'{"nonsense": 1}',
    "a string for a number": b'{"ackDeadlineSeconds": "many"}',
    "a huge number": b'{"ackDeadlineSeconds": 99999999999}',
    "too deep": b'{"labels":' * 50_000,
    "an unfinished object": b'{"topic": "',
}


@pytest.mark.parametrize("body", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_body_that_is_no_such_request_is_refused(http, names, body):
    response = http.put(names.subscription, content=body)

    assert error_of(response) == (400, "INVALID_ARGUMENT")


def test_data_that_is_not_base64_is_refused(http, made):
    response = http.post(f"{made.topic}:publish", json={"messages": [{"data": "!!!"}]})

    assert error_of(response) == (400, "INVALID_ARGUMENT")


def test_a_body_that_is_compressed_wrongly_is_refused(http, made):
    response = http.post(
        f"{made.topic}:publish", content=b"no gzip", headers={"Content-Encoding": "gzip"}
    )

    assert error_of(response) == (400, "INVALID_ARGUMENT")


def test_a_body_that_is_too_large_is_refused(only_ours, http, made):
    """Google's emulator answers in plain text."""
    response = http.post(f"{made.topic}:publish", content=bytes(33 * 1024 * 1024))

    assert error_of(response) == (413, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("method", "path", "code", "status"),
    [
        ("GET", "{dead}", 404, "NOT_FOUND"),
        ("DELETE", "{dead}", 404, "NOT_FOUND"),
        ("PUT", "{project}/topics/a", 400, "INVALID_ARGUMENT"),
        ("POST", "{topic}:publish", 400, "INVALID_ARGUMENT"),
        ("POST", "{subscription}:pull", 400, "INVALID_ARGUMENT"),
    ],
)
def test_errors_come_in_an_envelope(http, made, method, path, code, status):
    response = http.request(method, path.format(**vars(made)), content=b"{}")

    assert error_of(response) == (code, status)


def test_an_error_has_its_details(only_ours, http, made):
    """Google's emulator leaves them out."""
    http.put(made.other, json={"topic": made.topic, "enableExactlyOnceDelivery": True})
    http.post(f"{made.topic}:publish", json={"messages": [{"data": "aGk="}]})
    pulled = http.post(f"{made.other}:pull", json={"maxMessages": 1}).json()
    ack_ids = [pulled["receivedMessages"][0]["ackId"]]
    http.post(f"{made.other}:acknowledge", json={"ackIds": ack_ids})

    refused = http.post(f"{made.other}:acknowledge", json={"ackIds": ack_ids})

    assert error_of(refused) == (400, "INVALID_ARGUMENT")
    [detail] = refused.json()["error"]["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert detail["metadata"] == {ack_ids[0]: "PERMANENT_FAILURE_INVALID_ACK_ID"}


def test_a_name_that_is_taken_is_a_conflict(http, made):
    assert error_of(http.put(made.topic)) == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("method", "path", "code", "status"),
    [
        ("GET", "nonsense", 404, "NOT_FOUND"),
        ("POST", "{topic}:nonsense", 404, "NOT_FOUND"),
        ("POST", "{topic}", 405, "UNIMPLEMENTED"),
        ("GET", "{project}/topics?nonsense=1", 400, "INVALID_ARGUMENT"),
        ("GET", "{project}/topics?pageSize=many", 400, "INVALID_ARGUMENT"),
    ],
)
def test_what_the_api_does_not_have_is_refused_in_an_envelope(
    only_ours, http, made, method, path, code, status
):
    """Google's emulator answers in plain text, ignores parameters, or does not answer at all."""
    response = http.request(method, path.format(**vars(made)))

    assert error_of(response) == (code, status)


def test_health_checks_get_an_answer_at_the_root(emulator):
    response = httpx.get(f"http://{emulator.rest}/")

    assert (response.status_code, response.text) == (200, "Ok\n")


def test_the_official_client_reads_our_errors(emulator, names):
    transport = PublisherRestTransport(
        host=emulator.rest, url_scheme="http", credentials=AnonymousCredentials()
    )

    with pytest.raises(exceptions.NotFound) as refused:
        PublisherClient(transport=transport).get_topic(topic=names.topic)
    assert refused.value.message
