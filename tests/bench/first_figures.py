"""`make figures`: how quick the local stack is on this machine, beside two floors of the same run.

Prints medians of a few rounds. The load comes from one client process on the same cores, so a
figure here is a lower bound; compare it with the floors beside it, not with other machines.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pg8000.native
import psutil

from shared.adapters.pg_connection import connect_arguments
from tests.e2e.local_stack import LocalStack, eventually

ROUNDS, IN_FLIGHT, POSTS, DRAIN = 3, 64, 2000, 3000
NOOP = {"task_type": "noop", "payload": {}}


def main() -> None:
    """Start a stack in a folder of its own, measure, stop it, print the table."""
    with tempfile.TemporaryDirectory(prefix="figures-", dir="/var/tmp") as name:
        stack = LocalStack(Path(name))
        cold = stack.start()
        try:
            stack.stop()
            kept = stack.start()
            rows = measured(stack)
            memory = memory_of(stack)
        finally:
            stopped = stack.stop()
    rows = [
        ("start, empty folder", f"{cold:.1f} s"),
        ("start, kept folder", f"{kept:.1f} s"),
        *rows,
    ]
    for what, figure in [*rows, ("stop", f"{stopped:.1f} s"), *memory]:
        print(f"{what:44} {figure:>14}")


def measured(stack: LocalStack) -> list[tuple[str, str]]:
    """Rates and latencies, and what they may be compared with."""
    url = stack.state["rest"]
    commits = commit_rate(stack.state["postgres"])
    health = asyncio.run(median_rate(lambda session: get(session, f"{url}/health")))
    posts = asyncio.run(median_rate(lambda session: post(session, url)))
    idle = asyncio.run(latencies(url))
    drained = statistics.median(drain(stack) for _ in range(ROUNDS))
    return [
        ("floor: one-row commits, 1 connection", f"{commits:,.0f} /s"),
        (f"floor: GET /health, {IN_FLIGHT} in flight", f"{health:,.0f} /s"),
        (f"POST /enqueue-task, {IN_FLIGHT} in flight", f"{posts:,.0f} /s"),
        ("POST /enqueue-task, idle, p50", f"{idle[len(idle) // 2] * 1000:.1f} ms"),
        ("POST /enqueue-task, idle, p99", f"{idle[int(len(idle) * 0.99)] * 1000:.1f} ms"),
        ("noop tasks end to end, batches in, results out", f"{drained:,.0f} /s"),
    ]


Call = Callable[[aiohttp.ClientSession], Awaitable[None]]


async def get(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as answer:
        await answer.read()


async def post(session: aiohttp.ClientSession, url: str) -> None:
    async with session.post(f"{url}/enqueue-task", json=NOOP) as answer:
        if answer.status != 202:
            raise RuntimeError(await answer.text())
        await answer.read()


async def median_rate(call: Call) -> float:
    """Calls a second with a bounded number in flight; the median of the rounds."""
    rates = []
    async with aiohttp.ClientSession() as session:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            share = POSTS // IN_FLIGHT
            await asyncio.gather(*(repeat(call, session, share) for _ in range(IN_FLIGHT)))
            rates.append(share * IN_FLIGHT / (time.perf_counter() - began))
    return statistics.median(rates)


async def repeat(call: Call, session: aiohttp.ClientSession, times: int) -> None:
    for _ in range(times):
        await call(session)


async def latencies(url: str) -> list[float]:
    """One POST after another, a pause between them, sorted."""
    took = []
    await asyncio.sleep(3)
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            await asyncio.sleep(0.015)
            began = time.perf_counter()
            await post(session, url)
            took.append(time.perf_counter() - began)
    return sorted(took)


def drain(stack: LocalStack) -> float:
    """Tasks a second from the first batch in to the last result recorded."""
    label = f"drain-{time.time_ns()}"
    connection = pg8000.native.Connection(**connect_arguments(stack.state["postgres"]))
    task = {**NOOP, "labels": {"run": label}}
    began = time.perf_counter()
    for start in range(0, DRAIN, 500):
        stack.enqueue_all([task] * min(500, DRAIN - start))

    def done() -> bool:
        time.sleep(0.1)
        [[open_tasks]] = connection.run("SELECT count(*) FROM tasks WHERE finished_at IS NULL")
        return bool(open_tasks == 0)

    eventually(done, 120, "everything has run")
    rate = DRAIN / (time.perf_counter() - began)
    connection.close()
    return rate


def commit_rate(url: str) -> float:
    """Single-row commits a second on one connection, into a table of their own."""
    connection = pg8000.native.Connection(**connect_arguments(url))
    connection.run("CREATE TABLE IF NOT EXISTS floor (v int)")
    insert = connection.prepare("INSERT INTO floor VALUES (1)")
    began = time.perf_counter()
    for _ in range(500):
        insert.run()
    rate = 500 / (time.perf_counter() - began)
    connection.run("DROP TABLE floor")
    connection.close()
    return rate


def memory_of(stack: LocalStack) -> list[tuple[str, str]]:
    """Proportional (PSS) and resident memory of each part, in MB."""
    rows = []
    stack.reread()
    for name, pid in sorted(stack.state["pids"].items()):
        family = [psutil.Process(pid)]
        if name == "postgres":
            family += family[0].children(recursive=True)
        shares = [process.memory_full_info() for process in family]
        pss = sum(getattr(share, "pss", share.uss) for share in shares) / 1e6
        rss = shares[0].rss / 1e6
        rows.append((f"memory of {name}, PSS (RSS)", f"{pss:.0f} ({rss:.0f}) MB"))
    return rows


if __name__ == "__main__":
    main()
