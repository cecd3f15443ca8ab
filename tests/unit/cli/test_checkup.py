"""`cloudtasker doctor` without a plan: each check, and how the command ends."""

import json

from shared.cli import checkup


def test_an_old_python_fails_with_a_fix():
    assert checkup.python((3, 11)).verdict == "ok"
    assert checkup.python((3, 10)).verdict == "fail"
    assert "3.11" in checkup.python((3, 10)).fix


def test_a_disk_that_is_nearly_full_is_a_warning(tmp_path):
    checks = checkup.data_folder(tmp_path / "new", least_bytes=10**18)
    verdicts = {one.name: one.verdict for one in checks}
    assert verdicts == {"data folder": "ok", "disk": "warn"}


def test_an_ack_deadline_below_the_time_limit_fails_and_names_the_value():
    limits = {"time_limit_seconds": 60, "ack_deadline_seconds": 89, "mode": "short"}
    schema = {"type": "object"}
    one = {"name": "greet", "description": "", "limits": limits, "payload_schema": schema}
    [check] = checkup.task_types([one])
    assert check.verdict == "fail"
    assert "ack_deadline_seconds: 90" in check.fix
    limits["ack_deadline_seconds"] = 90
    assert checkup.task_types([one])[0].verdict == "ok"


def test_doctor_prints_every_check_with_a_fix_for_what_is_wrong(cloudtasker):
    outcome = cloudtasker("doctor", "-o", "json")
    checks = json.loads(outcome.out)["checks"]
    assert {"python", "data folder", "disk"} <= {one["name"] for one in checks}
    assert all(one["fix"] for one in checks if one["verdict"] != "ok")
    assert outcome.code == (1 if any(one["verdict"] == "fail" for one in checks) else 0)


def test_doctor_ends_with_how_many_checks_came_out_how(cloudtasker):
    *_, last = cloudtasker("doctor").err.splitlines()
    checks = cloudtasker("doctor", "-o", "json").document["checks"]

    failed = sum(one["verdict"] == "fail" for one in checks)
    assert last.startswith(f"{len(checks)} checks: ")
    assert f"{failed} fail" in last


def test_a_folder_that_cannot_be_written_fails(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    [check] = checkup.data_folder(file)
    assert (check.name, check.verdict, bool(check.fix)) == ("data folder", "fail", True)


def test_looking_at_the_folder_leaves_nothing_in_it(tmp_path):
    checkup.data_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
