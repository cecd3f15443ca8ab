"""`cloudtasker doctor --plan`: what it says, and how it ends."""

import json
from pathlib import Path

import pytest

TOKEN = {"service_account_email": "push@p.iam.gserviceaccount.com", "audience": "https://f"}


def resource(kind: str, name: str, key: str | None = None, **after) -> dict:
    index = f'["{key}"]' if key else ""
    return {
        "address": f"module.messaging.{kind}.{name}{index}",
        "mode": "managed",
        "type": kind,
        "name": name,
        "index": key,
        "change": {"actions": ["create"], "after": after},
    }


def subscription(**changes) -> dict:
    after = {
        "ack_deadline_seconds": 90,
        "expiration_policy": [{"ttl": ""}],
        "push_config": [{"oidc_token": [TOKEN]}],
        **changes,
    }
    return resource("google_pubsub_subscription", "dead_push", "noop", **after)


@pytest.fixture
def examine(cloudtasker, tmp_path):
    def examine(*resources: dict, **options):
        file = tmp_path / "plan.json"
        file.write_text(json.dumps({"resource_changes": list(resources)}))
        return cloudtasker("doctor", "--plan", str(file), *options.get("more", ()))

    return examine


def test_a_sound_plan_ends_with_0(examine):
    answer = examine(subscription())

    assert answer.code == 0
    assert "Nothing found" in answer.err


def test_what_is_found_is_shown_with_its_fix_and_ends_with_1(examine):
    answer = examine(subscription(filter="attributes:a"))

    assert answer.code == 1
    assert "remove the filter" in answer.out
    assert 'dead_push["noop"]' in answer.out


def test_a_program_gets_the_same_as_json(examine):
    answer = examine(subscription(push_config=[{}]), more=("-o", "json"))

    [finding] = answer.document["findings"]
    assert finding["address"].endswith('dead_push["noop"]')
    assert finding["fix"]


def test_what_will_be_deleted_is_not_looked_at(examine):
    leaving = subscription(filter="attributes:a")
    leaving["change"] = {"actions": ["delete"], "after": None}

    assert examine(leaving).code == 0


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"resource_changes": 1}', '{"resource_changes": [1]}']
)
def test_a_file_that_is_no_plan_is_named(cloudtasker, tmp_path: Path, content):
    file = tmp_path / "plan.json"
    file.write_text(content)
    answer = cloudtasker("doctor", "--plan", str(file))

    assert answer.code == 2
    assert "cannot be read as a plan" in answer.err


def test_a_file_that_is_not_there_is_named(cloudtasker):
    answer = cloudtasker("doctor", "--plan", "nowhere.json")

    assert answer.code == 2
    assert "nowhere.json" in answer.err


@pytest.mark.parametrize("more", [["--fix"], ["--url", "http://127.0.0.1:5000"]])
def test_a_plan_is_looked_at_alone(examine, more):
    answer = examine(subscription(), more=more)

    assert answer.code == 2
    assert "--plan looks at a file alone" in answer.err
