"""Runs checkov on plans, offline, and holds what it finds to a list of what is passed over."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from emulators.terraform.errors import TerraformError

SECONDS = 300


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One check that a resource of a plan did not pass."""

    check: str
    resource: str
    plan: str
    title: str

    def __str__(self) -> str:
        return f"{self.check} {self.plan} {self.resource}: {self.title}"


@dataclass(frozen=True, slots=True)
class Report:
    """What checkov said of some plans."""

    passed: int
    findings: Sequence[Finding]

    def problems(self, skipped: Iterable[str]) -> list[str]:
        """Return what is found and not skipped, and what is skipped and found nowhere."""
        skips = set(skipped)
        wrong = [str(finding) for finding in self.findings if finding.check not in skips]
        stale = skips - {finding.check for finding in self.findings}
        return wrong + [
            f"{check} is skipped and would pass: take it off the list" for check in sorted(stale)
        ]


def skips(config: Path) -> list[str]:
    """Return the ids of the checks that the configuration passes over."""
    return list(yaml.safe_load(config.read_text())["skip-check"])


def check(program: Path, plans: Sequence[Path]) -> Report:
    """Return what checkov finds in plans (Terraform's JSON), none skipped.

    Raises: TerraformError when it is not there or does not answer with a report.
    """
    command = [str(program), "--framework", "terraform_plan", "--skip-download", "--quiet"]
    command += ["--compact", "--output", "json"]
    command += [part for plan in plans for part in ("--file", str(plan))]
    try:
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        return _report(json.loads(ended.stdout))
    except FileNotFoundError:
        raise TerraformError(
            f"{program} is not there. Nothing was checked. `make checkov` installs it."
        ) from None
    except (ValueError, KeyError) as unread:
        said = (ended.stdout + ended.stderr).strip()[-1000:]
        raise TerraformError(f"{program} gave no report ({unread!r}):\n{said}") from None
    except subprocess.TimeoutExpired:
        raise TerraformError(
            f"{program} did not end within {SECONDS} s. Nothing was checked."
        ) from None


def _report(said: dict[str, Any]) -> Report:
    if said["summary"]["parsing_errors"] or not said["summary"]["resource_count"]:
        raise KeyError(f"plans were not read: {said['summary']}")
    return Report(
        said["summary"]["passed"],
        sorted(
            Finding(
                failed["check_id"],
                failed["resource"],
                Path(failed["file_path"]).stem,
                failed["check_name"],
            )
            for failed in said["results"]["failed_checks"]
        ),
    )
