"""What must hold of every deployment of ours, beside the rules that `cloudtasker doctor` ships:
functions from a plan to the breaches in it."""

from collections.abc import Callable

from emulators.terraform.planning import Plan
from grpc_gateway.health import LIVE
from shared.adapters.catalogue import load_catalogue
from shared.domain.task_type import TaskType
from shared.readiness import ANSWER_SECONDS
from shared.settings import ROOT
from tests.integration.infra.resources import resources, strings

PRIMITIVE = ("roles/owner", "roles/editor", "roles/viewer")
ADMIN_ENDINGS = (".admin", "Admin")
CALLERS = {"ct-push", "ct-scheduler", "ct-api-gateway", "ct-build"}

Policy = Callable[[Plan], list[str]]


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
        "roles/cloudsql.client", "roles/cloudsql.instanceUser", "roles/cloudtrace.agent",
        "roles/logging.logWriter", "roles/monitoring.metricWriter",
    }  # fmt: skip
    return [
        f"{resource.address}: {resource.after['role']}"
        for resource in resources(plan, "google_project_iam_member")
        if resource.after["role"] not in allowed
        or ("cloudsql" in resource.after["role"] and not resource.after.get("condition"))
    ]


def each_workload_has_its_own_account(plan: Plan) -> list[str]:
    """What one may do, no other may."""
    accounts = [
        account.after["account_id"]
        for account in resources(plan, "google_service_account")
        if account.type == "google_service_account"
    ]
    workloads = [
        found
        for kind in ("google_cloudfunctions2_function", "google_cloud_run_v2_service")
        for found in resources(plan, kind)
        if found.type == kind
    ]
    jobs = resources(plan, "google_cloud_run_v2_job")
    missing = len(workloads) + len(jobs) - len([a for a in accounts if a not in CALLERS])
    return [f"{missing} workloads share an account"] if missing > 0 else []


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
        text
        for policy in resources(plan, "google_monitoring_alert_policy")
        for text in strings(policy.after)
    )
    return [
        subscription.address
        for subscription in resources(plan, "google_pubsub_subscription")
        if subscription.type == "google_pubsub_subscription"
        and f'"{subscription.after["name"]}"' not in watched
    ]


def each_service_has_an_alert_on_its_instances(plan: Plan) -> list[str]:
    """Somebody is told before no more can start; one instance alone is always the most."""
    watched = " ".join(
        text
        for policy in resources(plan, "google_monitoring_alert_policy")
        for text in strings(policy.after)
        if "instance_count" in text
    )
    limits = {
        function.after["name"]: function.after["service_config"][0]["max_instance_count"]
        for function in resources(plan, "google_cloudfunctions2_function")
    } | {
        service.after["name"]: service.after["template"][0]["scaling"][0]["max_instance_count"]
        for service in resources(plan, "google_cloud_run_v2_service")
        if service.type == "google_cloud_run_v2_service"
    }
    # The relay and the dead letters are called one by one.
    limits = {name: most for name, most in limits.items() if name not in ("relay", "dead-letter")}
    return [name for name, most in limits.items() if most > 1 and f'"{name}"' not in watched]


def reads_of_secrets_are_recorded(plan: Plan) -> list[str]:
    """Who read a secret can be found out later, for as long as the log is kept."""
    recorded = [
        audit.after["service"]
        for audit in resources(plan, "google_project_iam_audit_config")
        if any(log["log_type"] == "DATA_READ" for log in audit.after["audit_log_config"])
    ]
    kept = [sink.after["filter"] for sink in resources(plan, "google_logging_project_sink")]
    missing = [] if "secretmanager.googleapis.com" in recorded else ["no audit of secrets"]
    return missing + ([] if any("data_access" in f for f in kept) else ["no sink keeps it"])


def the_api_is_asked_from_outside(plan: Plan) -> list[str]:
    """By a check whose failure somebody is told of."""
    checks = resources(plan, "google_monitoring_uptime_check_config")
    paths = [check.after["http_check"][0]["path"] for check in checks]
    alerts = [
        policy.address
        for policy in resources(plan, "google_monitoring_alert_policy")
        if "api_away" in policy.address
    ]
    return [] if paths == ["/health"] and alerts else [f"{paths}, {alerts}"]


