"""A mistake of each kind, planted in a copy, is found: by Terraform, or by a policy."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from emulators.terraform.errors import TerraformError
from emulators.terraform.planning import Plan, plan
from shared.cli import plan_rules
from tests.integration.infra import policies
from tests.integration.infra.conftest import ROOT

MODULES = "infra/modules"
MESSAGING = f"{MODULES}/messaging/main.tf"
FUNCTION = f"{MODULES}/task_function/main.tf"


class Mistake(NamedTuple):
    """One text of a file replaced by another."""

    file: str
    text: str
    instead: str


def planted(folder: Path, mistakes: Iterable[Mistake]) -> Path:
    """Copy what a plan needs to `folder`, mistakes and all; return the copy's root."""
    shutil.copytree(ROOT / "infra", folder / "infra")
    for task in (ROOT / "functions").glob("*/task.yaml"):
        shutil.copytree(task.parent, folder / "functions" / task.parent.name)
    for mistake in mistakes:
        source = (folder / mistake.file).read_text()
        assert mistake.text in source, f"{mistake.text!r} is not in {mistake.file} any more"
        (folder / mistake.file).write_text(source.replace(mistake.text, mistake.instead))
    return folder


NAMES_AND_TYPES = {
    "ack_deadline_secs": Mistake(MESSAGING, "ack_deadline_seconds ", "ack_deadline_secs "),
    "a bool is required": Mistake(
        MESSAGING, "retain_acked_messages      = false", 'retain_acked_messages = "no"'
    ),
    "google_pubsub_queue": Mistake(
        MESSAGING,
        'resource "google_pubsub_topic_iam_member" "relay_copies"',
        'resource "google_pubsub_queue" "relay_copies"',
    ),
    "Too many build_config blocks": Mistake(
        FUNCTION, "  build_config {", "  build_config {}\n  build_config {"
    ),
}


def test_terraform_refuses_wrong_names_types_and_numbers_of_blocks(tmp_path, found):
    root = planted(tmp_path, NAMES_AND_TYPES.values())

    with pytest.raises(TerraformError) as refused:
        plan(root, "dev", found)

    said = " ".join(str(refused.value).split())
    assert [named for named in NAMES_AND_TYPES if named not in said] == []


VALUES = {
    "connections": Mistake(
        "infra/environments/dev/main.tf",
        "max_instances_per_type   = 3",
        "max_instances_per_type = 30",
    ),
    "whole numbers of 1 to 3650": Mistake(
        "infra/environments/dev/main.tf", "= var.retention_days", "= { ended = 0.5 }"
    ),
    "audit must be at least 30": Mistake(
        "infra/environments/dev/main.tf", "= var.retention_days", "= { audit = 29 }"
    ),
    "digest": Mistake("infra/environments/dev/example.tfvars", "@sha256:", ":latest-"),
}


@pytest.mark.parametrize("named", VALUES)
def test_a_module_refuses_a_value_out_of_range(tmp_path, found, named):
    root = planted(tmp_path, [VALUES[named]])

    with pytest.raises(TerraformError) as refused:
        plan(root, "dev", found)

    assert named in str(refused.value)


def test_an_archive_that_is_not_there_is_refused_with_the_fix(tmp_path, found):
    missing = tmp_path / f"cloudtasker-{'1' * 64}.zip"

    with pytest.raises(TerraformError) as refused:
        plan(ROOT, "dev", found, missing)

    assert "is not there: `make package` builds one" in " ".join(
        str(refused.value).replace("│", "").split()
    )


