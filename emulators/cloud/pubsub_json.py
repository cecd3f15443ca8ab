"""Topics and subscriptions: between Terraform's attributes and Pub/Sub's JSON. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

Attributes = Mapping[str, Any]
Json = dict[str, Any]


def topic(value: Attributes) -> Json:
    """Return a topic as Pub/Sub's JSON."""
    body = _some(
        name=topic_name(value),
        labels=value.get("effective_labels") or value.get("labels") or {},
        messageRetentionDuration=value.get("message_retention_duration"),
        kmsKeyName=value.get("kms_key_name"),
    )
    if policy := _first(value, "message_storage_policy"):
        regions = sorted(policy["allowed_persistence_regions"])
        body["messageStoragePolicy"] = {"allowedPersistenceRegions": regions}
    if schema := _first(value, "schema_settings"):
        body["schemaSettings"] = _some(schema=schema["schema"], encoding=schema.get("encoding"))
    return body


def subscription(value: Attributes) -> Json:
    """Return a subscription as Pub/Sub's JSON. An expiration without a ttl is "never"."""
    body = _some(
        name=subscription_name(value),
        topic=_full(value["topic"], value["project"], "topics"),
        labels=value.get("effective_labels") or value.get("labels") or {},
        ackDeadlineSeconds=value.get("ack_deadline_seconds"),
        messageRetentionDuration=value.get("message_retention_duration"),
        retainAckedMessages=value.get("retain_acked_messages"),
        enableMessageOrdering=value.get("enable_message_ordering"),
        enableExactlyOnceDelivery=value.get("enable_exactly_once_delivery"),
        filter=value.get("filter"),
    )
    if expiration := _first(value, "expiration_policy"):
        body["expirationPolicy"] = _some(ttl=expiration.get("ttl") or None)
    if push := _first(value, "push_config"):
        body["pushConfig"] = _push(push)
    if retry := _first(value, "retry_policy"):
        body["retryPolicy"] = _some(
            minimumBackoff=retry.get("minimum_backoff"), maximumBackoff=retry.get("maximum_backoff")
        )
    if dead := _first(value, "dead_letter_policy"):
        body["deadLetterPolicy"] = _some(
            deadLetterTopic=dead.get("dead_letter_topic"),
            maxDeliveryAttempts=dead.get("max_delivery_attempts"),
        )
    return body


def schema(value: Attributes) -> Json:
    """Return a schema as Pub/Sub's JSON."""
    return _some(type=value.get("type"), definition=value.get("definition"))


def topic_name(value: Attributes) -> str:
    """Return a topic's full name."""
    return _full(value["name"], value["project"], "topics")


def subscription_name(value: Attributes) -> str:
    """Return a subscription's full name."""
    return _full(value["name"], value["project"], "subscriptions")


def schema_name(value: Attributes) -> str:
    """Return a schema's full name."""
    return _full(value["name"], value["project"], "schemas")


def drifted(wanted: Json, found: Json) -> dict[str, Any]:
    """Return the attributes in which a resource differs from what the state has, as it is now.

    Only what the state says anything about is compared: the rest are the server's own defaults.
    """
    now = _without_defaults(found)
    return {
        attribute: read(now.get(name))
        for name, (attribute, read) in _READ.items()
        if name in wanted and now.get(name) != wanted[name] and (wanted[name] or now.get(name))
    }


def _without_defaults(found: Json) -> Json:
    """Leave out what the service adds to every push config; the real provider hides it too."""
    push = dict(found.get("pushConfig") or {})
    if push.get("attributes") == {"x-goog-version": "v1"}:
        del push["attributes"]
    return found | ({"pushConfig": push} if push else {})


def _push(push: Attributes) -> Json:
    body = _some(pushEndpoint=push["push_endpoint"], attributes=push.get("attributes") or None)
    if token := _first(push, "oidc_token"):
        body["oidcToken"] = _some(
            serviceAccountEmail=token["service_account_email"],
            audience=token.get("audience") or None,
        )
    return body


def _read_push(found: Json | None) -> list[Any]:
    if not found:
        return []
    token = found.get("oidcToken")
    oidc = {
        "service_account_email": (token or {}).get("serviceAccountEmail"),
        "audience": (token or {}).get("audience"),
    }
    return [
        {
            "push_endpoint": found.get("pushEndpoint"),
            "attributes": found.get("attributes"),
            "oidc_token": [oidc] if token else [],
            "no_wrapper": [],
        }
    ]


def _read_block(**names: str) -> Callable[[Json | None], list[Any]]:
    def read(found: Json | None) -> list[Any]:
        if found is None:
            return []
        return [{attribute: found.get(name) for attribute, name in names.items()}]

    return read


def _as_it_is(found: Any) -> Any:
    return found


_READ: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "labels": ("effective_labels", _as_it_is),
    "messageRetentionDuration": ("message_retention_duration", _as_it_is),
    "ackDeadlineSeconds": ("ack_deadline_seconds", _as_it_is),
    "retainAckedMessages": ("retain_acked_messages", bool),
    "enableMessageOrdering": ("enable_message_ordering", bool),
    "filter": ("filter", _as_it_is),
    "pushConfig": ("push_config", _read_push),
    "retryPolicy": (
        "retry_policy",
        _read_block(minimum_backoff="minimumBackoff", maximum_backoff="maximumBackoff"),
    ),
    "deadLetterPolicy": (
        "dead_letter_policy",
        _read_block(
            dead_letter_topic="deadLetterTopic", max_delivery_attempts="maxDeliveryAttempts"
        ),
    ),
    "messageStoragePolicy": (
        "message_storage_policy",
        _read_block(allowed_persistence_regions="allowedPersistenceRegions"),
    ),
}


def _full(name: str, project: str, collection: str) -> str:
    return name if name.startswith("projects/") else f"projects/{project}/{collection}/{name}"


def _first(value: Attributes, name: str) -> Json | None:
    blocks = value.get(name)
    return (blocks[0] or {}) if blocks else None


def _some(**fields: Any) -> Json:
    return {name: given for name, given in fields.items() if given is not None}
