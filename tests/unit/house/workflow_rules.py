"""What GitHub's workflows must be, as a function of one file's text."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
_PINNED = re.compile(r"- uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_MAKE = re.compile(r'make ([a-z-]+)( [A-Z]+=("[\w/ .-]+"|[\w/.-]+))*')
MAY_WRITE = {"release": {"contents": "write"}}
"""Jobs that may do more than read, and what."""


def problems(text: str) -> list[str]:
    """What is wrong with a workflow."""
    workflow = yaml.safe_load(text)
    found = [f"not pinned: {line.strip()}" for line in _unpinned(text)]
    if workflow.get("permissions") != {"contents": "read"}:
        found.append("permissions must be contents: read, and more in the job that needs it")
    if "pull_request_target" in text:
        found.append("pull_request_target runs others' code with our rights")
    for name, job in workflow["jobs"].items():
        found += [f"{name}: {problem}" for problem in _job_problems(name, job)]
    return found


def _unpinned(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if re.search(r"\buses:", line) and not _PINNED.fullmatch(line.strip()):
            yield line


def _job_problems(name: str, job: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"]):
        yield f"runs on {job['runs-on']}, which changes"
    if not 1 <= job.get("timeout-minutes", 0) <= 60:
        yield "has no timeout-minutes of at most 60"
    if job.get("permissions", {}) != MAY_WRITE.get(name, {}):
        yield f"may {job.get('permissions')}"
    for step in job["steps"]:
        yield from _step_problems(step)


def _step_problems(step: dict[str, Any]) -> Iterator[str]:
    if "run" in step:
        made = _MAKE.fullmatch(step["run"])
        if made is None:
            yield f"is no make target by itself: {step['run']}"
        elif made[1] not in TARGETS:
            yield f"there is no target {made[1]}"
    elif step["uses"].startswith("actions/checkout@") and _keeps_credentials(step):
        yield "checkout leaves its credentials"


def _keeps_credentials(checkout: dict[str, Any]) -> bool:
    return checkout.get("with", {}).get("persist-credentials") is not False
