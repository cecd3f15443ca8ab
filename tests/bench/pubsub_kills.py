"""`python -m tests.bench.pubsub_kills --times 200`: kills the Pub/Sub emulator under load.

In each durability that promises something, every answered publish must be delivered after the
restart, in order where there is a key, and no ack confirmed under exactly-once may be forgotten.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench.pubsub.killing import Kills

console = Console(soft_wrap=True)


def main() -> int:
    """Kill as often as asked in `normal` and in `full`; return 1 if a promise was broken."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("--times", type=int, default=200, help="kills in each durability")
    cli.add_argument("--seed", type=int, default=random.randrange(10**6), help="of what is sent")
    cli.add_argument("--durability", choices=("normal", "full"), action="append")
    arguments = cli.parse_args()
    kept = [
        run(durability, arguments.times, arguments.seed)
        for durability in arguments.durability or ("normal", "full")
    ]
    return 0 if all(kept) else 1


def run(durability: str, times: int, seed: int) -> bool:
    """Kill in one durability and print the result; whether all promises were kept."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, progress() as bar:
        kills = Kills(Path(folder), durability, seed)
        task = bar.add_task(f"kill -9, {durability}", total=times, note="")

        def after_each() -> None:
            bar.update(task, completed=kills.kills, note=described(kills))

        asyncio.run(kills.run(times, after_each))
    took = time.monotonic() - began
    if kills.promises.broken:
        console.print(f"[red]BROKEN in {durability} after {kills.kills} kills, --seed {seed}:[/]")
        for line in kills.promises.broken:
            console.print(f"  {line}")
    else:
        rate = f"{took / kills.kills:.1f} s each"
        console.print(f"{durability}: {kills.kills} kills ({rate}), {described(kills)}; all kept")
    return not kills.promises.broken


def described(kills: Kills) -> str:
    """Return what was promised and seen so far."""
    return ", ".join(f"{count:,} {what}" for what, count in kills.promises.counts().items())


def progress() -> Progress:
    """Return a progress line for the terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns,
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        transient=True,
        console=console,
    )


if __name__ == "__main__":
    sys.exit(main())
