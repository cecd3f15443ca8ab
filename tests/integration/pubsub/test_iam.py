"""Policies over HTTP, over a restart, and obeyed: `--iam enforce`."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import DEAD, DEAD_READERS, PROJECT, SUBSCRIPTION, TOPIC

ACCOUNT = "pusher@integration.iam.gserviceaccount.com"
ACCOUNTS = f"/v1/projects/-/serviceAccounts/{ACCOUNT}"
AGENT = "serviceAccount:service-42@gcp-sa-pubsub.iam.gserviceaccount.com"
CREATOR = "roles/iam.serviceAccountTokenCreator"


@pytest.fixture
def run(tmp_path):
    """Run the emulator on one data folder."""

    @contextmanager
    def run(*arguments):
        with ours(tmp_path, "--push-backoff", "off", *arguments) as running:
            yield running

    return run


@pytest.fixture
def emulator(run):
    with run("--iam", "enforce") as running:
        yield running


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """One emulator for tests that do not care what policies there are before them."""
    with ours(tmp_path_factory.mktemp("iam"), "--iam", "enforce") as running:
        yield running


@pytest.fixture
def client(emulator, connect):
    return connect(emulator)


def ask(emulator, path, body, headers=None):
    """POST JSON, or the bytes as they are; return status and answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(emulator.http + path, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def policy(role, *members, **fields):
    return {"policy": {"bindings": [{"role": role, "members": members}], **fields}}


async def grant(client, resource, role):
    request = {"resource": resource, **policy(role, AGENT)}
    await client.publisher.set_iam_policy(request=request)


@pytest.mark.parametrize("path", [ACCOUNTS, "/v1/projects/integration"])
def test_policies_of_accounts_and_projects_are_read_and_set(emulator, path):
    status, empty = ask(emulator, f"{path}:getIamPolicy", b"")
    assert (status, empty) == (200, {"etag": "ACAB"})

    status, kept = ask(emulator, f"{path}:setIamPolicy", policy(CREATOR, AGENT, etag="ACAB"))

    assert status == 200
    assert kept["bindings"] == [{"role": CREATOR, "members": [AGENT]}]
    assert base64.b64decode(kept["etag"])
    assert ask(emulator, f"{path}:getIamPolicy", {}) == (200, kept)


def test_an_accounts_project_does_not_matter(lasting):
    ask(lasting, f"{ACCOUNTS}:setIamPolicy", policy(CREATOR, AGENT))
    path = ACCOUNTS.replace("/-/", "/integration/")

    assert ask(lasting, f"{path}:getIamPolicy", {})[1]["bindings"]


def test_a_policy_that_changed_meanwhile_is_a_conflict(lasting):
    ask(lasting, f"{ACCOUNTS}:setIamPolicy", policy(CREATOR, AGENT))

    status, answer = ask(lasting, f"{ACCOUNTS}:setIamPolicy", policy(CREATOR, etag="ACAB"))

    assert (status, answer["error"]["status"]) == (409, "ABORTED")


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"\xff",
        b"[" * 100_000,
        [],
        {"nonsense": 1},
        {"policy": 5},
        {"policy": {"etag": 5}},
        {"policy": {"bindings": [{"role": "owner"}]}},
        {"policy": {"version": 2}},
    ],
)
def test_a_bad_request_is_refused_in_googles_form(lasting, body):
    status, answer = ask(lasting, f"{ACCOUNTS}:setIamPolicy", body)

    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("query", "body"),
    [("?options.requestedPolicyVersion=3", b""), ("", {"options": {"requestedPolicyVersion": 3}})],
)
def test_conditions_are_shown_to_those_who_ask_for_version_3(lasting, query, body):
    conditional = policy(CREATOR, AGENT, version=3)
    conditional["policy"]["bindings"][0]["condition"] = {"expression": "true"}
    ask(lasting, f"{ACCOUNTS}:setIamPolicy", conditional)

    _, whole = ask(lasting, f"{ACCOUNTS}:getIamPolicy{query}", body)
    _, plain = ask(lasting, f"{ACCOUNTS}:getIamPolicy", {})

    assert whole["bindings"][0]["condition"] == {"expression": "true"}
    assert "condition" not in plain["bindings"][0]


