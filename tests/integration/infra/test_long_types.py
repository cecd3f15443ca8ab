"""`mode: long`: a service of the functions' image, whose CPU stays on after its answer."""

import shutil

import pytest

from emulators.terraform.errors import TerraformError
from emulators.terraform.planning import Plan, plan
from shared.cli.plan_rules import RULES
from tests.integration.infra.conftest import ROOT
from tests.integration.infra.policies import POLICIES
from tests.integration.infra.resources import resources

SAID = "mode: long\ntime_limit_seconds: 1800\ncpu: 2\nmemory_mb: 1024\nmax_instances: 2\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project with one task type more, which is long."""
    folder = tmp_path_factory.mktemp("long")
    shutil.copytree(ROOT / "infra", folder / "infra")
    for task in (ROOT / "functions").glob("*/task.yaml"):
        shutil.copytree(task.parent, folder / "functions" / task.parent.name)
    shutil.copytree(ROOT / "functions" / "noop", folder / "functions" / "render_film")
    (folder / "functions" / "render_film" / "task.yaml").write_text(SAID)
    return folder


@pytest.fixture(scope="module")
def with_a_long_type(root, found) -> Plan:
    return plan(root, "dev", found)


@pytest.fixture(scope="module")
def service(with_a_long_type) -> dict:
    (one,) = [
        service.after
        for service in resources(with_a_long_type, "google_cloud_run_v2_service")
        if (service.type, service.after["name"]) == ("google_cloud_run_v2_service", "render-film")
    ]
    return one


def test_it_is_no_function(with_a_long_type):
    functions = resources(with_a_long_type, "google_cloudfunctions2_function")

    assert "render-film" not in {function.after["name"] for function in functions}


def test_its_cpu_stays_on_and_its_size_is_that_of_the_task_yaml(service):
    (container,) = service["template"][0]["containers"]

    assert container["resources"][0]["cpu_idle"] is False
    assert container["resources"][0]["limits"] == {"cpu": "2", "memory": "1024Mi"}
    assert service["template"][0]["scaling"][0]["max_instance_count"] == 2


def test_it_is_acked_at_once_and_not_taken_away_while_it_works(service):
    assert service["template"][0]["timeout"] == "60s"
    assert service["template"][0]["scaling"][0]["min_instance_count"] == 1


def test_it_is_internal_and_pushed_to_by_the_push_account_alone(service, with_a_long_type):
    grants = [
        grant
        for grant in resources(with_a_long_type, "google_cloud_run_v2_service_iam_member")
        if grant.after["name"] == "render-film"
    ]

    assert service["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert [grant.address for grant in grants] == [
        'module.task_function["render_film"].google_cloud_run_v2_service_iam_member.push'
    ]


def test_the_image_is_told_which_function_it_is_and_keeps_its_import_path(service):
    dockerfile = (ROOT / "functions" / "Dockerfile").read_text()
    environment = service["template"][0]["containers"][0]["env"]
    said = {
        env["name"]: env.get("value") for env in environment
    }  # what is not known yet is not there

    assert said["FUNCTION_TARGET"] == "render_film"
    assert "${FUNCTION_TARGET:-" in dockerfile
    assert "PYTHONPATH=" in dockerfile
    assert "PYTHONPATH" not in said


@pytest.mark.parametrize("check", [*POLICIES, *RULES], ids=lambda check: check.__name__)
def test_every_policy_and_rule_holds_of_it_too(check, with_a_long_type):
    given = with_a_long_type if check in POLICIES else with_a_long_type.json

    assert list(check(given)) == []


def test_without_an_image_it_is_refused(root, found):
    values = root / "infra" / "environments" / "prod" / "example.tfvars"
    values.write_text(values.read_text().replace("functions@sha256:", "functions:"))

    with pytest.raises(TerraformError, match="functions_image must name a digest"):
        plan(root, "prod", found)
