"""Topics, subscriptions and grants made in the emulator, as Terraform would have them made."""

from collections.abc import Iterator

import pytest

from emulators.cloud.pubsub import PubSub
from emulators.pubsub.testing import PubSubEmulator
from emulators.terraform.provider import CloudError

TOPIC = {"project": "p", "name": "letters", "labels": {}, "message_retention_duration": "600s"}
READERS = {"project": "p", "name": "readers", "topic": "projects/p/topics/letters",
           "ack_deadline_seconds": 30, "labels": {}}  # fmt: skip
MEMBERS = [f"serviceAccount:{name}@p.iam.gserviceaccount.com" for name in ("a", "b")]
CONDITION = [{"title": "only one", "expression": "resource.name == 'x'", "description": ""}]


@pytest.fixture(scope="module")
def emulator() -> Iterator[PubSubEmulator]:
    with PubSubEmulator(set_environment=False) as running:
        yield running


@pytest.fixture
def pubsub(emulator) -> PubSub:
    emulator.reset()
    return PubSub(f"{emulator.http_url}/v1/")


def grant(member: str, **more) -> dict:
    return {"project": "p", "role": "roles/pubsub.publisher", "member": member} | more


def test_what_is_made_is_read_back_without_a_difference(pubsub):
    for type_name, value in (
        ("google_pubsub_topic", TOPIC),
        ("google_pubsub_subscription", READERS),
    ):
        pubsub.create(type_name, value)
        assert pubsub.read(type_name, value) == value


def test_making_a_thing_again_makes_it_as_described(pubsub):
    pubsub.create("google_pubsub_topic", TOPIC)
    pubsub.create("google_pubsub_subscription", READERS | {"ack_deadline_seconds": 10})
    pubsub.create("google_pubsub_subscription", READERS)

    assert pubsub.read("google_pubsub_subscription", READERS) == READERS


def test_what_was_changed_behind_terraforms_back_is_seen(pubsub):
    pubsub.create("google_pubsub_topic", TOPIC)
    pubsub.create("google_pubsub_subscription", READERS)
    pubsub.update("google_pubsub_subscription", READERS, READERS | {"ack_deadline_seconds": 60})

    seen = pubsub.read("google_pubsub_subscription", READERS)
    assert seen is not None
    assert seen["ack_deadline_seconds"] == 60


def test_what_is_gone_is_none_and_can_be_deleted_again(pubsub):
    pubsub.create("google_pubsub_topic", TOPIC)
    pubsub.delete("google_pubsub_topic", TOPIC)
    pubsub.delete("google_pubsub_topic", TOPIC)

    assert pubsub.read("google_pubsub_topic", TOPIC) is None
    assert pubsub.read("google_pubsub_topic_iam_member", grant(MEMBERS[0], topic="letters")) is None


@pytest.mark.parametrize(
    ("type_name", "on"),
    [
        ("google_pubsub_topic_iam_member", {"topic": "letters"}),
        ("google_project_iam_member", {"condition": CONDITION}),
        ("google_project_iam_member", {}),
        (
            "google_service_account_iam_member",
            {"service_account_id": "projects/p/serviceAccounts/a@p.iam.gserviceaccount.com"},
        ),
    ],
)
def test_one_members_grant_comes_and_goes_without_the_others(pubsub, type_name, on):
    pubsub.create("google_pubsub_topic", TOPIC)
    first, second = (grant(member, **on) for member in MEMBERS)
    pubsub.create(type_name, first)
    pubsub.create(type_name, second)
    assert pubsub.read(type_name, first) == first

    pubsub.delete(type_name, first)

    assert pubsub.read(type_name, first) is None
    assert pubsub.read(type_name, second) == second


def test_a_grant_under_a_condition_is_not_the_one_without(pubsub):
    pubsub.create("google_project_iam_member", grant(MEMBERS[0], condition=CONDITION))

    assert pubsub.read("google_project_iam_member", grant(MEMBERS[0])) is None


def test_what_pubsub_refuses_is_told_in_its_words(pubsub):
    pubsub.create("google_pubsub_topic", TOPIC)

    with pytest.raises(CloudError, match="ack"):
        pubsub.create("google_pubsub_subscription", READERS | {"ack_deadline_seconds": 7000})
