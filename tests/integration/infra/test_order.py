"""What must be there first is there first: from the order in which Terraform would make things."""

import re
from collections.abc import Mapping

import pytest

from emulators.terraform.terraform import Terraform, copy_of
from tests.integration.infra.conftest import ENVIRONMENTS, ROOT

APIS = "project_services.google_project_service.main"
MIGRATE = "google_cloud_run_v2_job.migrate"
BEFORE_THE_MIGRATION = {
    "data.google_sql_database.main",
    "data.google_sql_user.migrate",
    "data.google_sql_user.workload",
    "data.google_project_iam_member.sql_client",
    "secrets.google_secret_manager_secret_iam_member.accessor",
    "secrets.google_secret_manager_secret_version.main",
    "network.google_service_networking_connection.services",
}
BEFORE_A_FUNCTION = BEFORE_THE_MIGRATION | {
    MIGRATE,
    "google_artifact_registry_repository_iam_member.build_writes",
    "google_project_iam_member.build",
    "google_storage_bucket_iam_member.build_reads",
}
FUNCTIONS = (
    "task_function.google_cloudfunctions2_function.main",
    "enqueue.google_cloudfunctions2_function.main",
    "relay.google_cloudfunctions2_function.main",
    "dead_letter.google_cloudfunctions2_function.main",
)
AGENT = "messaging.google_project_service_identity.pubsub"
GRANTS_OF_THE_AGENT = (
    "google_pubsub_topic_iam_member.agent_forwards",
    "google_pubsub_subscription_iam_member.agent_acks",
    "google_service_account_iam_member.agent_signs",
)

Graph = Mapping[str, set[str]]


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def waits_for(request, found) -> Graph:
    """By resource, all that Terraform makes before it."""
    with copy_of(ROOT) as copied:
        terraform = Terraform(copied / "infra" / "environments" / request.param, found)
        terraform.run("init", "-no-color")
        return closure(terraform.run("graph").stdout)


def closure(dot: str) -> Graph:
    """Return who waits for whom, directly or not, by addresses without `module.` parts."""
    short = dot.replace("module.cloudtasker.", "").replace("module.", "")
    direct = {name: set() for name in re.findall(r'^ +"([^"]+)" \[label', short, re.M)}
    for later, earlier in re.findall(r'^ +"([^"]+)" -> "([^"]+)";', short, re.M):
        direct[later].add(earlier)
    reached: dict[str, set[str]] = {}

    def reach(name: str) -> set[str]:
        if name not in reached:
            reached[name] = direct[name].union(*map(reach, direct[name]))
        return reached[name]

    return {name: reach(name) for name in direct}


def test_every_resource_waits_for_the_apis(waits_for):
    early = [name for name, earlier in waits_for.items() if APIS not in earlier]

    assert [name for name in early if name != APIS] == []
    assert len(waits_for) > 50


def test_the_migration_waits_for_its_user_its_grants_and_its_secret(waits_for):
    assert BEFORE_THE_MIGRATION - waits_for[MIGRATE] == set()


@pytest.mark.parametrize("grant", GRANTS_OF_THE_AGENT)
def test_what_pubsub_itself_is_granted_waits_until_its_account_exists(waits_for, grant):
    assert AGENT in waits_for[f"messaging.{grant}"]


def test_work_is_pushed_after_somebody_holds_its_dead_letters(waits_for):
    earlier = waits_for["messaging.google_pubsub_subscription.tasks_push"]

    assert "messaging.google_pubsub_subscription.dead_hold" in earlier
    assert "messaging.google_pubsub_topic_iam_member.agent_forwards" in earlier


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_rolls_out_after_the_migration_and_the_grants_to_build_it(waits_for, function):
    assert BEFORE_A_FUNCTION - waits_for[function] == set()


def test_services_that_are_not_built_here_roll_out_after_the_migration_too(waits_for):
    for service in ("grpc_gateway", "task_function"):
        assert MIGRATE in waits_for[f"{service}.google_cloud_run_v2_service.main"]
