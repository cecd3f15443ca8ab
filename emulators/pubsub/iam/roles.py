"""Which permissions there are, and which predefined roles grant them. Plain data and look-ups."""

TESTABLE = {
    "topics": (
        "attachSubscription", "delete", "detachSubscription", "get", "getIamPolicy", "publish",
        "setIamPolicy", "update", "updateTag",
    ),
    "subscriptions": (
        "consume", "delete", "get", "getIamPolicy", "setIamPolicy", "update", "updateTag",
    ),
    "snapshots": (
        "delete", "get", "getIamPolicy", "seek", "setIamPolicy", "update", "updateTag",
    ),
    "schemas": (
        "attach", "commit", "delete", "get", "getIamPolicy", "listRevisions", "rollback",
        "setIamPolicy", "validate",
    ),
}  # fmt: skip
READING = ("get", "list", "listRevisions", "validate")
PUBLISH, CONSUME = "pubsub.topics.publish", "pubsub.subscriptions.consume"
MINT = "iam.serviceAccounts.getOpenIdToken"
ROLES = {
    "roles/pubsub.publisher": {PUBLISH},
    "roles/pubsub.subscriber": {
        "pubsub.snapshots.seek", CONSUME, "pubsub.topics.attachSubscription",
    },
    "roles/pubsub.serviceAgent": {MINT},
    "roles/iam.serviceAccountTokenCreator": {MINT},
    "roles/iam.serviceAccountOpenIdTokenCreator": {MINT},
}  # fmt: skip


def is_testable(permission: str, collection: str) -> bool:
    """Say whether `permission` is one on a resource of `collection` ("topics", ...)."""
    service, _, rest = permission.partition(".")
    kind, _, verb = rest.partition(".")
    return service == "pubsub" and kind == collection and verb in TESTABLE[collection]


def grants(role: str, permission: str) -> bool:
    """Say whether a predefined role includes `permission`; other roles grant nothing here.

    Source: IAM, "Pub/Sub roles and permissions".
    """
    service, _, verb = permission.split(".")
    match role:
        case "roles/owner":
            return True
        case "roles/pubsub.admin":
            return service == "pubsub"
        case "roles/editor" | "roles/pubsub.editor":
            return service == "pubsub" and verb not in ("getIamPolicy", "setIamPolicy")
        case "roles/viewer" | "roles/pubsub.viewer":
            return service == "pubsub" and verb in READING
        case _:
            return permission in ROLES.get(role, ())
