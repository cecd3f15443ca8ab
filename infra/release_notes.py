"""`python -m infra.release_notes VERSION`: what CHANGELOG.md says of a version, for its release.

Refuses what is not ready: a version that the changelog does not know, one that it still calls
unreleased, or one that is not the package's.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_HEADING: Final = re.compile(r"^## (?P<version>\S+) \((?P<said>[^)]+)\)$", re.MULTILINE)


class NotReady(Exception):
    """The version cannot be released as the checkout stands; the message says what to mend."""


def notes(version: str, changelog: str, package_version: str) -> str:
    """The changelog's section on `version`, which may begin with a v.

    Raises: NotReady.
    """
    wanted = version.removeprefix("v")
    headings = list(_HEADING.finditer(changelog))
    at = next((i for i, one in enumerate(headings) if one["version"] == wanted), None)
    if at is None:
        known = ", ".join(one["version"] for one in headings) or "none"
        raise NotReady(f"CHANGELOG.md has no section on {wanted!r}; it has {known}")
    if wanted != package_version:
        raise NotReady(f"pyproject.toml says {package_version}; set it to {wanted} first")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", said := headings[at]["said"]):
        raise NotReady(f"CHANGELOG.md says {wanted} ({said}); write the day there, as (2026-11-24)")
    end = headings[at + 1].start() if at + 1 < len(headings) else len(changelog)
    return changelog[headings[at].end() : end].strip() + "\n"


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Print the notes of the one version that is named."""
    if len(arguments) != 1 or not arguments[0]:
        print("name the version: make release-notes VERSION=0.1.0", file=sys.stderr)
        return 2
    package = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    try:
        print(notes(arguments[0], (root / "CHANGELOG.md").read_text(), package), end="")
    except NotReady as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
