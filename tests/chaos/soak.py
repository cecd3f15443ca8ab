"""`make soak`: the stack under a low load without faults for long. Exits with 1 if memory, open
files, threads, the slowest answers or dead rows do not stay flat."""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pg8000.native
from rich.console import Console
from rich.table import Table

from shared.adapters.pg_connection import connect_arguments
from tests.bench.pubsub.flat import Verdict
from tests.chaos.soaking import hours, judged, soak
from tests.e2e.local_stack import local_stack

console = Console(soft_wrap=True)


def main() -> int:
    """Run, print the table, return the exit status."""
    cli = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    cli.add_argument("--minutes", type=float, default=60)
    cli.add_argument("--rate", type=float, default=100, help="tasks a second (default: 100)")
    asked = cli.parse_args()
    seconds = asked.minutes * 60
    with (
        tempfile.TemporaryDirectory(prefix="soak-", dir="/var/tmp") as folder,
        local_stack(Path(folder)) as stack,
        console.status("warming up") as status,
    ):
        url = stack.state["postgres"]
        readings = soak(stack, seconds, asked.rate, lambda: _dead_rows(url), status.update)
    verdicts = list(judged(readings, hours(seconds)))
    console.print(_table(verdicts))
    return 0 if all(verdict.flat for verdict in verdicts) else 1


def _dead_rows(url: str) -> Mapping[str, float]:
    connection = pg8000.native.Connection(**connect_arguments(url))
    try:
        said = connection.run("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'tasks'")
        return {"dead rows": float(said[0][0])}
    finally:
        connection.close()


def _table(verdicts: list[Verdict]) -> Table:
    table = Table("figure", "begin", "end", "highest", "")
    for one in verdicts:
        figures = (f"{value:,.1f} {one.limit.unit}" for value in (one.begin, one.end, one.highest))
        table.add_row(one.limit.what, *figures, "flat" if one.flat else "GROWS")
    return table


if __name__ == "__main__":
    sys.exit(main())
