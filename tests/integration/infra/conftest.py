"""Plans of every environment, made once a run by the real Terraform; skipped, with the reason,
where Terraform or the providers' schema cannot be had."""

import fcntl
import json
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
def planned(request, tmp_path_factory) -> Callable[[str], Plan]:
    """The plan of an environment, made once for all processes that share this run's tests."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent

    @cache
    def planned(environment: str) -> Plan:
        file = folder / f"plan-{environment}.json"
        with (folder / f"plan-{environment}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                made = plan(ROOT, environment, request.getfixturevalue("found"))
                file.write_text(json.dumps(made.json))
        return Plan(environment, json.loads(file.read_text()))

    return planned


@pytest.fixture(params=ENVIRONMENTS)
def any_plan(request, planned) -> Plan:
    return planned(request.param)
