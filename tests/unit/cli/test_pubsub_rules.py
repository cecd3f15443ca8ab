"""`cloudtasker doctor`: the rules on topics and subscriptions, each broken once."""

from dataclasses import replace

import pytest

from shared.cli.pubsub_look import Subscription, Topology
from shared.cli.pubsub_rules import BY_STACK, DELETED, judged, of_gone_types, unheard

P = "projects/p"
ENDPOINT = "http://127.0.0.1:8101"
LIMITS = {"time_limit_seconds": 60, "ack_deadline_seconds": 90, "mode": "short"}
TYPES = [{"name": "send_email", "description": "", "limits": LIMITS, "payload_schema": {}}]


def topic(name: str) -> str:
    return f"{P}/topics/tasks-send-email{name}"


def subscription(name: str) -> str:
    return f"{P}/subscriptions/tasks-send-email{name}"


PUSH = Subscription(subscription("-push"), topic(""), 90, ENDPOINT, topic("-dead"))
DEAD_PUSH = Subscription(subscription("-dead-push"), topic("-dead"), 60, f"{ENDPOINT}/dead")
HOLD = Subscription(subscription("-dead-hold"), topic("-dead"), 60)
SOUND = Topology("p", frozenset({topic(""), topic("-dead")}), (PUSH, DEAD_PUSH, HOLD))


def with_push(**changes) -> Topology:
    return replace(SOUND, subscriptions=(replace(PUSH, **changes), DEAD_PUSH, HOLD))


def wrong(found: Topology, types=TYPES) -> list[tuple[str, str, str]]:
    checks = judged(found, types, BY_STACK)
    return [(one.verdict, one.found, one.fix) for one in checks if one.verdict != "ok"]


def test_a_sound_topology_is_one_line():
    [check] = judged(SOUND, TYPES, BY_STACK)
    assert (check.verdict, check.fix) == ("ok", "")
    assert "each of 1 dead-letter topics is heard" in check.found


def test_a_dead_letter_topic_without_a_subscription_is_ct402_with_the_fix():
    found = replace(SOUND, subscriptions=(PUSH,))
    [(verdict, said, fix)] = wrong(found)
    assert (verdict, fix) == ("fail", "cloudtasker doctor --fix")
    assert said == (
        "CT402 Dead-letter topic tasks-send-email-dead has no subscription: "
        "dead letters would be lost."
    )
    assert unheard(found) == [topic("-dead")]


def test_a_dead_letter_topic_of_another_name_is_found_by_who_names_it():
    other = f"{P}/topics/graveyard"
    found = replace(with_push(dead_letter_topic=other), topics=SOUND.topics | {other})
    [(_, said, _)] = wrong(found)
    assert "Dead-letter topic graveyard has no subscription" in said


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (f"{P}/topics/nowhere", "of tasks-send-email-push nowhere does not exist"),
        (DELETED, "of tasks-send-email-push was deleted"),
    ],
)
def test_a_dead_letter_topic_that_is_not_there_is_ct402(missing, said):
    [(verdict, found, _)] = wrong(with_push(dead_letter_topic=missing))
    assert (verdict, found.split()[0]) == ("fail", "CT402")
    assert said in found


@pytest.mark.parametrize(
    ("kept", "verdict", "said"),
    [
        (HOLD, "fail", "no tasks-send-email-dead-push"),
        (DEAD_PUSH, "warn", "no tasks-send-email-dead-hold"),
    ],
)
def test_ours_has_two_subscriptions(kept, verdict, said):
    [(found_verdict, found, _)] = wrong(replace(SOUND, subscriptions=(PUSH, kept)))
    assert found_verdict == verdict
    assert said in found


def test_a_subscription_whose_topic_was_deleted_fails():
    lost = Subscription(f"{P}/subscriptions/other", DELETED, 10)
    [(verdict, said, fix)] = wrong(replace(SOUND, subscriptions=(*SOUND.subscriptions, lost)))
    assert (verdict, "deleted" in said) == ("fail", True)
    assert fix.startswith("delete this subscription and what it still has, then")


def test_a_live_ack_deadline_below_the_time_limit_fails_and_one_that_fits_does_not():
    [(verdict, said, _)] = wrong(with_push(ack_deadline_seconds=89))
    assert verdict == "fail"
    assert "is 89 s" in said
    assert "is 90 s" in said
    assert wrong(with_push(ack_deadline_seconds=90)) == []


def test_a_long_type_is_acked_at_once_so_its_deadline_is_free():
    types = [{**TYPES[0], "limits": {**LIMITS, "mode": "long"}}]
    assert wrong(with_push(ack_deadline_seconds=10), types) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"push_endpoint": ""}, "pushes nowhere"),
        ({"dead_letter_topic": ""}, "no dead-letter topic"),
    ],
)
def test_a_push_subscription_without_an_end_fails(change, said):
    assert [said in found for _, found, _ in wrong(with_push(**change))] == [True]


def test_a_type_without_a_topic_or_without_a_subscription_fails():
    no_topic = replace(SOUND, topics=frozenset({topic("-dead")}))
    assert any("there is no topic tasks-send-email" in said for _, said, _ in wrong(no_topic))
    no_push = replace(SOUND, subscriptions=(DEAD_PUSH, HOLD))
    assert [said for _, said, _ in wrong(no_push)] == [
        "there is no tasks-send-email-push: its messages go nowhere"
    ]


@pytest.mark.parametrize(("types", "verdict"), [(TYPES, "fail"), ([], "warn")])
def test_a_project_without_our_topics_is_told_with_its_name(types, verdict):
    [(found_verdict, said, fix)] = wrong(Topology("other", frozenset(), ()), types)
    assert found_verdict == verdict
    assert "project other" in said
    assert "GOOGLE_CLOUD_PROJECT" in fix


def test_of_a_type_that_is_gone_only_the_push_subscription_of_its_tasks_is_left_over():
    others = [{**TYPES[0], "name": "noop"}]
    assert of_gone_types(SOUND, TYPES) == set()
    assert of_gone_types(SOUND, others) == {"tasks-send-email-push"}
    assert of_gone_types(SOUND, []) == set()
