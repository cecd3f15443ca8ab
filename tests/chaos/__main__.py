"""`make chaos`: storms over the real stack until one breaks a promise, or the time is over."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.storm import storm


def main() -> int:
    """One line a storm; the faults and the contradictions of one that broke a promise."""
    cli = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    cli.add_argument("--minutes", type=float, default=10, help="in all (default: 10)")
    cli.add_argument("--storm", type=float, default=120, help="seconds of each (default: 120)")
    cli.add_argument("--seed", type=int, default=int(time.time()) % 100_000, help="of the first")
    cli.add_argument("--rate", type=float, default=60, help="tasks a second (default: 60)")
    cli.add_argument("--every", type=float, default=2, help="seconds between faults (default: 2)")
    asked = cli.parse_args()
    end = time.monotonic() + asked.minutes * 60
    seed = asked.seed
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory(prefix="chaos-", dir="/var/tmp") as name:
            after = storm(Path(name), seed, asked.storm, asked.rate, asked.every)
        print(after.summary(), flush=True)
        if after.broken:
            print(*after.weather, "", *after.broken[:20], sep="\n  ")
            print(f"again: python -m tests.chaos --minutes 1 --seed {seed} --storm {asked.storm:g}")
            return 1
        seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
