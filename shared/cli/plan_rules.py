"""What makes a deployment lose or delay tasks and say nothing, found in its plan. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from shared.cli.plan_file import Plan, Resource, pushes, resources, strings

PUBLIC: Final = ("allUsers", "allAuthenticatedUsers")
GATEWAY_INVOKER: Final = "module.grpc_gateway.google_cloud_run_v2_service_iam_member.load_balancer"
"""Open on purpose: reachable through the load balancer alone, and the gateway asks for keys."""
AGENT: Final = "gcp-sa-pubsub"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that would fail silently: where, what happens, and the fix."""

    address: str
    what: str
    fix: str


Rule = Callable[[Plan], Iterator[Finding]]


def dead_letter_topic_without_subscription(plan: Plan) -> Iterator[Finding]:
    """A message to a topic without a subscription is lost."""
    heard = {s.key for s in resources(plan, "google_pubsub_subscription", "dead_hold")}
    for topic in resources(plan, "google_pubsub_topic", "dead"):
        if topic.key not in heard:
            yield Finding(
                topic.address,
                "dead letters are lost: no subscription holds them",
                "give the topic a pull subscription",
            )


def missing_grants(plan: Plan) -> Iterator[Finding]:
    """Pub/Sub forwards dead letters only with both grants, and says nothing without."""
    grants = (
        ("google_pubsub_topic_iam_member", "roles/pubsub.publisher", "on its dead-letter topic"),
        ("google_pubsub_subscription_iam_member", "roles/pubsub.subscriber", "on itself"),
    )
    for subscription in _with_dead_letters(plan):
        for kind, role, where in grants:
            if not _agent_has(plan, kind, role, subscription.key):
                yield Finding(
                    subscription.address,
                    f"dead letters are not forwarded: Pub/Sub's own account lacks {role} {where}",
                    f"grant {role} to service-NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com",
                )


def missing_dead_letter_policy(plan: Plan) -> Iterator[Finding]:
    """A task that keeps failing must leave its subscription."""
    for subscription in resources(plan, "google_pubsub_subscription", "tasks_push"):
        if not subscription.after.get("dead_letter_policy"):
            yield Finding(
                subscription.address,
                "a message that always fails is delivered for 7 days, then lost",
                "set dead_letter_policy",
            )


def time_limit_over_ack_deadline(plan: Plan) -> Iterator[Finding]:
    """Pub/Sub gives up on an answer after the ack deadline and delivers again."""
    deadlines = {
        s.key: s.after["ack_deadline_seconds"]
        for s in resources(plan, "google_pubsub_subscription", "tasks_push")
    }
    for function in resources(plan, "google_cloudfunctions2_function"):
        deadline = deadlines.get(_task_type(function))
        seconds = function.after["service_config"][0]["timeout_seconds"]
        if deadline is not None and seconds > deadline:
            yield Finding(
                function.address,
                f"runs of over {deadline} s are delivered twice: the function may take {seconds} s",
                "raise ack_deadline_seconds, or lower the time limit",
            )


def filters(plan: Plan) -> Iterator[Finding]:
    """What a filter does not let through is acked: the row waits for nobody."""
    for subscription in pushes(plan):
        if subscription.after.get("filter"):
            yield Finding(
                subscription.address,
                "messages that the filter does not match are acked and never run",
                "remove the filter",
            )


def exactly_once_on_push(plan: Plan) -> Iterator[Finding]:
    """Exactly-once delivery exists for pull alone."""
    for subscription in pushes(plan):
        if subscription.after.get("enable_exactly_once_delivery"):
            yield Finding(
                subscription.address,
                "the service refuses exactly-once delivery on a push subscription",
                "remove enable_exactly_once_delivery; the ledger records each outcome once",
            )


def pushes_without_a_token(plan: Plan) -> Iterator[Finding]:
    """A push proves who it is by its token, for an audience of our own choosing."""
    for subscription in pushes(plan):
        tokens = subscription.after["push_config"][0].get("oidc_token")
        if not tokens or not tokens[0].get("audience"):
            yield Finding(
                subscription.address,
                "pushes are answered with 401 or 403, and all tasks die",
                "set oidc_token with the function's account and audience",
            )


def subscriptions_that_expire(plan: Plan) -> Iterator[Finding]:
    """A subscription without calls for its ttl is deleted, with its messages."""
    for subscription in resources(plan, "google_pubsub_subscription"):
        policies = subscription.after.get("expiration_policy") or [{}]
        if policies[0].get("ttl") != "":
            yield Finding(
                subscription.address,
                "a quiet month deletes the subscription and what it holds",
                'set expiration_policy { ttl = "" }',
            )


def public_invokers(plan: Plan) -> Iterator[Finding]:
    """Who may call without being known may call as anybody."""
    for resource in resources(plan):
        if resource.address.endswith(GATEWAY_INVOKER):
            continue
        if any(text in PUBLIC for text in strings(resource.after)):
            yield Finding(
                resource.address, "everybody on the internet is let in", "name one account"
            )


RULES: Final[tuple[Rule, ...]] = (
    dead_letter_topic_without_subscription,
    missing_grants,
    missing_dead_letter_policy,
    time_limit_over_ack_deadline,
    filters,
    exactly_once_on_push,
    pushes_without_a_token,
    subscriptions_that_expire,
    public_invokers,
)


def findings(plan: Plan) -> list[Finding]:
    """All that the rules find. Raises: KeyError, TypeError when `plan` is no plan."""
    return [finding for rule in RULES for finding in rule(plan)]


def _with_dead_letters(plan: Plan) -> list[Resource]:
    return [s for s in pushes(plan) if s.after.get("dead_letter_policy")]


def _agent_has(plan: Plan, kind: str, role: str, key: str | None) -> bool:
    return any(
        grant.key == key and grant.after["role"] == role and AGENT in str(grant.after.get("member"))
        for grant in resources(plan, kind)
    )


def _task_type(function: Resource) -> str | None:
    """The task type in the address of a function's module: module.task_function["send_email"]."""
    _, quote, rest = function.address.partition('task_function["')
    return rest.partition('"]')[0] if quote else None
