"""Every environment plans; what it holds is what its inventory says; no policy is broken."""

import pytest
import yaml

from emulators.terraform.planning import run_tests
from shared.cli.plan_rules import RULES
from tests.integration.infra.conftest import ENVIRONMENTS, ROOT
from tests.integration.infra.policies import POLICIES
from tests.integration.infra.resources import resources

INVENTORIES = ROOT / "tests" / "integration" / "infra" / "inventories"


def inventory(environment: str) -> dict:
    return yaml.safe_load((INVENTORIES / f"{environment}.yaml").read_text())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_plan_creates_as_many_of_each_type_as_its_inventory_says(environment, planned):
    expected = inventory(environment)["counts"]

    assert dict(planned(environment).types()) == expected


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_values_that_matter_are_those_of_the_inventory(environment, planned):
    found = {resource.address: resource.after for resource in resources(planned(environment))}

    for address, expected in inventory(environment)["values"].items():
        assert subset(expected, found[address]) == expected, address


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_no_policy_is_broken(policy, any_plan):
    assert policy(any_plan) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_doctor_finds_nothing(rule, any_plan):
    assert list(rule(any_plan.json)) == []


def subset(expected, found):
    """Return of `found` what `expected` names, so that a difference shows as one."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: subset(value, found.get(key)) for key, value in expected.items()}
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [subset(*pair) for pair in zip(expected, found, strict=True)]
    return found


def test_terraforms_own_tests_pass(found):
    said = run_tests(ROOT, found)

    assert len(said) == 2
    assert all("Success!" in line for line in said)