def data_is_private(plan: Plan) -> list[str]:
    """No public address, no plain connection, no public object."""
    open_buckets = [
        bucket.address
        for bucket in resources(plan, "google_storage_bucket")
        if bucket.type == "google_storage_bucket"
        and not (
            bucket.after["uniform_bucket_level_access"]
            and bucket.after["public_access_prevention"] == "enforced"
        )
    ]
    public = open_buckets + [
        database.address
        for database in resources(plan, "google_sql_database_instance")
        if database.after["settings"][0]["ip_configuration"][0]["ipv4_enabled"]
    ]
    return public + [
        cache.address
        for cache in resources(plan, "google_redis_instance")
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
        for kind in ("google_secret_manager_secret_version", "google_sql_user")
        for resource in resources(plan, kind)
        if any(resource.after.get(name) for name in ("secret_data", "secret_data_wo"))
        or any(resource.after.get(name) for name in ("password", "password_wo"))
    ]


def the_cache_is_read_by_who_asks_it(plan: Plan) -> list[str]:
    """The API, and task types that take turns in it."""
    limited = [f'/{name}"]' for name, found in load_catalogue(ROOT).items() if takes_turns(found)]
    return [
        grant.address
        for grant in resources(plan, "google_secret_manager_secret_iam_member")
        if grant.after["secret_id"] == "redis-url"
        and not grant.address.endswith(('/enqueue"]', '/grpc_gateway"]', *limited))
    ]


def takes_turns(task_type: TaskType) -> bool:
    """Return whether only so many tasks of the type may run at once, or so often."""
    limits = task_type.limits
    return any((limits.max_concurrent, limits.max_concurrent_per_key, limits.rate_per_second))


def builds_go_to_one_repository(plan: Plan) -> list[str]:
    """A function's image is built where the build account may write, and nowhere else."""
    return [
        function.address
        for function in resources(plan, "google_cloudfunctions2_function")
        if not str(function.after["build_config"][0].get("docker_repository")).endswith(
            "/repositories/cloudtasker-functions"
        )
    ]


def restarts_ask_no_database(plan: Plan) -> list[str]:
    """A probe that restarts a process asks for what a restart brings back."""
    wrong = []
    for address, kind, probe in probes(plan):
        asked = [grpc["service"] for grpc in probe["grpc"]]
        asked += [http["path"] for http in probe["http_get"]]
        if kind == "liveness_probe" and asked not in ([LIVE], ["/health"]):
            wrong.append(f"{address}: {asked}")
    return wrong


def probes_wait_for_an_answer(plan: Plan) -> list[str]:
    """Readiness takes as long as what it asks; a probe waits longer, and not over its period."""
    return [
        f"{address}: {kind}"
        for address, kind, probe in probes(plan)
        if not ANSWER_SECONDS < (probe["timeout_seconds"] or 1) <= (probe["period_seconds"] or 10)
        or (probe["period_seconds"] or 10) * (probe["failure_threshold"] or 3) > 240
    ]


def probes(plan: Plan) -> list[tuple[str, str, dict]]:
    """Return every probe of a Cloud Run service: its address, its kind, itself."""
    return [
        (service.address, kind, probe)
        for service in resources(plan, "google_cloud_run_v2_service")
        if service.type == "google_cloud_run_v2_service"
        for kind in ("startup_probe", "liveness_probe")
        for probe in service.after["template"][0]["containers"][0][kind]
    ]


def only_log_alerts_limit_their_rate(plan: Plan) -> list[str]:
    """Cloud Monitoring refuses a notification rate limit on a metric's alert, and demands it of a
    log's."""
    return [
        policy.address
        for policy in resources(plan, "google_monitoring_alert_policy")
        if any(c["condition_matched_log"] for c in policy.after["conditions"])
        != any(s["notification_rate_limit"] for s in policy.after["alert_strategy"])
    ]


def dev_can_be_taken_away(plan: Plan) -> list[str]:
    """Nothing in dev refuses `terraform destroy`."""
    if plan.environment != "dev":
        return []
    return [
        found.address
        for found in resources(plan)
        if found.after.get("deletion_protection")
        or (found.type == "google_storage_bucket" and not found.after["force_destroy"])
        or (
            found.type in ("google_sql_user", "google_sql_database")
            and found.after["deletion_policy"] != "ABANDON"
        )
    ]


POLICIES: tuple[Policy, ...] = (
    builds_go_to_one_repository,
    data_is_private,
    dev_can_be_taken_away,
    each_service_has_an_alert_on_its_instances,
    each_subscription_has_an_alert,
    each_workload_has_its_own_account,
    functions_are_internal,
    grants_name_one_member,
    only_log_alerts_limit_their_rate,
    probes_wait_for_an_answer,
    production_is_protected,
    project_grants_are_few,
    reads_of_secrets_are_recorded,
    restarts_ask_no_database,
    roles_are_narrow,
    secrets_stay_out_of_the_plan,
    the_api_is_asked_from_outside,
    the_cache_is_read_by_who_asks_it,
)
