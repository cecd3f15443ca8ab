"""The plans, looked at by checkov itself where `make checkov` has installed it."""

import json

import pytest

from emulators.terraform.checkov import check, skips
from emulators.terraform.planning import plan
from tests.integration.infra.conftest import ROOT
from tests.integration.infra.test_planted_mistakes import MODULES, Mistake, planted

PROGRAM = ROOT / ".venv-checkov" / "bin" / "checkov"
SKIPPED = skips(ROOT / "infra" / "checkov.yaml")
PUBLIC_DATABASE = Mistake(
    f"{MODULES}/data/main.tf", "ipv4_enabled    = false", "ipv4_enabled = true"
)

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists(), reason="checkov is not installed: `make checkov` does it"
)


def test_it_finds_what_is_skipped_with_a_reason_and_nothing_else(tmp_path, any_plan):
    file = tmp_path / f"{any_plan.environment}.json"
    file.write_text(json.dumps(any_plan.json))
    found = {finding.check for finding in check(PROGRAM, [file]).findings}

    # What only prod has is skipped in dev without need; `make checkov` looks at both together.
    assert found - set(SKIPPED) == set()


def test_a_public_database_is_found(tmp_path, found):
    file = tmp_path / "dev.json"
    file.write_text(json.dumps(plan(planted(tmp_path, [PUBLIC_DATABASE]), "dev", found).json))

    problems = check(PROGRAM, [file]).problems(SKIPPED)
    assert any(problem.startswith("CKV_GCP_60") for problem in problems)
