"""`make bench-pubsub`: our Pub/Sub emulator and Google's in turn, with ratios and goals."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.bench.pubsub.report import table, write
from tests.bench.pubsub.run import QUICK, Plan, measure


def main() -> int:
    """Measure, print the table; write files if asked. Goals that are missed change no status."""
    cli = argparse.ArgumentParser(prog="python -m tests.bench.pubsub", description=__doc__)
    cli.add_argument("--quick", action="store_true", help="smaller loads, at most three minutes")
    cli.add_argument("--out", type=Path, help="folder for pubsub.md and pubsub.json")
    arguments = cli.parse_args()
    console = Console(width=max(120, Console().width))
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as folder,
        console.status("starting") as status,
    ):
        results = measure(QUICK if arguments.quick else Plan(), Path(folder), status.update)
    console.print(table(results))
    if arguments.out:
        write(results, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
