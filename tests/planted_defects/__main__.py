"""`make planted`: each defect of the list is planted in a copy, and a test must turn red.

Exits with 1 if a defect survives, no longer applies, or its tests fail without it.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.planted_defects.defects import DEFECTS, Defect
from tests.planted_defects.planting import copy_to, planted, tests_fail

console = Console(soft_wrap=True, highlight=False)


def main() -> int:
    """Plant them one after the other; print what became of each."""
    cli = argparse.ArgumentParser(prog="python -m tests.planted_defects", description=__doc__)
    cli.add_argument("words", nargs="*", help="only the rules that have one of these words")
    words = cli.parse_args().words
    chosen = [one for one in DEFECTS if not words or any(word in one.rule for word in words)]
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        root = Path(name)
        copy_to(root)
        red = failing_on_sound_code(chosen, root)
        caught = [defect for defect in chosen if tell(defect, root, red)]
    console.print(f"{len(caught)} of {len(chosen)} planted defects were caught")
    return 0 if caught == chosen else 1


def failing_on_sound_code(chosen: list[Defect], root: Path) -> set[str]:
    """Return the test files that fail as the code is, where a failure would prove nothing."""
    files = sorted({test for defect in chosen for test in defect.tests})
    with console.status("") as status:
        red = set()
        for file in files:
            status.update(f"without a defect: {file}")
            if tests_fail([file], root):
                red.add(file)
    return red


def tell(defect: Defect, root: Path, red: set[str]) -> bool:
    """Plant a defect, run its tests, print the outcome; whether it was caught."""
    began = time.monotonic()
    tests = [test for test in defect.tests if test not in red]
    with console.status(defect.rule):
        try:
            with planted(defect, root):
                caught = bool(tests) and tests_fail(tests, root)
            outcome = "SURVIVED" if tests else f"fails without a defect: {defect.tests}"
        except (ValueError, RuntimeError) as error:
            caught, outcome = False, f"not planted, {error}"
    shown = "[green]caught  [/]" if caught else f"[red]{outcome}[/]"
    console.print(f"{shown} {defect.rule} ({time.monotonic() - began:.1f} s)")
    return caught


if __name__ == "__main__":
    sys.exit(main())