def test_permissions_on_accounts_are_all_there_are(lasting):
    asked = {"permissions": ["iam.serviceAccounts.actAs"]}

    assert ask(lasting, f"{ACCOUNTS}:testIamPermissions", asked) == (200, asked)


async def test_policies_outlive_the_process(run, connect):
    with run() as emulator:
        client = connect(emulator)
        await client.create_topic(TOPIC)
        await grant(client, TOPIC, "roles/pubsub.publisher")
        _, kept = ask(emulator, f"{ACCOUNTS}:setIamPolicy", policy(CREATOR, AGENT))
        emulator.kill()

    with run() as emulator:
        client = connect(emulator)
        found = await client.publisher.get_iam_policy(request={"resource": TOPIC})
        assert list(found.bindings[0].members) == [AGENT]
        assert ask(emulator, f"{ACCOUNTS}:getIamPolicy", {}) == (200, kept)


async def test_a_push_waits_for_the_grant_that_its_token_needs(emulator, client, receiver):
    token = {"service_account_email": ACCOUNT}
    await client.create(push_config={"push_endpoint": receiver.url, "oidc_token": token})
    await client.publish(b"x")
    line = json.loads(await asyncio.to_thread(emulator.process.stdout.readline))
    assert line["severity"] == "ERROR"
    assert f"gcloud iam service-accounts add-iam-policy-binding {ACCOUNT}" in line["message"]
    assert line["subscription"] == SUBSCRIPTION
    assert receiver.requests == []

    ask(emulator, f"{ACCOUNTS}:setIamPolicy", policy(CREATOR, AGENT))
    await receiver.until(1)

    assert receiver.requests[0].headers["Authorization"].startswith("Bearer ")


async def test_dead_letters_wait_for_both_grants(client, receiver):
    receiver.answers = [500] * 10_000  # however long the grants take
    await client.create(DEAD_READERS, DEAD)
    dead = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    await client.create(
        push_config={"push_endpoint": receiver.url},
        dead_letter_policy=dead,
        retry_policy={"minimum_backoff": "0.05s", "maximum_backoff": "0.05s"},
    )
    await client.publish(b"x")
    await receiver.until(8)
    assert not any("deliveryAttempt" in request.body for request in receiver.requests)

    await grant(client, DEAD, "roles/pubsub.publisher")
    await grant(client, SUBSCRIPTION, "roles/pubsub.subscriber")

    assert (await client.pull(1, DEAD_READERS))[0].message.data == b"x"


async def test_a_grant_on_the_project_is_enough(emulator, client):
    ask(emulator, f"/v1/{PROJECT}:setIamPolicy", policy("roles/pubsub.editor", AGENT))
    await client.create(DEAD_READERS, DEAD)
    dead = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    await client.create(dead_letter_policy=dead)
    await client.publish(b"x")
    for _ in range(5):
        (received,) = await client.pull(1)
        await client.subscriber.modify_ack_deadline(
            subscription=SUBSCRIPTION, ack_ids=[received.ack_id], ack_deadline_seconds=0
        )

    assert (await client.pull(1, DEAD_READERS))[0].message.data == b"x"


async def test_the_caller_has_what_the_policy_grants_to_whom_it_says_it_is(emulator, client):
    await client.create_topic(TOPIC)
    permissions = ["pubsub.topics.publish", "pubsub.topics.delete"]
    request = {"resource": TOPIC, "permissions": permissions}
    ask(emulator, f"/v1/{PROJECT}:setIamPolicy", policy("roles/pubsub.publisher", "user:a@b.c"))
    said = [("x-emulator-principal", "user:a@b.c")]

    known = await client.publisher.test_iam_permissions(request=request, metadata=said)
    nobody = await client.publisher.test_iam_permissions(request=request)
    path = f"/v1/{TOPIC}:testIamPermissions"
    by_rest = ask(emulator, path, {"permissions": permissions}, headers=dict(said))

    assert list(known.permissions) == permissions[:1]
    assert not nobody.permissions
    assert by_rest == (200, {"permissions": permissions[:1]})
