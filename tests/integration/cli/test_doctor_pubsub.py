"""`cloudtasker doctor` against a Pub/Sub that runs: what it finds there, and what --fix makes."""

import asyncio
from ipaddress import IPv4Address

import httpx
import pytest

from emulators.pubsub.testing import PubSubEmulator
from shared.cli.check_pubsub import Place, place_of, pubsub
from shared.cli.pubsub_look import LookFailed, add_hold, look
from shared.cli.setup import Setup
from shared.settings import Settings

P = "projects/here"
FUNCTION = "http://127.0.0.1:9"
TOPICS = [f"{P}/topics/tasks-noop", f"{P}/topics/tasks-noop-dead"]
PUSH = {
    "name": f"{P}/subscriptions/tasks-noop-push",
    "topic": TOPICS[0],
    "ackDeadlineSeconds": 90,
    "pushConfig": {"pushEndpoint": FUNCTION},
    "deadLetterPolicy": {"deadLetterTopic": TOPICS[1], "maxDeliveryAttempts": 5},
}
DEAD_PUSH = {
    "name": f"{P}/subscriptions/tasks-noop-dead-push",
    "topic": TOPICS[1],
    "pushConfig": {"pushEndpoint": f"{FUNCTION}/dead"},
}
HOLD = {"name": f"{P}/subscriptions/tasks-noop-dead-hold", "topic": TOPICS[1]}
LIMITS = {"time_limit_seconds": 60, "ack_deadline_seconds": 90, "mode": "short"}
TYPES = [{"name": "noop", "description": "", "limits": LIMITS, "payload_schema": {}}]


@pytest.fixture(scope="module")
def running():
    with PubSubEmulator(set_environment=False) as emulator:
        yield emulator


@pytest.fixture
def emulator(running):
    running.reset()
    return running


def seed(emulator, *subscriptions):
    topics = [{"name": name} for name in TOPICS]
    emulator.seed({"topics": topics, "subscriptions": list(subscriptions)})


