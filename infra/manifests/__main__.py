"""`python -m infra.manifests [--check]`: write the manifests of all functions, or say which are
stale (exit code 1)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from infra.manifests.rendering import rendered, stale, write

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Write, or with `--check` only compare; returns the exit code."""
    files = rendered(ROOT)
    if "--check" not in arguments:
        print("\n".join(write(ROOT, files)) or "nothing changed")
        return 0
    wrong = stale(ROOT, files)
    for path in wrong:
        print(f"{path} is stale: run `make manifests`", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
