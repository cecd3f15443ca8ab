"""`python -m tests.bench.pubsub_soak --minutes 10`: the Pub/Sub emulator at half load for long.

Its memory, open files, threads and data folder must stay flat. Exits with 1 if one does not, or if
the consumers do not keep up.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from tests.bench.pubsub.flat import Limit, Verdict, judge
from tests.bench.pubsub.goals import NORMAL
from tests.bench.pubsub.measures import endpoint
from tests.bench.pubsub.servers import Server
from tests.bench.pubsub.soaking import MOST_BEHIND, Soak

LIMITS = (
    Limit("memory", "MB", share=0.05, beside=3),
    Limit("open files", "", share=0, beside=3),
    Limit("push connections", "", share=0.3, beside=30),  # as the window and the noise will
    Limit("threads", "", share=0, beside=1),
    Limit("data folder", "MB", share=0.2, beside=10),
)
FULL_LOAD_SECONDS, EVERY_SECONDS, WARM_UP = 10.0, 1.0, 0.25  # warm-up: a share of the run
console = Console(soft_wrap=True)


def main() -> int:
    """Run, print the table, return the exit status."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument("--minutes", type=float, default=10)
    seconds = cli.parse_args().minutes * 60
    with tempfile.TemporaryDirectory(prefix="soak-", dir="/var/tmp") as folder, endpoint(0) as url:
        server = Server(NORMAL, Path(folder))
        server.start()
        try:
            soak = Soak(server.address, url)
            readings = asyncio.run(observe(server, soak, seconds))
        finally:
            server.kill()
    verdicts = [judge(limit, readings[limit.what]) for limit in LIMITS]
    console.print(table(verdicts, soak, seconds))
    return 0 if all(verdict.flat for verdict in verdicts) and soak.behind() <= MOST_BEHIND else 1


async def observe(server: Server, soak: Soak, seconds: float) -> dict[str, list[float]]:
    """Find the full load, take half of it, read the figures every second once it is warm."""
    load = asyncio.create_task(soak.run())
    await asyncio.wait([load], timeout=FULL_LOAD_SECONDS)
    soak.rate = max(1.0, soak.published / FULL_LOAD_SECONDS / 2)
    readings: dict[str, list[float]] = defaultdict(list)
    port = urlsplit(soak.endpoint).port or 0
    began = time.monotonic()
    with console.status("warming up") as status:
        while (passed := time.monotonic() - began) < seconds and not load.done():
            if passed > WARM_UP * seconds:
                for what, value in read(server, port).items():
                    readings[what].append(value)
                shown = ", ".join(f"{values[-1]:,.0f} {what}" for what, values in readings.items())
                status.update(f"{passed:.0f} of {seconds:.0f} s, {soak.rate:,.0f} /s: {shown}")
            await asyncio.wait([load], timeout=EVERY_SECONDS)
    if load.done():
        load.result()
    load.cancel()
    await asyncio.gather(load, return_exceptions=True)
    return readings


def read(server: Server, port: int) -> dict[str, float]:
    """Return the figures of this moment; `port` is the push endpoint's."""
    process = psutil.Process(server.process.pid)
    pushing = sum(one.raddr[1:] == (port,) for one in process.net_connections("tcp"))
    sizes = (path.stat().st_size for path in server.folder.iterdir() if path.is_file())
    return {
        "memory": process.memory_info().rss / 1e6,
        "open files": process.num_fds() - pushing,
        "push connections": pushing,
        "threads": process.num_threads(),
        "data folder": sum(sizes) / 1e6,
    }


def table(verdicts: list[Verdict], soak: Soak, seconds: float) -> Table:
    """Return what was found."""
    title = (
        f"{seconds / 60:g} minutes at {soak.rate:,.0f} messages/s (half of what was possible), "
        f"{soak.published:,} published, each to a pull, a stream and a push; "
        f"{soak.behind():,} behind at the end"
    )
    shown = Table("figure", title=title, title_justify="left")
    for name in ("at the beginning", "at the end", "highest", "may grow by"):
        shown.add_column(name, justify="right")
    shown.add_column("")
    for verdict in verdicts:
        limit = verdict.limit
        figures = (verdict.begin, verdict.end, verdict.highest)
        allowed = limit.share * verdict.begin + limit.beside
        shown.add_row(
            limit.what,
            *(f"{figure:,.1f} {limit.unit}" for figure in (*figures, allowed)),
            "[green]✓ flat[/]" if verdict.flat else "[red]✗ grows[/]",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
