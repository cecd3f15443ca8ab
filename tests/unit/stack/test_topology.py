from emulators.stack.provision import subscription_json, topic_json
from emulators.stack.task_types import TaskType
from emulators.stack.topology import plan

URLS = {"send_email": "http://127.0.0.1:8101", "dead_letter": "http://127.0.0.1:8100"}
ACCOUNT = "pubsub-push@cloudtasker-local.iam.gserviceaccount.com"


def planned(settings: dict | None = None, urls=URLS, account=ACCOUNT):
    task_type = TaskType.from_settings("send_email", settings or {})
    topology = plan("cloudtasker-local", [task_type], urls, account)
    return topology, {subscription.name: subscription for subscription in topology.subscriptions}


def test_a_task_type_has_two_topics_and_three_subscriptions_work_after_who_holds_its_dead_letters():
    topology, subscriptions = planned()

    assert [topic.name for topic in topology.topics] == [
        "tasks-send-email",
        "tasks-send-email-dead",
    ]
    assert list(subscriptions) == [
        "tasks-send-email-dead-hold",
        "tasks-send-email-dead-push",
        "tasks-send-email-push",
    ]


def test_the_dead_letter_topic_keeps_messages_for_31_days_and_the_work_topic_none():
    topology, _ = planned()

    assert topic_json("p", topology.topics[0]) == {"name": "projects/p/topics/tasks-send-email"}
    assert topic_json("p", topology.topics[1])["messageRetentionDuration"] == "2678400s"


def test_work_is_pushed_to_its_function_with_a_token_and_all_its_limits():
    settings = {
        "time_limit_seconds": 20,
        "max_attempts": 7,
        "retry": {"min_seconds": 0.5, "max_seconds": 60},
        "ordering": True,
    }
    _, subscriptions = planned(settings)

    assert subscription_json("p", subscriptions["tasks-send-email-push"]) == {
        "name": "projects/p/subscriptions/tasks-send-email-push",
        "topic": "projects/p/topics/tasks-send-email",
        "ackDeadlineSeconds": 50,
        "messageRetentionDuration": "604800s",
        "expirationPolicy": {},
        "enableMessageOrdering": True,
        "pushConfig": {
            "pushEndpoint": "http://127.0.0.1:8101",
            "oidcToken": {
                "serviceAccountEmail": ACCOUNT,
                "audience": "http://127.0.0.1:8101",
            },
        },
        "retryPolicy": {"minimumBackoff": "0.5s", "maximumBackoff": "60s"},
        "deadLetterPolicy": {
            "deadLetterTopic": "projects/p/topics/tasks-send-email-dead",
            "maxDeliveryAttempts": 7,
        },
    }


def test_dead_letters_go_to_their_function_and_are_held_by_a_pull_subscription():
    _, subscriptions = planned()

    push, hold = (
        subscriptions["tasks-send-email-dead-push"],
        subscriptions["tasks-send-email-dead-hold"],
    )
    assert push.topic == hold.topic == "tasks-send-email-dead"
    assert push.push_endpoint == "http://127.0.0.1:8100"
    assert "pushConfig" not in subscription_json("p", hold)
    assert hold.retention_seconds == 7 * 24 * 3600


def test_without_a_dead_letter_function_the_messages_are_still_held():
    _, subscriptions = planned(urls={"send_email": "http://127.0.0.1:8101"})

    assert list(subscriptions) == ["tasks-send-email-dead-hold", "tasks-send-email-push"]


def test_an_emulator_without_tokens_is_not_asked_for_them():
    _, subscriptions = planned(account="")

    push = subscription_json("p", subscriptions["tasks-send-email-push"])
    assert push["pushConfig"] == {"pushEndpoint": "http://127.0.0.1:8101"}
