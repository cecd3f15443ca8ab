"""A mistake of each kind, planted in a copy, is found: by Terraform, or by a policy."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from emulators.terraform.errors import TerraformError
from emulators.terraform.planning import Plan, plan
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
    "digest": Mistake("infra/environments/dev/example.tfvars", "@sha256:", ":latest-"),
}


@pytest.mark.parametrize("named", VALUES)
def test_a_module_refuses_a_value_out_of_range(tmp_path, found, named):
    root = planted(tmp_path, [VALUES[named]])

    with pytest.raises(TerraformError) as refused:
        plan(root, "dev", found)

    assert named in str(refused.value)


BREACHES = {
    policies.subscriptions_never_expire: Mistake(MESSAGING, 'ttl = "" # never', 'ttl = "99999s"'),
    policies.the_agent_may_forward: Mistake(
        MESSAGING,
        'role         = "roles/pubsub.subscriber"',
        'role         = "roles/pubsub.viewer"',
    ),
    policies.roles_are_narrow: Mistake(
        f"{MODULES}/cloudtasker/main.tf", '"roles/artifactregistry.writer"', '"roles/editor"'
    ),
    policies.project_grants_are_few: Mistake(
        f"{MODULES}/cloudtasker/main.tf", '"roles/cloudtrace.agent"', '"roles/pubsub.publisher"'
    ),
    policies.nothing_is_public: Mistake(
        FUNCTION, 'member   = "serviceAccount:${var.push_account}"', 'member   = "allUsers"'
    ),
    policies.functions_are_internal: Mistake(FUNCTION, '"ALLOW_INTERNAL_ONLY"', '"ALLOW_ALL"'),
    policies.time_limits_fit_ack_deadlines: Mistake(
        FUNCTION,
        "timeout_seconds                  = var.limits.ack_deadline_seconds",
        "timeout_seconds = var.limits.ack_deadline_seconds + 1",
    ),
    policies.nothing_is_filtered_or_exactly_once_on_push: Mistake(
        MESSAGING, "  retain_acked_messages ", "  enable_exactly_once_delivery = true\n  # "
    ),
    policies.pushes_carry_tokens: Mistake(
        MESSAGING, "audience              = var.dead_letter.audience", ""
    ),
    policies.task_pushes_have_a_dead_letter_topic: Mistake(
        MESSAGING,
        "  dead_letter_policy {\n"
        "    dead_letter_topic     = google_pubsub_topic.dead[each.key].id\n"
        "    max_delivery_attempts = each.value.max_attempts\n  }\n",
        "",
    ),
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
}
# A policy about what the other mistakes take away is looked at in a plan without them.
FORWARDING = (policies.the_agent_may_forward,)


@pytest.fixture(scope="module")
def breached(tmp_path_factory, found) -> Plan:
    mistakes = [mistake for policy, mistake in BREACHES.items() if policy not in FORWARDING]
    return plan(planted(tmp_path_factory.mktemp("breached"), mistakes), "prod", found)


@pytest.mark.parametrize(
    "policy",
    [policy for policy in BREACHES if policy not in FORWARDING],
    ids=lambda policy: policy.__name__,
)
def test_a_policy_finds_its_mistake(breached, policy):
    assert policy(breached) != []


def test_a_missing_grant_of_pubsubs_own_account_is_found(tmp_path, found):
    root = planted(tmp_path, [BREACHES[policies.the_agent_may_forward]])

    assert policies.the_agent_may_forward(plan(root, "dev", found)) != []
