"""`make chaos`: storms over the real stack until one breaks a promise, or the time is over; then
the tests of the reliability lines, each many times."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.lines import LINES, Line
from tests.chaos.repeat import VARIABLE
from tests.chaos.storm import QUIET_SECONDS, storm


def main() -> int:
    """One line a storm; the faults and the contradictions of one that broke a promise."""
    cli = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    cli.add_argument("--minutes", type=float, default=10, help="of storms (default: 10)")
    cli.add_argument("--storm", type=float, default=120, help="seconds of each (default: 120)")
    cli.add_argument("--seed", type=int, default=int(time.time()) % 100_000, help="of the first")
    cli.add_argument("--rate", type=float, default=60, help="tasks a second (default: 60)")
    cli.add_argument("--every", type=float, default=2, help="seconds between faults (default: 2)")
    cli.add_argument("--loops", type=int, default=10, help="of a test at most; 0: storms alone")
    cli.add_argument("--lines", nargs="*", help="the lines to loop, as R3 R21 (default: all)")
    asked = cli.parse_args()
    chosen = [line for line in LINES if not asked.lines or line.name in asked.lines]
    if asked.lines and len(chosen) != len(set(asked.lines)):
        cli.error(f"the lines are {', '.join(line.name for line in LINES)}")
    if not _storms(asked):
        return 1
    return _loops(chosen, asked.loops) if asked.loops else 0


def _storms(asked: argparse.Namespace) -> bool:
    """Whether every promise was kept."""
    end = time.monotonic() + asked.minutes * 60
    seed = asked.seed
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory(prefix="chaos-", dir="/var/tmp") as name:
            after = storm(Path(name), seed, asked.storm, asked.rate, asked.every)
        print(after.summary(), *after.last, sep="\n  ", flush=True)
        if after.calm_seconds > QUIET_SECONDS:
            after.broken.append(f"all was quiet after more than {QUIET_SECONDS:g} s")
        if after.broken:
            print(*after.weather, "", *after.broken[:20], sep="\n  ")
            print(f"again: python -m tests.chaos --minutes 1 --seed {seed} --storm {asked.storm:g}")
            return False
        seed += 1
    return True


def _loops(lines: Sequence[Line], most: int) -> int:
    """Run the tests of one line after another; the number of lines that failed."""
    failed = 0
    for line in lines:
        began = time.monotonic()
        print(f"{line.name}: {line.fault}; {min(line.loops, most)} times", flush=True)
        pytest = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.chaos.repeat"]
        status = subprocess.run(
            [*pytest, *line.tests], env={**os.environ, VARIABLE: str(most)}, check=False
        ).returncode
        said = "held" if status == 0 else "BROKE"
        print(f"{line.name}: {said} after {time.monotonic() - began:.0f} s", flush=True)
        failed += status != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
