"""What must hold of every deployment, as functions from a plan to the breaches in it."""

from collections.abc import Callable

from emulators.terraform.planning import Plan
from tests.integration.infra.resources import Resource, resources, strings

PUBLIC = ("allUsers", "allAuthenticatedUsers")
# Reachable through the load balancer alone, and it authenticates its callers itself.
PUBLIC_ON_PURPOSE = {"module.grpc_gateway.google_cloud_run_v2_service_iam_member.load_balancer"}
PRIMITIVE = ("roles/owner", "roles/editor", "roles/viewer")
ADMIN_ENDINGS = (".admin", "Admin")

Policy = Callable[[Plan], list[str]]


def nothing_is_public(plan: Plan) -> list[str]:
    """No grant to everybody, but the one that is meant."""
    return [
        resource.address
        for resource in resources(plan)
        if any(text in PUBLIC for text in strings(resource.after))
        and resource.address not in PUBLIC_ON_PURPOSE
    ]


def roles_are_narrow(plan: Plan) -> list[str]:
    """No primitive and no admin role."""
    return [
        f"{resource.address}: {role}"
        for resource in resources(plan)
        if (role := resource.after.get("role"))
        and (role in PRIMITIVE or role.endswith(ADMIN_ENDINGS))
    ]


def grants_name_one_member(plan: Plan) -> list[str]:
    """No binding and no whole policy: they would take away what others have granted."""
    return [
        resource.address
        for resource in resources(plan)
        if resource.type.endswith(("_iam_binding", "_iam_policy"))
    ]


def project_grants_are_few(plan: Plan) -> list[str]:
    """What can be granted on a resource is not granted on the project."""
    allowed = {
        "roles/artifactregistry.writer", "roles/cloudsql.client", "roles/cloudsql.instanceUser",
        "roles/cloudtrace.agent", "roles/logging.logWriter", "roles/monitoring.metricWriter",
    }  # fmt: skip
    return [
        f"{resource.address}: {resource.after['role']}"
        for resource in resources(plan, "google_project_iam")
        if resource.after["role"] not in allowed
        or ("cloudsql" in resource.after["role"] and not resource.after.get("condition"))
    ]


def pushes_carry_tokens(plan: Plan) -> list[str]:
    """Every push has an account and an audience of its own choosing."""
    return [
        subscription.address
        for subscription in _pushes(plan)
        if not (tokens := subscription.after["push_config"][0].get("oidc_token"))
        or not tokens[0].get("audience")
    ]


def task_pushes_have_a_dead_letter_topic(plan: Plan) -> list[str]:
    """A task that keeps failing leaves its subscription."""
    return [
        subscription.address
        for subscription in _pushes(plan)
        if "dead_push" not in subscription.address
        and not subscription.after.get("dead_letter_policy")
    ]


def subscriptions_never_expire(plan: Plan) -> list[str]:
    """A quiet month does not delete a queue."""
    return [
        subscription.address
        for subscription in resources(plan, "google_pubsub_subscription")
        if subscription.type == "google_pubsub_subscription"
        and [policy.get("ttl") for policy in subscription.after["expiration_policy"]] != [""]
    ]


def nothing_is_filtered_or_exactly_once_on_push(plan: Plan) -> list[str]:
    """Filters drop silently, and push has no exactly-once delivery."""
    return [
        subscription.address
        for subscription in _pushes(plan)
        if subscription.after.get("filter")
        or subscription.after.get("enable_exactly_once_delivery")
    ]


def dead_letter_topics_are_listened_to(plan: Plan) -> list[str]:
    """A message to a topic without a subscription is lost."""
    heard = {
        subscription.key
        for subscription in resources(plan, "google_pubsub_subscription")
        if ".dead_hold[" in subscription.address
    }
    return [
        topic.address
        for topic in resources(plan, "google_pubsub_topic")
        if ".google_pubsub_topic.dead[" in topic.address and topic.key not in heard
    ]


def the_agent_may_forward(plan: Plan) -> list[str]:
    """Without both grants Pub/Sub drops dead letters and says nothing."""
    granted = {
        (resource.type, resource.key, resource.after["role"])
        for resource in resources(plan, "google_pubsub_")
        if "gcp-sa-pubsub" in str(resource.after.get("member"))
    }
    needed = [
        ("google_pubsub_topic_iam_member", "roles/pubsub.publisher"),
        ("google_pubsub_subscription_iam_member", "roles/pubsub.subscriber"),
    ]
    return [
        f"{subscription.address}: {role}"
        for subscription in _pushes(plan)
        if subscription.after.get("dead_letter_policy")
        for kind, role in needed
        if (kind, subscription.key, role) not in granted
    ]


