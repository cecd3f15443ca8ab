"""The control API over HTTP: what it does, what it answers, what it refuses."""

import base64
import json
import threading

import google.pubsub_v1
import grpc
import httpx
import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import StreamingPullRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulators.pubsub.testing import PubSubEmulator
from tests.integration.pubsub.conftest import PROJECT, SUBSCRIPTION, TOPIC, eventually

SEED = {
    "topics": [{"name": TOPIC, "labels": {"team": "post"}}],
    "subscriptions": [
        {"name": SUBSCRIPTION, "topic": TOPIC, "ackDeadlineSeconds": 30},
        {"name": f"{PROJECT}/subscriptions/never", "topic": TOPIC, "expirationPolicy": {}},
    ],
    "messages": [
        {
            "topic": TOPIC,
            "messages": [
                {"text": "one", "attributes": {"kind": "letter"}},
                {"data": base64.b64encode(b"two").decode(), "orderingKey": "a"},
            ],
        }
    ],
}


@pytest.fixture
def emulator():
    with PubSubEmulator() as emulator:
        yield emulator


@pytest.fixture
def ask(emulator):
    """Send a request to the control API; return the JSON of a 200."""

    def ask(method, path, json=None, **parameters):
        url = f"{emulator.http_url}/_emulator/{path}"
        answer = httpx.request(method, url, json=json, params=parameters or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.fixture
def refused(emulator):
    """Send a request to the control API; return status and message of the refusal."""

    def refused(method, path, **request):
        answer = httpx.request(method, f"{emulator.http_url}/_emulator/{path}", **request)
        error = answer.json()["error"]
        assert error["code"] == answer.status_code
        return error["code"], error["status"], error["message"]

    return refused


def test_health_and_state_tell_what_is_there(ask):
    ask("POST", "seed", SEED)

    assert ask("GET", "health") == {"status": "ok", "topics": 1, "subscriptions": 2}
    state = ask("GET", "state")
    assert state["topics"] == [TOPIC]
    assert state["subscriptions"][SUBSCRIPTION] == {"topic": TOPIC, "unacked": 2, "outstanding": 0}


def test_a_seed_makes_topics_subscriptions_and_messages(ask):
    done = ask("POST", "seed", SEED)

    assert done["created"] == [TOPIC, *[one["name"] for one in SEED["subscriptions"]]]
    assert done["published"] == 2
    subscriber = pubsub_v1.SubscriberClient()
    received = subscriber.pull(subscription=SUBSCRIPTION, max_messages=10).received_messages
    assert [(one.message.data, one.message.ordering_key) for one in received] == [
        (b"one", ""),
        (b"two", "a"),
    ]
    assert received[0].message.attributes == {"kind": "letter"}
    assert subscriber.get_subscription(subscription=SUBSCRIPTION).ack_deadline_seconds == 30


def test_a_seed_repeated_changes_nothing(ask):
    ask("POST", "seed", SEED)
    before = ask("GET", "dump")

    done = ask("POST", "seed", SEED)

    assert done["created"] == []
    assert done["published"] == 0
    assert ask("GET", "dump") == before


def test_what_only_the_emulator_sets_may_stand_in_a_seed_and_means_nothing(ask):
    topic = {"name": TOPIC, "state": "INGESTION_RESOURCE_ERROR"}

    for done in ("created", "unchanged"):
        assert ask("POST", "seed", {"topics": [topic]})[done] == [TOPIC]

    assert ask("GET", "dump")["topics"] == [{"name": TOPIC, "state": "ACTIVE"}]


def test_a_dump_is_a_seed_of_the_same_resources(ask):
    ask("POST", "seed", SEED)
    dumped = ask("GET", "dump")
    ask("POST", "reset")

    done = ask("POST", "seed", dumped)
    again = ask("GET", "dump")

    assert done["ignored"] == ["backlog", "snapshots"] or done["ignored"] == ["backlog"]
    for kind in ("topics", "subscriptions", "schemas"):
        assert again[kind] == dumped[kind]
    assert dumped["backlog"][SUBSCRIPTION]["unacked"] == 2
    assert ask("POST", "seed", dumped)["created"] == []


SCHEMA = f"{PROJECT}/schemas/letter"
RECORD = '{"type": "record", "name": "Letter", "fields": [%s]}'
OF_TEXT = RECORD % '{"name": "text", "type": "string"}'
OF_TEXT_AND_COPIES = RECORD % (
    '{"name": "text", "type": "string"}, {"name": "copies", "type": "int", "default": 1}'
)
REVISIONS = [
    {"name": SCHEMA, "type": "AVRO", "definition": OF_TEXT, "revisionId": "aaaaaaaa"},
    {"name": SCHEMA, "type": "AVRO", "definition": OF_TEXT_AND_COPIES, "revisionId": "bbbbbbbb"},
]
SETTINGS = {"schema": SCHEMA, "encoding": "JSON", "firstRevisionId": "bbbbbbbb"}


def test_a_seed_of_schemas_has_their_revisions_and_topics_mean_them(ask):
    seed = {"schemas": REVISIONS, "topics": [{"name": TOPIC, "schemaSettings": SETTINGS}]}

    ask("POST", "seed", seed)
    first = ask("GET", "dump")
    ask("POST", "reset")
    ask("POST", "seed", first)
    second = ask("GET", "dump")

    for dumped in (first, second):
        assert [one["definition"] for one in dumped["schemas"]] == [OF_TEXT, OF_TEXT_AND_COPIES]
        newest = dumped["schemas"][-1]["revisionId"]
        assert dumped["topics"][0]["schemaSettings"]["firstRevisionId"] == newest
    assert first["schemas"][0]["revisionId"] != second["schemas"][0]["revisionId"]


def test_schemas_that_are_there_as_described_stay(ask, refused):
    ask("POST", "seed", {"schemas": REVISIONS})

    assert ask("POST", "seed", {"schemas": REVISIONS})["unchanged"] == [SCHEMA]
    assert ask("POST", "seed", {"schemas": REVISIONS[1:]})["unchanged"] == [SCHEMA]
    code, _, message = refused("POST", "seed", json={"schemas": REVISIONS[:1]})
    assert code == 409
    assert "another definition" in message


ACCOUNT = "projects/-/serviceAccounts/push@p.iam.gserviceaccount.com"


def policy_of(resource, member="user:a@example.com"):
    """Return a seed's row."""
    binding = {"role": "roles/pubsub.publisher", "members": [member]}
    return {"resource": resource, "policy": {"bindings": [binding]}}


def test_a_seed_sets_policies_of_resources_projects_and_accounts(ask, emulator):
    policies = [policy_of(name) for name in (TOPIC, "projects/p", ACCOUNT)]

    ask("POST", "seed", SEED | {"policies": policies})
    dumped = ask("GET", "dump")
    again = ask("POST", "seed", dumped)
    ask("POST", "reset")
    ask("POST", "seed", dumped)

    got = httpx.get(f"{emulator.http_url}/v1/{TOPIC}:getIamPolicy").json()["bindings"]
    assert got == policies[0]["policy"]["bindings"]
    assert [one["resource"] for one in dumped["policies"]] == sorted([TOPIC, "projects/p", ACCOUNT])
    assert "projects/p" in again["unchanged"]


@pytest.mark.parametrize(
    ("policy", "code", "problem"),
    [
        (policy_of(TOPIC, member="user:b@example.com"), 409, "has another policy"),
        (policy_of(f"{PROJECT}/topics/nowhere"), 404, "nowhere"),
        (policy_of("letters"), 400, "policy of 'letters'"),
        (policy_of("projects/p", member="nobody"), 400, "policy of 'projects/p'"),
        ({"resource": TOPIC}, 400, "policies[0].policy: None is not a JSON object"),
        ({"resource": TOPIC, "policy": {"binding": []}}, 400, "policies[0].policy"),
    ],
)
def test_a_policy_that_cannot_be_set_is_refused_by_name(ask, refused, policy, code, problem):
    ask("POST", "seed", SEED | {"policies": [policy_of(TOPIC)]})

    found, _, message = refused("POST", "seed", json={"policies": [policy]})

    assert found == code
    assert problem in message


def test_a_reset_takes_snapshots_and_policies_along(ask, emulator):
    ask("POST", "seed", SEED)
    subscriber = pubsub_v1.SubscriberClient()
    subscriber.create_snapshot(name=f"{PROJECT}/snapshots/now", subscription=SUBSCRIPTION)
    policy = {"bindings": [{"role": "roles/pubsub.publisher", "members": ["user:a@example.com"]}]}
    url = f"{emulator.http_url}/v1/{TOPIC}:setIamPolicy"
    assert httpx.post(url, json={"policy": policy}).status_code == 200
    assert [one["name"] for one in ask("GET", "dump")["snapshots"]] == [f"{PROJECT}/snapshots/now"]

    deleted = ask("POST", "reset")["deleted"]
    ask("POST", "seed", SEED)

    assert f"{PROJECT}/snapshots/now" in deleted
    assert ask("GET", "dump")["snapshots"] == []
    assert "bindings" not in httpx.get(url.replace("set", "get")).json()


def test_the_policy_of_a_service_account_goes_with_everything(ask, emulator):
    account = f"{emulator.http_url}/v1/projects/-/serviceAccounts/push@p.iam.gserviceaccount.com"
    role = "roles/iam.serviceAccountTokenCreator"
    policy = {"bindings": [{"role": role, "members": ["user:a@example.com"]}]}
    assert httpx.post(f"{account}:setIamPolicy", json={"policy": policy}).status_code == 200

    ask("POST", "reset", {"project": "other"})
    assert httpx.post(f"{account}:getIamPolicy").json()["bindings"]
    ask("POST", "reset")

    assert "bindings" not in httpx.post(f"{account}:getIamPolicy").json()


@pytest.mark.parametrize(
    ("seed", "problem"),
    [
        ({"topics": [{"name": TOPIC}]}, "another labels"),
        ({"subscriptions": [{"name": SUBSCRIPTION, "topic": TOPIC}]}, "ack_deadline_seconds"),
        (
            {"subscriptions": [{"name": f"{PROJECT}/subscriptions/never", "topic": TOPIC,
                                "expirationPolicy": {"ttl": "86400s"}}]},
            "expiration_policy",
        ),
    ],
)  # fmt: skip
def test_a_seed_that_says_otherwise_than_what_is_there_is_a_conflict(ask, refused, seed, problem):
    ask("POST", "seed", SEED)

    code, status, message = refused("POST", "seed", json=seed)

    assert (code, status) == (409, "ALREADY_EXISTS")
    assert problem in message


@pytest.mark.parametrize(
    ("seed", "problem"),
    [
        ([], "seed: [] is not a JSON object"),
        ({"topic": []}, "unknown field 'topic'"),
        ({"topics": {}}, "topics {} is not a list"),
        ({"topics": ["letters"]}, "topics[0]: 'letters' is not a JSON object"),
        ({"topics": [{"nam": "x"}]}, 'topics[0]: Message type "google.pubsub.v1.Topic" has no'),
        ({"topics": [{"name": "letters"}]}, "seed: letters: name 'letters' is not of the form"),
        ({"messages": [{"messages": []}]}, "messages[0]: topic is missing"),
        ({"messages": [{"topic": TOPIC, "messages": [{"data": "aGV!sbG8="}]}]},
         "messages[0].messages[0]: data 'aGV!sbG8=' is not base64; write plain text as text"),
        ({"messages": [{"topic": TOPIC, "messages": [{"text": 5}]}]}, "text is a string"),
        ({"messages": [{"topic": TOPIC, "messages": ["x"]}]}, "'x' is not a JSON object"),
        ({"messages": [{"topic": TOPIC, "messages": [{"text": "x"}], "n": 1}]}, "field 'n'"),
        ({"topics": [{"name": TOPIC}], "messages": [{"topic": TOPIC, "messages": [{}]}]},
         "data is empty"),
    ],
)  # fmt: skip
def test_a_wrong_seed_says_where_it_is_wrong(refused, seed, problem):
    code, status, message = refused("POST", "seed", json=seed)

    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert problem in message


def test_a_seed_for_a_missing_topic_names_what_needs_it(refused):
    seed = {"subscriptions": [{"name": SUBSCRIPTION, "topic": TOPIC}]}

    code, status, message = refused("POST", "seed", json=seed)

    assert (code, status) == (404, "NOT_FOUND")
    assert SUBSCRIPTION in message
    assert TOPIC in message


def test_a_reset_tells_what_it_deleted_and_may_spare_other_projects(ask):
    other = "projects/other/topics/letters"
    ask("POST", "seed", SEED)
    ask("POST", "seed", {"topics": [{"name": other}]})

    first = ask("POST", "reset", {"project": PROJECT})
    second = ask("POST", "reset")

    assert sorted(first["deleted"]) == sorted([TOPIC, *[s["name"] for s in SEED["subscriptions"]]])
    assert second["deleted"] == [other]


def test_the_clock_is_told_and_advanced(ask):
    before = ask("GET", "clock")

    after = ask("POST", "clock", {"advance_seconds": 86_400})

    assert before["ahead_seconds"] == 0
    assert after["ahead_seconds"] == pytest.approx(86_400, abs=1)
    assert after["now_seconds"] - before["now_seconds"] >= 86_400


@pytest.mark.parametrize("seconds", [-1, "60", None, True, 1e300])
def test_a_wrong_advance_is_refused(refused, seconds):
    code, status, message = refused("POST", "clock", json={"advance_seconds": seconds})

    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert "advance_seconds" in message


def test_a_peek_shows_messages_page_by_page(ask):
    ask("POST", "seed", SEED)

    first = ask("GET", "peek", subscription=SUBSCRIPTION, limit=1)
    second = ask(
        "GET", "peek", subscription=SUBSCRIPTION, limit=1, page_token=first["next_page_token"]
    )

    [row] = first["messages"]
    assert base64.b64decode(row["message"]["data"]) == b"one"
    assert row["message"]["attributes"] == {"kind": "letter"}
    assert (row["state"], row["failed_deliveries"]) == ("ready", 0)
    assert second["messages"][0]["message"]["orderingKey"] == "a"
    assert second["next_page_token"] == ""


@pytest.mark.parametrize(
    ("parameters", "code", "problem"),
    [
        ({"subscription": SUBSCRIPTION}, 404, "does not exist"),
        ({"subscription": SUBSCRIPTION, "limit": "0"}, 400, "limit 0 is not 1 to 1000"),
        ({"subscription": SUBSCRIPTION, "limit": "many"}, 400, "limit 'many'"),
        ({"subscription": SUBSCRIPTION, "page_token": "x"}, 400, "page_token 'x'"),
        ({"subscripton": SUBSCRIPTION}, 400, "unknown field 'subscripton'"),
    ],
)
def test_a_wrong_peek_is_refused(ask, refused, parameters, code, problem):
    if code == 400:
        ask("POST", "seed", SEED)

    found, _, message = refused("GET", "peek", params=parameters)

    assert found == code
    assert problem in message


def test_faults_are_added_listed_and_cleared(ask):
    first = ask("POST", "faults", {"rpc": "Publish", "code": "UNAVAILABLE", "times": 3})
    ask("POST", "faults", {"push": "*", "delay_seconds": 0.5})

    assert [one["id"] for one in ask("GET", "faults")["faults"]] == [1, 2]
    ask("DELETE", f"faults/{first['id']}")
    assert [one["id"] for one in ask("GET", "faults")["faults"]] == [2]
    ask("DELETE", "faults")
    assert ask("GET", "faults") == {"faults": []}


def test_a_fault_meets_the_client_and_is_counted(ask):
    ask("POST", "seed", SEED)
    ask("POST", "faults", {"rpc": "GetTopic", "code": "RESOURCE_EXHAUSTED"})
    client = pubsub_v1.PublisherClient()

    with pytest.raises(exceptions.ResourceExhausted, match="fault 1"):
        client.get_topic(topic=TOPIC, retry=None)

    assert client.get_topic(topic=TOPIC).name == TOPIC
    assert ask("GET", "faults")["faults"][0]["fired"] == 1


@pytest.fixture
def stream(emulator):
    """Open a StreamingPull; return it. (`subscribe` reopens by itself, now and then twice.)"""
    channel = grpc.insecure_channel(emulator.host)
    transport = SubscriberGrpcTransport(channel=channel)
    client = google.pubsub_v1.SubscriberClient(transport=transport)
    hold = threading.Event()

    def requests():
        yield StreamingPullRequest(subscription=SUBSCRIPTION, stream_ack_deadline_seconds=60)
        hold.wait(30)  # the client has no more to say, and goes on listening

    yield lambda: client.streaming_pull(requests=requests(), retry=None)
    hold.set()
    channel.close()


def test_a_stream_is_refused_as_often_as_was_asked_for(emulator, stream):
    emulator.seed(SEED)
    fault = emulator.faults.add(rpc="StreamingPull", code="UNAVAILABLE", times=2)

    for _ in range(2):
        with pytest.raises(exceptions.ServiceUnavailable, match="fault 1"):
            next(iter(stream()))

    messages = (one for answer in stream() for one in answer.received_messages)
    assert next(messages).message.data == b"one"
    assert emulator.faults.fired(fault) == 2


def test_a_stream_breaks_after_some_messages(emulator, stream):
    emulator.seed(SEED)
    emulator.faults.add(rpc="StreamingPull", code="ABORTED", after_messages=2)
    received = []

    with pytest.raises(exceptions.Aborted, match="fault 1"):
        received.extend(one for answer in stream() for one in answer.received_messages)

    assert [one.message.data for one in received] == [b"one", b"two"]


def test_a_seed_and_a_reset_are_not_met_by_faults(ask):
    ask("POST", "faults", {"rpc": "*", "code": "UNAVAILABLE", "times": None})

    assert ask("POST", "seed", SEED)["published"] == 2
    assert len(ask("POST", "reset")["deleted"]) == 3


async def test_a_push_that_is_made_to_fail_is_sent_again(emulator, receiver):
    emulator.seed(SEED | {"messages": [], "subscriptions": []})
    push = {"name": SUBSCRIPTION, "topic": TOPIC, "pushConfig": {"pushEndpoint": receiver.url}}
    fault = emulator.faults.add(push=SUBSCRIPTION, code="UNAVAILABLE", times=2)

    emulator.seed({"subscriptions": [push]})
    emulator.seed({"messages": [{"topic": TOPIC, "messages": [{"text": "x"}]}]})
    await receiver.until(1)

    assert emulator.faults.fired(fault) == 2
    await eventually(lambda: emulator.messages(SUBSCRIPTION) == [])
    assert len(receiver.requests) == 1


async def test_a_push_whose_answer_is_dropped_arrives_twice(emulator, receiver):
    emulator.seed(SEED | {"messages": [], "subscriptions": []})
    push = {"name": SUBSCRIPTION, "topic": TOPIC, "pushConfig": {"pushEndpoint": receiver.url}}
    emulator.faults.add(push=SUBSCRIPTION, code="UNAVAILABLE", after=True)

    emulator.seed({"subscriptions": [push]})
    emulator.seed({"messages": [{"topic": TOPIC, "messages": [{"text": "x"}]}]})
    await receiver.until(2)

    ids = {one.body["message"]["messageId"] for one in receiver.requests}
    assert len(ids) == 1


HALF_A_CHARACTER = b'{"messages": [{"topic": "t", "messages": [{"text": "\\ud800"}]}]}'


@pytest.mark.parametrize(
    ("method", "path", "request_", "problem"),
    [
        ("POST", "faults", {"json": {"rpc": "Publsh", "code": "ABORTED"}}, "'Publsh' is unknown"),
        ("POST", "faults", {"content": b"{"}, "the body is not JSON"),
        ("POST", "faults", {"content": b"\xff\xfe"}, "the body is not JSON"),
        ("POST", "faults", {"content": b"[" * 100_000}, "the body is not JSON"),
        ("POST", "seed", {"content": b"x" * 40_000_000}, "the body is too large"),
        ("POST", "seed", {"content": HALF_A_CHARACTER}, "text is a string of Unicode"),
        ("POST", "faults", {"content": b'{"rpc": "Publish", "message": "\\ud800"}'}, "of Unicode"),
        ("POST", "clock", {"content": b'{"advance_seconds": %s}' % (b"9" * 400)}, "from 0 to"),
        ("GET", "peek", {"params": {"limit": "9" * 5000}}, "is not a whole number"),
        ("POST", "reset", {"json": {"projet": "x"}}, "unknown field 'projet'"),
        ("POST", "reset", {"json": {"project": 5}}, "project 5 is not a string"),
    ],
)
def test_wrong_requests_are_refused_with_the_fix(refused, method, path, request_, problem):
    code, status, message = refused(method, path, **request_)

    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert problem in message


@pytest.mark.parametrize("fault_id", ["7", "x", "-1", "9" * 5000])
def test_clearing_a_fault_that_is_not_there_is_not_found(refused, fault_id):
    assert refused("DELETE", f"faults/{fault_id}")[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "seed"), ("POST", "health"), ("PUT", "faults"), ("GET", "nothing"), ("GET", "")],
)
def test_what_the_control_api_does_not_have_is_not_found_and_it_says_what_it_has(
    refused, method, path
):
    code, status, message = refused(method, path)

    assert (code, status) == (404, "NOT_FOUND")
    assert "POST /_emulator/seed" in message


