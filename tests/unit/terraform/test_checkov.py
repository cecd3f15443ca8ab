"""What checkov finds is held to the list of what is passed over; without it nothing is checked."""

import json
import re
import stat
from itertools import pairwise
from pathlib import Path

import pytest

from emulators.terraform.checkov import Finding, Report, check, skips
from emulators.terraform.errors import TerraformError

CONFIG = Path(__file__).parents[3] / "infra" / "checkov.yaml"
LOG = Finding("CKV_1", "google_storage_bucket.main", "dev", "Bucket should log access")
KEY = Finding("CKV_2", "google_pubsub_topic.main", "dev", "Topics have a key")


def test_a_finding_that_is_not_skipped_is_a_problem():
    assert Report(1, [LOG, KEY]).problems(["CKV_2"]) == [
        "CKV_1 dev google_storage_bucket.main: Bucket should log access"
    ]


def test_a_skip_that_no_plan_needs_is_a_problem_too():
    assert Report(1, [LOG]).problems(["CKV_1", "CKV_3"]) == [
        "CKV_3 is skipped and would pass: take it off the list"
    ]


def test_nothing_is_wrong_where_each_finding_is_skipped():
    assert Report(1, [LOG, KEY]).problems(["CKV_1", "CKV_2"]) == []


def test_each_skip_has_its_reason_above_it():
    lines = CONFIG.read_text().splitlines()
    reasons = {
        line.split()[-1]: above for above, line in pairwise(lines) if re.match(r"  - CKV", line)
    }

    assert set(reasons) == set(skips(CONFIG))
    assert [name for name, above in reasons.items() if not re.match(r"  # .{40}", above)] == []


def test_a_checkov_that_is_not_there_is_named_with_the_fix(tmp_path):
    with pytest.raises(
        TerraformError, match=r"is not there\. Nothing was checked\. `make checkov`"
    ):
        check(tmp_path / "checkov", [])


@pytest.fixture
def program(tmp_path):
    """A program that prints what it is given, whatever it is asked."""

    def prints(text: str) -> Path:
        path = tmp_path / "checkov"
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit 1\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return prints


def test_its_report_is_read(program):
    failed = {
        "check_id": LOG.check,
        "resource": LOG.resource,
        "file_path": "/dev.json",
        "check_name": LOG.title,
    }
    summary = {"passed": 7, "parsing_errors": 0, "resource_count": 1}
    said = json.dumps({"summary": summary, "results": {"failed_checks": [failed]}})

    assert check(program(said), [Path("dev.json")]) == Report(7, [LOG])


@pytest.mark.parametrize(
    "said",
    [
        "Traceback: no module",
        '{"passed": 0, "failed": 0}',
        '{"summary": {"passed": 0, "parsing_errors": 1, "resource_count": 1}}',
        '{"summary": {"passed": 0, "parsing_errors": 0, "resource_count": 0}}',
    ],
)
def test_a_report_that_read_no_plan_is_an_error_and_not_a_success(program, said):
    with pytest.raises(TerraformError, match="gave no report"):
        check(program(said), [Path("dev.json")])
