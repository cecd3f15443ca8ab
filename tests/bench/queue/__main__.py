"""`make bench`: CloudTasker beside Celery, Dramatiq, taskiq, procrastinate and the floors."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.bench.queue.report import table, write
from tests.bench.queue.run import QUICK, Plan, measure


def main() -> int:
    """Measure, print the table; write files if asked. Goals that are missed change no status."""
    cli = argparse.ArgumentParser(prog="python -m tests.bench.queue", description=__doc__)
    cli.add_argument("--quick", action="store_true", help="ours, Celery and floors, in 3 minutes")
    cli.add_argument("--out", type=Path, help="folder for bench.md, bench.json and bench.svg")
    arguments = cli.parse_args()
    console = Console(width=max(140, Console().width))
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