def time_limits_fit_ack_deadlines(plan: Plan) -> list[str]:
    """A function is not cut off before Pub/Sub gives up on it, nor the other way round."""
    deadlines = {
        subscription.key: subscription.after["ack_deadline_seconds"]
        for subscription in _pushes(plan)
        if "tasks_push" in subscription.address
    }
    return [
        function.address
        for function in resources(plan, "google_cloudfunctions2_function")
        if "task_function" in function.address
        and function.after["service_config"][0]["timeout_seconds"]
        > deadlines[function.address.split('"')[1]]
    ]


def each_workload_has_its_own_account(plan: Plan) -> list[str]:
    """What one may do, no other may."""
    accounts = [
        account.after["account_id"] for account in resources(plan, "google_service_account")
        if account.type == "google_service_account"
    ]  # fmt: skip
    workloads = resources(plan, "google_cloudfunctions2_function")
    workloads += [
        service for service in resources(plan, "google_cloud_run_v2_service")
        if service.type == "google_cloud_run_v2_service"
    ]  # fmt: skip
    missing = len(workloads) + 1 - len([a for a in accounts if a not in CALLERS])
    return [f"{missing} workloads share an account"] if missing > 0 else []


CALLERS = {"ct-push", "ct-scheduler", "ct-api-gateway", "ct-build"}


def functions_are_internal(plan: Plan) -> list[str]:
    """Only what API Gateway fronts is reachable from outside."""
    return [
        function.address
        for function in resources(plan, "google_cloudfunctions2_function")
        if function.after["service_config"][0]["ingress_settings"] != "ALLOW_INTERNAL_ONLY"
        and function.after["name"] != "enqueue"
    ]


def each_subscription_has_an_alert(plan: Plan) -> list[str]:
    """Somebody is told of what waits too long."""
    watched = " ".join(
        text for policy in resources(plan, "google_monitoring_alert_policy")
        for text in strings(policy.after)
    )  # fmt: skip
    return [
        subscription.address
        for subscription in resources(plan, "google_pubsub_subscription")
        if subscription.type == "google_pubsub_subscription"
        and f'"{subscription.after["name"]}"' not in watched
    ]


def data_is_private(plan: Plan) -> list[str]:
    """No public address, no plain connection."""
    databases = resources(plan, "google_sql_database_instance")
    caches = resources(plan, "google_redis_instance")
    return [
        database.address
        for database in databases
        if database.after["settings"][0]["ip_configuration"][0]["ipv4_enabled"]
    ] + [
        cache.address
        for cache in caches
        if not cache.after["auth_enabled"]
        or cache.after["transit_encryption_mode"] != "SERVER_AUTHENTICATION"
    ]


def production_is_protected(plan: Plan) -> list[str]:
    """What holds data cannot be deleted by a mistaken apply."""
    if plan.environment != "prod":
        return []
    return [
        database.address
        for database in resources(plan, "google_sql_database_instance")
        if not database.after["deletion_protection"]
        or not database.after["settings"][0]["deletion_protection_enabled"]
    ]


def secrets_stay_out_of_the_plan(plan: Plan) -> list[str]:
    """A plan is kept by machines that may not know them."""
    return [
        resource.address
        for resource in resources(plan, "google_secret_manager_secret_version")
        if any("example" in text for text in strings(resource.after.get("secret_data_wo") or ""))
        or resource.after.get("secret_data")
    ]


def _pushes(plan: Plan) -> list[Resource]:
    return [
        subscription
        for subscription in resources(plan, "google_pubsub_subscription")
        if subscription.type == "google_pubsub_subscription"
        and subscription.after.get("push_config")
    ]


POLICIES: tuple[Policy, ...] = (
    data_is_private,
    dead_letter_topics_are_listened_to,
    each_subscription_has_an_alert,
    each_workload_has_its_own_account,
    functions_are_internal,
    grants_name_one_member,
    nothing_is_filtered_or_exactly_once_on_push,
    nothing_is_public,
    production_is_protected,
    project_grants_are_few,
    pushes_carry_tokens,
    roles_are_narrow,
    secrets_stay_out_of_the_plan,
    subscriptions_never_expire,
    task_pushes_have_a_dead_letter_topic,
    the_agent_may_forward,
    time_limits_fit_ack_deadlines,
)
