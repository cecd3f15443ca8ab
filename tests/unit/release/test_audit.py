import json

import pytest

from infra.audit import NOT_AUDITED, VULNERABLE, main, verdict

GOOD = {"name": "a", "version": "1.0", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "not found"}
VULNERABILITY = {"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}
BAD = {"name": "c", "version": "2.0", "vulns": [VULNERABILITY]}


def report(*dependencies):
    return {"dependencies": list(dependencies), "fixes": []}


def test_what_was_audited_and_is_clean_passes():
    assert verdict(report(GOOD)) == (0, ["1 audited, no known vulnerability"])


def test_a_vulnerability_is_named_with_its_fix():
    assert verdict(report(GOOD, BAD)) == (VULNERABLE, ["c 2.0: PYSEC-2026-1, fixed in 2.1"])


def test_what_could_not_be_audited_is_no_pass():
    code, [line] = verdict(report(GOOD, SKIPPED))

    assert code == NOT_AUDITED
    assert line == "1 of 2 could not be audited: b"


def test_a_report_on_nothing_is_no_pass():
    assert verdict(report())[0] == NOT_AUDITED


@pytest.mark.parametrize(
    ("dependencies", "code"),
    [
        ([GOOD], 0),
        ([SKIPPED], NOT_AUDITED),
        ([BAD], VULNERABLE),
        ([BAD, SKIPPED], VULNERABLE),
    ],
)
def test_the_worst_of_several_reports_is_the_exit_code(tmp_path, capsys, dependencies, code):
    paths = []
    for number, dependency in enumerate([GOOD, *dependencies]):
        path = tmp_path / f"lock{number}.json"
        path.write_text(json.dumps(report(dependency)))
        paths.append(str(path))

    assert main(paths) == code
    assert capsys.readouterr().out.startswith("lock0: 1 audited")