def checks(emulator, *, fix=False, status=200, address=""):
    """What is found, while every push endpoint answers with `status`."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status))
    place = Place("here", address or emulator.host)
    return asyncio.run(pubsub(Setup(transport=transport), place, TYPES, fix=fix))


def verdicts(found):
    return {one.name: one.verdict for one in found}


def test_what_the_stack_makes_is_sound(emulator):
    seed(emulator, PUSH, DEAD_PUSH, HOLD)
    assert verdicts(checks(emulator)) == {"topics": "ok", "push endpoints": "ok"}


def test_what_is_looked_at_is_what_is_there(emulator):
    seed(emulator, PUSH, HOLD)
    found = look("here", emulator.host)
    assert found.topics == set(TOPICS)
    [hold, push] = sorted(found.subscriptions, key=lambda one: one.name)
    assert (hold.topic, hold.push_endpoint, hold.dead_letter_topic) == (TOPICS[1], "", "")
    assert (push.ack_deadline_seconds, push.push_endpoint) == (90, FUNCTION)
    assert push.dead_letter_topic == TOPICS[1]


def test_a_live_ack_deadline_is_looked_at_whatever_the_task_yaml_says(emulator):
    seed(emulator, {**PUSH, "ackDeadlineSeconds": 30}, DEAD_PUSH, HOLD)
    [wrong] = [one for one in checks(emulator) if one.verdict == "fail"]
    assert "tasks-noop-push is 30 s" in wrong.found


@pytest.mark.parametrize("status", [500, 503])
def test_a_push_endpoint_that_answers_with_an_error_fails_and_names_its_subscription(
    emulator, status
):
    seed(emulator, PUSH, DEAD_PUSH, HOLD)
    found = checks(emulator, status=status)
    assert verdicts(found)["push endpoint of tasks-noop-push"] == "fail"
    assert verdicts(found)["push endpoint of tasks-noop-dead-push"] == "fail"


def test_an_answer_that_is_not_the_function_s_own_is_told(emulator):
    seed(emulator, PUSH, DEAD_PUSH, HOLD)
    [_, said] = checks(emulator, status=404)
    assert (said.verdict, said.found) == ("ok", "all 2 answer, some with 404")
    [_, said] = checks(emulator)
    assert said.found == "all 2 answer"


def test_a_push_endpoint_that_nobody_listens_at_fails(emulator):
    seed(emulator, PUSH, DEAD_PUSH, HOLD)
    found = asyncio.run(pubsub(Setup(), Place("here", emulator.host), TYPES, fix=False))
    assert verdicts(found)["push endpoint of tasks-noop-push"] == "fail"
    [check] = [one for one in found if one.name == "push endpoint of tasks-noop-push"]
    assert "delete the subscription if nothing shall" in check.fix


@pytest.mark.parametrize("knows_types", [True, False])
def test_what_is_left_of_a_deleted_type_is_a_warning_and_stays(emulator, knows_types):
    seed(emulator, {**PUSH, "name": f"{P}/subscriptions/tasks-resize-image-push"}, DEAD_PUSH, HOLD)
    types = [{**TYPES[0], "name": "noop"}] if knows_types else []
    place = Place("here", emulator.host)

    found = asyncio.run(pubsub(Setup(), place, types, fix=False))

    [left] = [one for one in found if one.name == "push endpoint of tasks-resize-image-push"]
    assert left.verdict == ("warn" if knows_types else "fail")
    assert ("its task type is gone" in left.found) is knows_types
    assert verdicts(found)["push endpoint of tasks-noop-dead-push"] == "fail"
    assert len(look("here", emulator.host).subscriptions) == 3


def test_fix_makes_the_subscription_that_a_dead_letter_topic_lacks(emulator):
    seed(emulator, PUSH)
    assert verdicts(checks(emulator))["dead letters of tasks-noop-dead"] == "fail"
    fixed = checks(emulator, fix=True)
    assert verdicts(fixed)["fix of tasks-noop-dead"] == "ok"
    [hold] = [s for s in look("here", emulator.host).subscriptions if s.topic == TOPICS[1]]
    assert hold.name == HOLD["name"]
    assert "CT402" not in str(fixed)
    assert "no tasks-noop-dead-push" in str(fixed)


def test_fix_leaves_what_is_sound_as_it_is(emulator):
    seed(emulator, PUSH, DEAD_PUSH, HOLD)
    before = emulator.dump()
    assert verdicts(checks(emulator, fix=True)) == {"topics": "ok", "push endpoints": "ok"}
    assert emulator.dump()["subscriptions"] == before["subscriptions"]


def test_what_fix_made_keeps_dead_letters_for_a_week_and_never_ends(emulator):
    seed(emulator)
    add_hold(TOPICS[1], emulator.host)
    [made] = emulator.dump()["subscriptions"]
    assert made["messageRetentionDuration"] == "604800s"
    assert made["expirationPolicy"] == {}


def test_fix_changes_nothing_that_is_not_on_this_machine(emulator):
    seed(emulator, PUSH)
    reached_by_no_name_of_this_machine = emulator.host.replace("127.0.0.1", str(IPv4Address(0)))
    found = checks(emulator, fix=True, address=reached_by_no_name_of_this_machine)
    assert verdicts(found)["fix"] == "warn"
    assert "CT402" in str(found)
    assert len(emulator.dump()["subscriptions"]) == 1
    assert not Place("here", "pubsub.example.com:443").is_here
    assert not Place("here", "").is_here
    assert Place("here", "127.0.0.1:8085").is_here


def test_an_emulator_that_does_not_answer_fails(emulator):
    [check] = checks(emulator, address="127.0.0.1:1")
    assert (check.name, check.verdict) == ("topics", "fail")
    assert "127.0.0.1:1" in check.found
    with pytest.raises(LookFailed):
        look("here", "127.0.0.1:1")


def test_a_project_that_is_not_the_stack_s_is_named(emulator):
    seed(emulator, PUSH, DEAD_PUSH, HOLD)
    place = Place("other", emulator.host)
    [check] = asyncio.run(pubsub(Setup(), place, TYPES, fix=False))
    assert (check.verdict, "project other" in check.found) == ("fail", True)


@pytest.mark.parametrize(
    ("said", "url", "place"),
    [
        (Settings(), None, None),
        (Settings(pubsub_emulator_host="h:1"), None, Place("cloudtasker-local", "h:1")),
        (Settings(project="p"), None, Place("p", "")),
        (Settings(project="p", pubsub_emulator_host="h:1"), "https://x.example", Place("p", "")),
        (Settings(pubsub_emulator_host="h:1"), "https://x.example", None),
    ],
)
def test_which_pubsub_is_asked(said, url, place):
    assert place_of(None, said, url) == place