BREACHES = {
    policies.roles_are_narrow: Mistake(
        f"{MODULES}/cloudtasker/main.tf", '"roles/logging.logWriter"', '"roles/editor"'
    ),
    policies.project_grants_are_few: Mistake(
        f"{MODULES}/cloudtasker/main.tf", '"roles/cloudtrace.agent"', '"roles/pubsub.publisher"'
    ),
    policies.functions_are_internal: Mistake(FUNCTION, '"ALLOW_INTERNAL_ONLY"', '"ALLOW_ALL"'),
    policies.data_is_private: Mistake(
        f"{MODULES}/data/main.tf", "auth_enabled            = true", "auth_enabled = false"
    ),
    policies.production_is_protected: Mistake(
        "infra/environments/prod/main.tf",
        "deletion_protection      = true",
        "deletion_protection = false",
    ),
    policies.each_subscription_has_an_alert: Mistake(
        f"{MODULES}/observability/main.tf", "for_each = var.subscriptions", "for_each = {}"
    ),
    policies.the_cache_is_read_by_who_asks_it: Mistake(
        f"{MODULES}/cloudtasker/main.tf",
        'concat(["enqueue", "grpc_gateway"],',
        'concat(["enqueue", "grpc_gateway", "noop"],',
    ),
    policies.builds_go_to_one_repository: Mistake(
        FUNCTION, "    docker_repository = var.build.repository\n", ""
    ),
    policies.restarts_ask_no_database: Mistake(
        f"{MODULES}/grpc_gateway/main.tf", '          service = "liveness"', "         "
    ),
    policies.probes_wait_for_an_answer: Mistake(
        f"{MODULES}/grpc_gateway/main.tf", "        timeout_seconds   = 3\n", ""
    ),
    policies.only_log_alerts_limit_their_rate: Mistake(
        f"{MODULES}/observability/main.tf",
        'auto_close = "86400s"\n  }\n\n  documentation {\n    mime_type = "text/markdown"\n'
        '    content   = "Tasks',
        'auto_close = "86400s"\n    notification_rate_limit {\n      period = "3600s"\n    }\n'
        '  }\n\n  documentation {\n    mime_type = "text/markdown"\n    content   = "Tasks',
    ),
    policies.each_service_has_an_alert_on_its_instances: Mistake(
        f"{MODULES}/cloudtasker/main.tf",
        "    (module.enqueue.service)      = var.api_max",
        "    x = 1 # ",
    ),
    policies.reads_of_secrets_are_recorded: Mistake(
        f"{MODULES}/records/main.tf",
        '"secretmanager.googleapis.com" = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]',
        '"secretmanager.googleapis.com" = ["ADMIN_READ"]',
    ),
    policies.the_api_is_asked_from_outside: Mistake(
        f"{MODULES}/observability/main.tf", '"/health"', '"/ready"'
    ),
    policies.grants_name_one_member: Mistake(
        MESSAGING,
        'roles/pubsub.publisher"\n  member  = "serviceAccount:${var.publishers["relay"]}"\n}\n',
        'roles/pubsub.publisher"\n  member  = "serviceAccount:${var.publishers["relay"]}"\n}\n'
        'resource "google_pubsub_topic_iam_binding" "all" {\n  topic = "t"\n'
        '  role = "roles/pubsub.publisher"\n  members = []\n}\n',
    ),
    plan_rules.subscriptions_that_expire: Mistake(MESSAGING, 'ttl = "" # never', 'ttl = "99999s"'),
    plan_rules.public_invokers: Mistake(
        FUNCTION, 'member   = "serviceAccount:${var.push_account}"', 'member   = "allUsers"'
    ),
    plan_rules.time_limit_over_ack_deadline: Mistake(
        FUNCTION,
        "timeout_seconds                  = var.limits.ack_deadline_seconds",
        "timeout_seconds = var.limits.ack_deadline_seconds + 1",
    ),
    plan_rules.exactly_once_on_push: Mistake(
        MESSAGING, "  retain_acked_messages ", "  enable_exactly_once_delivery = true\n  # "
    ),
    plan_rules.filters: Mistake(
        MESSAGING, "  ack_deadline_seconds ", '  filter = "attributes:a"\n  ack_deadline_seconds '
    ),
    plan_rules.pushes_without_a_token: Mistake(
        MESSAGING, "audience              = var.dead_letter.audience", ""
    ),
    plan_rules.missing_grants: Mistake(
        MESSAGING,
        'role         = "roles/pubsub.subscriber"',
        'role         = "roles/pubsub.viewer"',
    ),
    plan_rules.dead_letter_topic_without_subscription: Mistake(
        MESSAGING,
        'resource "google_pubsub_subscription" "dead_hold" {\n  for_each = var.task_types',
        'resource "google_pubsub_subscription" "dead_hold" {\n  for_each = {}',
    ),
    plan_rules.missing_dead_letter_policy: Mistake(
        MESSAGING,
        "  dead_letter_policy {\n"
        "    dead_letter_topic     = google_pubsub_topic.dead[each.key].id\n"
        "    max_delivery_attempts = each.value.max_attempts\n  }\n",
        "",
    ),
}
IN_DEV = {
    policies.dev_can_be_taken_away: Mistake(
        f"{MODULES}/cloudtasker/main.tf", "= !var.deletion_protection", "= false"
    ),
}
# Without its policy a subscription needs no grants, so these two are not planted together; and the
# module's outputs name the subscriptions that hold dead letters.
LATER = (plan_rules.missing_grants, plan_rules.dead_letter_topic_without_subscription)
AT_ONCE = [check for check in BREACHES if check not in LATER]


def broken(check, breached: Plan) -> list:
    """What a policy of ours, or a rule of doctor's, finds."""
    given = breached if check in policies.POLICIES else breached.json
    return list(check(given))


@pytest.fixture(scope="module")
def breached(tmp_path_factory, found) -> Plan:
    mistakes = [BREACHES[check] for check in AT_ONCE]
    return plan(planted(tmp_path_factory.mktemp("breached"), mistakes), "prod", found)


@pytest.mark.parametrize("check", AT_ONCE, ids=lambda check: check.__name__)
def test_a_check_finds_its_mistake(breached, check):
    assert broken(check, breached) != []


def test_missing_grants_unheard_dead_letters_and_a_dev_that_stays_are_found(tmp_path, found):
    outputs = Mistake(
        f"{MODULES}/messaging/outputs.tf",
        "google_pubsub_subscription.dead_hold[type].name",
        '"nobody"',
    )
    later = {check: BREACHES[check] for check in LATER} | IN_DEV
    mistaken = plan(planted(tmp_path, [*later.values(), outputs]), "dev", found)

    assert [check.__name__ for check in later if not broken(check, mistaken)] == []
