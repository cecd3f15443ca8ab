"""Pub/Sub's resources between Terraform's attributes and JSON."""

from emulators.cloud import pubsub_json

PUSH = {"push_endpoint": "http://here", "attributes": None, "no_wrapper": [],
        "oidc_token": [{"service_account_email": "a@b", "audience": "c"}]}  # fmt: skip
VALUE = {
    "project": "p", "name": "s", "topic": "t", "ack_deadline_seconds": 90, "labels": {"a": "b"},
    "message_retention_duration": "60s", "filter": None, "expiration_policy": [{"ttl": ""}],
    "push_config": [PUSH], "retry_policy": [{"minimum_backoff": "1s", "maximum_backoff": "2s"}],
    "dead_letter_policy": [{"dead_letter_topic": "projects/p/topics/d",
                            "max_delivery_attempts": 5}],
}  # fmt: skip
JSON = {
    "name": "projects/p/subscriptions/s", "topic": "projects/p/topics/t", "labels": {"a": "b"},
    "ackDeadlineSeconds": 90, "messageRetentionDuration": "60s", "expirationPolicy": {},
    "pushConfig": {"pushEndpoint": "http://here",
                   "oidcToken": {"serviceAccountEmail": "a@b", "audience": "c"}},
    "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "2s"},
    "deadLetterPolicy": {"deadLetterTopic": "projects/p/topics/d", "maxDeliveryAttempts": 5},
}  # fmt: skip


def test_a_subscription_says_in_json_what_was_configured_and_no_more():
    assert pubsub_json.subscription(VALUE) == JSON


def test_what_the_service_fills_in_is_no_difference():
    found = JSON | {"state": "ACTIVE", "retainAckedMessages": True}
    found["pushConfig"] = JSON["pushConfig"] | {"attributes": {"x-goog-version": "v1"}}

    assert pubsub_json.drifted(JSON, found) == {}


def test_what_somebody_changed_is_read_as_it_is_now():
    found = JSON | {
        "ackDeadlineSeconds": 10,
        "retryPolicy": {"minimumBackoff": "5s", "maximumBackoff": "2s"},
    }

    assert pubsub_json.drifted(JSON, found) == {
        "ack_deadline_seconds": 10,
        "retry_policy": [{"minimum_backoff": "5s", "maximum_backoff": "2s"}],
    }


def test_a_policy_that_is_gone_is_read_as_gone():
    found = {name: given for name, given in JSON.items() if name != "deadLetterPolicy"}

    assert pubsub_json.drifted(JSON, found) == {"dead_letter_policy": []}


def test_another_push_endpoint_is_read_with_its_token():
    found = JSON | {"pushConfig": JSON["pushConfig"] | {"pushEndpoint": "http://there"}}

    assert pubsub_json.drifted(JSON, found) == {
        "push_config": [PUSH | {"push_endpoint": "http://there"}]
    }


def test_a_topic_keeps_its_regions_and_its_retention():
    value = {"project": "p", "name": "t", "message_retention_duration": "60s",
             "message_storage_policy": [{"allowed_persistence_regions": ["b", "a"]}]}  # fmt: skip

    assert pubsub_json.topic(value) == {
        "name": "projects/p/topics/t",
        "labels": {},
        "messageRetentionDuration": "60s",
        "messageStoragePolicy": {"allowedPersistenceRegions": ["a", "b"]},
    }
