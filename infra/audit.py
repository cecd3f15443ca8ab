"""`python -m infra.audit REPORT…`: the verdict on pip-audit's JSON reports.

pip-audit is content when nothing could be looked up, as with a mirror that knows no advisories: so
what was not audited is a failure here, never a silent pass.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

VULNERABLE: Final = 1
NOT_AUDITED: Final = 2
SHOWN: Final = 5


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """The exit code, and lines for a person, on one report of pip-audit."""
    dependencies = report["dependencies"]
    found = [_line(one, flaw) for one in dependencies for flaw in one.get("vulns", ())]
    skipped = [one["name"] for one in dependencies if "skip_reason" in one]
    lines = [*found]
    if skipped or not dependencies:
        more = ", …" if len(skipped) > SHOWN else ""
        named = ", ".join(skipped[:SHOWN]) + more or "there are none"
        lines.append(f"{len(skipped)} of {len(dependencies)} could not be audited: {named}")
    if found:
        return VULNERABLE, lines
    if skipped or not dependencies:
        return NOT_AUDITED, lines
    return 0, [f"{len(dependencies)} audited, no known vulnerability"]


def _line(dependency: dict[str, Any], flaw: dict[str, Any]) -> str:
    fixed = ", ".join(flaw["fix_versions"]) or "no version yet"
    return f"{dependency['name']} {dependency['version']}: {flaw['id']}, fixed in {fixed}"


def main(reports: Sequence[str]) -> int:
    """Print the verdict on each report; the exit code is the worst: 1 before 2 before 0."""
    codes = set()
    for path in map(Path, reports):
        code, lines = verdict(json.loads(path.read_text()))
        codes.add(code)
        print("\n".join(f"{path.stem}: {line}" for line in lines))
    return next((code for code in (VULNERABLE, NOT_AUDITED) if code in codes), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
