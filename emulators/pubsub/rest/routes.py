"""Which RPC a verb and a path mean. Reads paths and nothing of the rest of a request.

Source: the google.api.http annotations of google/pubsub/v1 and google/iam/v1.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote

from emulators.pubsub.errors import NotFound, Unimplemented

ID_POSITIONS = (1, 3)  # projects/{project}/topics/{topic}
PUBLISHER, SUBSCRIBER = "google.pubsub.v1.Publisher", "google.pubsub.v1.Subscriber"
SCHEMAS, IAM = "google.pubsub.v1.SchemaService", "google.iam.v1.IAMPolicy"


class Route(NamedTuple):
    """One RPC: `field` gets the name in the path, `body` ("*": the request) the JSON."""

    verb: str
    template: str
    field: str
    rpc: str
    body: str | None = None


class MethodNotAllowed(Unimplemented):
    """A path that exists, with a verb that it does not have."""


def find(verb: str, raw_path: str) -> tuple[Route, str]:
    """Return the route of a still percent-encoded path, and the resource name in the path.

    Raises: NotFound, MethodNotAllowed.
    """
    # As http.proto has it: in a name of several segments %2F stays as it is.
    path = unquote(re.sub("%2[fF]", "%252F", raw_path)).removeprefix("/v1/")
    verbs = _BY_SHAPE.get(_shape(path), {}) if raw_path.startswith("/v1/") else {}
    if not verbs:
        raise NotFound(f"no method of the API has the path {raw_path[:300]}")
    if verb not in verbs:
        raise MethodNotAllowed(f"{verb} is none of {', '.join(sorted(verbs))} of this path")
    route = verbs[verb]
    name = "/".join(path.split("/")[: 2 * route.template.count("*")])
    return route, name.rpartition(":")[0] if "*:" in route.template else name


def _shape(path: str) -> str:
    """Return `path` with a star for each id: the template, if it is one of ours."""
    head, slash, last = path.rpartition("/")
    last, colon, action = last.partition(":")
    segments = (head + slash + last).split("/")
    for position in ID_POSITIONS[: len(segments) // 2]:
        segments[position] = "*" if segments[position] else ""
    return "/".join(segments) + colon + action


TOPICS, TOPIC = "projects/*/topics", "projects/*/topics/*"
SUBSCRIPTIONS, SUBSCRIPTION = "projects/*/subscriptions", "projects/*/subscriptions/*"
SNAPSHOTS, SNAPSHOT = "projects/*/snapshots", "projects/*/snapshots/*"
SCHEMA_COLLECTION, SCHEMA = "projects/*/schemas", "projects/*/schemas/*"

ROUTES = (
    Route("PUT", TOPIC, "name", f"{PUBLISHER}/CreateTopic", "*"),
    Route("PATCH", TOPIC, "topic.name", f"{PUBLISHER}/UpdateTopic", "*"),
    Route("POST", f"{TOPIC}:publish", "topic", f"{PUBLISHER}/Publish", "*"),
    Route("GET", TOPIC, "topic", f"{PUBLISHER}/GetTopic"),
    Route("GET", TOPICS, "project", f"{PUBLISHER}/ListTopics"),
    Route("GET", f"{TOPIC}/subscriptions", "topic", f"{PUBLISHER}/ListTopicSubscriptions"),
    Route("GET", f"{TOPIC}/snapshots", "topic", f"{PUBLISHER}/ListTopicSnapshots"),
    Route("DELETE", TOPIC, "topic", f"{PUBLISHER}/DeleteTopic"),
    Route("POST", f"{SUBSCRIPTION}:detach", "subscription", f"{PUBLISHER}/DetachSubscription"),
    Route("PUT", SUBSCRIPTION, "name", f"{SUBSCRIBER}/CreateSubscription", "*"),
    Route("GET", SUBSCRIPTION, "subscription", f"{SUBSCRIBER}/GetSubscription"),
    Route("PATCH", SUBSCRIPTION, "subscription.name", f"{SUBSCRIBER}/UpdateSubscription", "*"),
    Route("GET", SUBSCRIPTIONS, "project", f"{SUBSCRIBER}/ListSubscriptions"),
    Route("DELETE", SUBSCRIPTION, "subscription", f"{SUBSCRIBER}/DeleteSubscription"),
    Route(
        "POST",
        f"{SUBSCRIPTION}:modifyAckDeadline",
        "subscription",
        f"{SUBSCRIBER}/ModifyAckDeadline",
        "*",
    ),
    Route("POST", f"{SUBSCRIPTION}:acknowledge", "subscription", f"{SUBSCRIBER}/Acknowledge", "*"),
    Route("POST", f"{SUBSCRIPTION}:pull", "subscription", f"{SUBSCRIBER}/Pull", "*"),
    Route(
        "POST",
        f"{SUBSCRIPTION}:modifyPushConfig",
        "subscription",
        f"{SUBSCRIBER}/ModifyPushConfig",
        "*",
    ),
    Route("POST", f"{SUBSCRIPTION}:seek", "subscription", f"{SUBSCRIBER}/Seek", "*"),
    Route("GET", SNAPSHOT, "snapshot", f"{SUBSCRIBER}/GetSnapshot"),
    Route("GET", SNAPSHOTS, "project", f"{SUBSCRIBER}/ListSnapshots"),
    Route("PUT", SNAPSHOT, "name", f"{SUBSCRIBER}/CreateSnapshot", "*"),
    Route("PATCH", SNAPSHOT, "snapshot.name", f"{SUBSCRIBER}/UpdateSnapshot", "*"),
    Route("DELETE", SNAPSHOT, "snapshot", f"{SUBSCRIBER}/DeleteSnapshot"),
    Route("POST", SCHEMA_COLLECTION, "parent", f"{SCHEMAS}/CreateSchema", "schema"),
    Route("GET", SCHEMA, "name", f"{SCHEMAS}/GetSchema"),
    Route("GET", SCHEMA_COLLECTION, "parent", f"{SCHEMAS}/ListSchemas"),
    Route("GET", f"{SCHEMA}:listRevisions", "name", f"{SCHEMAS}/ListSchemaRevisions"),
    Route("POST", f"{SCHEMA}:commit", "name", f"{SCHEMAS}/CommitSchema", "*"),
    Route("POST", f"{SCHEMA}:rollback", "name", f"{SCHEMAS}/RollbackSchema", "*"),
    Route("DELETE", f"{SCHEMA}:deleteRevision", "name", f"{SCHEMAS}/DeleteSchemaRevision"),
    Route("DELETE", SCHEMA, "name", f"{SCHEMAS}/DeleteSchema"),
    Route("POST", f"{SCHEMA_COLLECTION}:validate", "parent", f"{SCHEMAS}/ValidateSchema", "*"),
    Route(
        "POST",
        f"{SCHEMA_COLLECTION}:validateMessage",
        "parent",
        f"{SCHEMAS}/ValidateMessage",
        "*",
    ),
    *(
        route
        for resource in (TOPIC, SUBSCRIPTION, SNAPSHOT, SCHEMA)
        for route in (
            Route("GET", f"{resource}:getIamPolicy", "resource", f"{IAM}/GetIamPolicy"),
            Route("POST", f"{resource}:setIamPolicy", "resource", f"{IAM}/SetIamPolicy", "*"),
            Route(
                "POST",
                f"{resource}:testIamPermissions",
                "resource",
                f"{IAM}/TestIamPermissions",
                "*",
            ),
        )
    ),
)


def _by_shape() -> dict[str, dict[str, Route]]:
    found: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        found.setdefault(route.template, {})[route.verb] = route
    return found


_BY_SHAPE = _by_shape()