def test_a_page_token_of_nobody_is_refused(ask, refused):
    ask("POST", "seed", SEED)

    for token in ("x", "-1", "9" * 5000):
        parameters = {"subscription": SUBSCRIPTION, "page_token": token}
        assert refused("GET", "peek", params=parameters)[0] == 400


FIELDS = ["rpc", "push", "times", "code", "message", "delay_seconds", "after", "after_messages"]
FIELDS += ["duplicate", "topics", "subscriptions", "schemas", "messages", "backlog", "name"]
FIELDS += ["topic", "text", "data", "project", "advance_seconds", "subscription", "limit"]
WORDS = [TOPIC, SUBSCRIPTION, SCHEMA, "Publish", "*", "UNAVAILABLE", "", "x"]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(WORDS)
)


def objects(values):
    """Return lists of the values, and objects of them under the API's own names."""
    return st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), values)


@pytest.fixture(scope="module")
def running():
    with PubSubEmulator(set_environment=False) as emulator, httpx.Client() as client:
        emulator.seed(SEED)
        yield emulator, client


@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=st.sampled_from(["seed", "faults", "reset", "clock", "peek", "dump", "state"]),
    body=st.recursive(SCALARS, objects, max_leaves=8),
)
@settings(max_examples=300, deadline=None)
def test_no_request_whatever_breaks_it(running, method, path, body):
    emulator, client = running
    content = json.dumps(body).encode()

    answer = client.request(method, f"{emulator.http_url}/_emulator/{path}", content=content)

    assert answer.status_code in (200, 400, 404, 409), (answer.status_code, answer.text)
    assert answer.json() is not None
