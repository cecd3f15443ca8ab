"""Plans of every environment, made once a run by the real Terraform; skipped, with the reason,
where Terraform or the providers' schema cannot be had."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from emulators.terraform.planning import Plan, plan, providers

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = ("dev", "prod")


@pytest.fixture(scope="session", autouse=True)
def terraform() -> None:
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not on PATH: nothing can be planned")


@pytest.fixture(scope="session")
def found():
    """Both providers, served for the whole run: where Terraform finds them."""
    with providers() as environment:
        yield environment


@pytest.fixture(scope="session")
def planned(found) -> Callable[[str], Plan]:
    return cache(lambda environment: plan(ROOT, environment, found))


@pytest.fixture(params=ENVIRONMENTS)
def any_plan(request, planned) -> Plan:
    return planned(request.param)
