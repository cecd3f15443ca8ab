"""`gcloud pubsub`, pointed at the emulator by its endpoint override alone."""

import base64
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

GCLOUD = shutil.which("gcloud")
pytestmark = pytest.mark.skipif(GCLOUD is None, reason="gcloud is not installed")
PROJECT = "gcloud-client"
PREFIX = f"projects/{PROJECT}"
AVRO = '{"type": "record", "name": "Letter", "fields": [{"name": "to", "type": "string"}]}'


@pytest.fixture(scope="module")
def gcloud(emulator, tmp_path_factory):
    """Run `gcloud pubsub …`; return what it answers in JSON."""
    environ = os.environ | {
        "CLOUDSDK_CONFIG": str(tmp_path_factory.mktemp("gcloud")),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"{emulator.http}/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    }

    def gcloud(command, *more):
        done = subprocess.run(
            [GCLOUD, "pubsub", *command.split(), *more, "--format=json"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return gcloud


@pytest.fixture(scope="module")
def topic(gcloud):
    """The short name of a topic that all tests share."""
    gcloud("topics create letters --labels=a=b")
    return "letters"


@pytest.fixture(scope="module")
def readers(gcloud, topic):
    """The short name of a subscription to it."""
    gcloud(f"subscriptions create readers --topic={topic} --ack-deadline=20")
    return "readers"


def bodies(pulled):
    """Return the data of pulled messages."""
    return [base64.b64decode(one["message"]["data"]) for one in pulled]


def test_topics_are_described_listed_updated_and_deleted(gcloud, topic):
    assert gcloud(f"topics describe {topic}")["labels"] == {"a": "b"}
    updated = gcloud(f"topics update {topic} --update-labels=c=d")
    assert updated["labels"] == {"a": "b", "c": "d"}
    assert [found["name"] for found in gcloud("topics list")] == [f"{PREFIX}/topics/{topic}"]

    gcloud("topics create short-lived")
    gcloud("topics delete short-lived")

    assert len(gcloud("topics list")) == 1


def test_subscriptions_are_described_listed_updated_and_deleted(gcloud, topic, readers):
    assert gcloud(f"subscriptions describe {readers}")["ackDeadlineSeconds"] == 20
    updated = gcloud(f"subscriptions update {readers} --ack-deadline=30")
    assert updated["ackDeadlineSeconds"] == 30
    assert gcloud(f"topics list-subscriptions {topic}") == [f"{PREFIX}/subscriptions/{readers}"]

    gcloud(f"subscriptions create short-lived --topic={topic}")
    gcloud("subscriptions modify-push-config short-lived --push-endpoint=http://127.0.0.1:9/")
    found = gcloud("subscriptions describe short-lived")
    assert found["pushConfig"]["pushEndpoint"] == "http://127.0.0.1:9/"
    gcloud("subscriptions delete short-lived")

    names = [found["name"] for found in gcloud("subscriptions list")]
    assert names == [f"{PREFIX}/subscriptions/{readers}"]


def test_a_message_is_published_pulled_and_acked(gcloud, topic, readers):
    gcloud(f"topics publish {topic} --message=one --attribute=k=v")
    [pulled] = gcloud(f"subscriptions pull {readers}")
    assert pulled["message"]["attributes"] == {"k": "v"}
    gcloud(f"subscriptions modify-message-ack-deadline {readers} --ack-deadline=60",
           f"--ack-ids={pulled['ackId']}")  # fmt: skip
    gcloud(f"subscriptions ack {readers} --ack-ids={pulled['ackId']}")

    gcloud(f"topics publish {topic} --message=two")
    assert bodies(gcloud(f"subscriptions pull {readers} --auto-ack")) == [b"two"]


def test_a_snapshot_brings_messages_back(gcloud, topic, readers):
    gcloud(f"topics publish {topic} --message=again")
    gcloud(f"snapshots create moment --subscription={readers}")
    assert bodies(gcloud(f"subscriptions pull {readers} --auto-ack")) == [b"again"]

    gcloud(f"subscriptions seek {readers} --snapshot=moment")
    assert bodies(gcloud(f"subscriptions pull {readers} --auto-ack")) == [b"again"]

    gcloud("snapshots delete moment")
    assert gcloud("snapshots list") == []


def test_a_seek_to_a_time_drops_what_came_before(gcloud, topic, readers):
    gcloud(f"topics publish {topic} --message=old")
    soon = datetime.now(UTC) + timedelta(seconds=5)
    gcloud(f"subscriptions seek {readers} --time={soon.isoformat()}")
    gcloud(f"topics publish {topic} --message=new")

    assert bodies(gcloud(f"subscriptions pull {readers} --auto-ack --limit=2")) == [b"new"]


def test_schemas_are_created_committed_validated_and_deleted(gcloud):
    gcloud("schemas create letter --type=avro", f"--definition={AVRO}")
    with_default = AVRO.replace("}]", '}, {"name": "cc", "type": "string", "default": ""}]')
    gcloud("schemas commit letter --type=avro", f"--definition={with_default}")

    assert len(gcloud("schemas list-revisions letter")) == 2
    gcloud("schemas validate-schema --type=avro", f"--definition={AVRO}")
    gcloud(
        "schemas validate-message --message-encoding=json --schema-name=letter",
        '--message={"to": "you", "cc": "me"}',
    )
    gcloud("schemas delete letter")
    assert gcloud("schemas list") == []


def test_access_policies_are_kept(gcloud, topic):
    gcloud(
        f"topics add-iam-policy-binding {topic}",
        "--member=user:somebody@example.com",
        "--role=roles/pubsub.publisher",
    )

    [binding] = gcloud(f"topics get-iam-policy {topic}")["bindings"]
    assert binding == {"role": "roles/pubsub.publisher", "members": ["user:somebody@example.com"]}


def test_a_detached_subscription_is_shown_as_detached(gcloud, topic):
    gcloud(f"subscriptions create loose --topic={topic}")
    gcloud("topics detach-subscription loose")

    assert gcloud("subscriptions describe loose")["detached"] is True
    gcloud("subscriptions delete loose")
