"""Measures all in turn, round by round, so that a drift of the machine meets everybody alike."""

import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.queue import goals
from tests.bench.queue.brokers import PostgresBroker, RedisBroker, postgres_broker, redis_broker
from tests.bench.queue.floors import Floors, commits, floor_servers
from tests.bench.queue.half_load import half_load
from tests.bench.queue.load import percentile
from tests.bench.queue.ours import Ours, started
from tests.bench.queue.peers import ALL, Peer, RunningPeer
from tests.bench.queue.peers import QUICK as QUICK_PEERS
from tests.bench.queue.processes import CPU, SLEEP, asleep_at_once, scaled
from tests.bench.queue.processes import NOTE as PROCESSES_NOTE
from tests.bench.queue.recovery import recovery
from tests.bench.queue.token_cost import token_seconds
from tests.e2e.local_stack import LocalStack, eventually

Say = Callable[[str], None]
PEER_SECONDS: Final = 300.0
PEER_FAILURES: Final = (RuntimeError, AssertionError, OSError, subprocess.SubprocessError)
"""How a peer fails that cannot be installed, or does not do what it was given in time."""


@dataclass(frozen=True)
class Plan:
    """How much of everything; `backlog` is the great one, 0 leaves the comparison out."""

    rounds: int = 5
    peers: tuple[Peer, ...] = ALL
    tasks: int = 5000
    peer_tasks: int = 3000
    latencies: int = 200
    backlog: int = 1_000_000
    loaded_seconds: float = 8.0
    scaled_tasks: int = 1000
    restarts: int = 3
    restart_backlog: int = 60_000


QUICK = Plan(
    rounds=2, peers=QUICK_PEERS, tasks=2500, peer_tasks=1500, latencies=100, backlog=0,
    loaded_seconds=4.0, scaled_tasks=500, restarts=1, restart_backlog=45_000,
)  # fmt: skip


@dataclass
class Results:
    """What was measured: samples by row and by who, and what to know about them."""

    rounds: int
    samples: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    floors: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    load: tuple[float, float] = (0.0, 0.0)
    cores: int = os.cpu_count() or 1
    notes: list[str] = field(default_factory=list)

    def add(self, key: str, value: float, whom: str = goals.OURS) -> None:
        """One sample of a row."""
        self.samples[key][whom].append(value)


def measure(plan: Plan, folder: Path, say: Say) -> Results:
    """Everything of `plan`, in `folder`, which is left to the caller to remove."""
    results = Results(plan.rounds)
    load_before = os.getloadavg()[0]
    with ExitStack() as running:
        say("starting our stack")
        home = folder / "ours"
        home.mkdir()
        stack = LocalStack(home)
        running.callback(stack.stop)
        starts = started(stack)
        results.add("start0", starts["first"])
        results.add("start1", starts["kept"])
        ours = Ours(stack)
        running.callback(ours.close)
        floors = running.enter_context(floor_servers())
        redis = running.enter_context(redis_broker(folder))
        postgres = running.enter_context(postgres_broker())
        peers = _prepared(plan.peers, folder, redis, postgres, results, say)
        say("a stack with one and one with two processes of the function")
        one = running.enter_context(scaled(folder, 1))
        two = running.enter_context(scaled(folder, 2))
        results.notes.append(PROCESSES_NOTE)
        say("what an idle stack costs")
        share, memory = ours.idle_cost()
        results.add("idle", share)
        results.add("memory", memory)
        ours.end_to_end(500)
        for number in range(plan.rounds):
            say(f"round {number + 1} of {plan.rounds}: ours")
            _ours(ours, plan, results)
            say(f"round {number + 1} of {plan.rounds}: floors")
            _floors(floors, redis, stack.state["postgres"], results)
            say(f"round {number + 1} of {plan.rounds}: one process and two")
            _processes(one, two, plan, results)
            for peer in list(peers):
                say(f"round {number + 1} of {plan.rounds}: {peer.peer.name}")
                try:
                    _peer(peer, plan, results)
                except PEER_FAILURES as failure:
                    peers.remove(peer)
                    _left_out(results, peer.peer.name, failure)
        say("a thousand tasks asleep")
        results.add("asleep", asleep_at_once(ours))
        for number in range(plan.restarts):
            say(f"restart {number + 1} of {plan.restarts} of Postgres")
            before, after = recovery(ours, plan.restart_backlog)
            results.add("recovery", after)
            results.add("recovery", before, goals.BEFORE)
        if plan.backlog:
            _backlog(ours, plan, results, say)
    results.load = (load_before, os.getloadavg()[0])
    return results


def _prepared(
    peers: Sequence[Peer],
    folder: Path,
    redis: RedisBroker,
    postgres: PostgresBroker,
    results: Results,
    say: Say,
) -> list[RunningPeer]:
    """The peers that could be installed; of the others a note."""
    ready = []
    for peer in peers:
        try:
            ready.append(_running(peer, folder, redis, postgres, say))
        except PEER_FAILURES as failure:
            _left_out(results, peer.name, failure)
    return ready


def _left_out(results: Results, name: str, failure: Exception) -> None:
    """Say that a peer was not measured to the end, and why; the others go on."""
    why = next((line for line in str(failure).splitlines() if line.strip()), repr(failure))
    results.notes.append(f"{name} is left out: {why.removeprefix(f'{name} ').rstrip(':')[:300]}")


def _running(
    peer: Peer, folder: Path, redis: RedisBroker, postgres: PostgresBroker, say: Say
) -> RunningPeer:
    say(f"preparing {peer.name}")
    home = folder / peer.app
    home.mkdir()
    return RunningPeer(peer, home, postgres if peer.on_postgres else redis)


def _ours(ours: Ours, plan: Plan, results: Results) -> None:
    rate, _, cpu = ours.end_to_end(plan.tasks)
    results.add("end", rate)
    results.add("end+", rate)
    results.add("cpu", cpu)
    results.add("token", token_seconds(ours, known=True) / cpu)
    results.add("token-new", token_seconds(ours, known=False) / cpu)
    results.add("enqueue", ours.enqueue_rate(plan.tasks))
    results.add("batch", ours.batch_rate(plan.tasks * 2))
    results.add("drain", ours.drain_rate(plan.tasks))
    results.add("grpc", ours.grpc_rate(plan.tasks // 2))
    posts, started_after = half_load(ours, rate / 2, plan.loaded_seconds)
    results.add("post99-half", posts)
    results.add("start99-half", started_after)
    time.sleep(1)
    results.add("post", percentile(ours.idle_posts(plan.latencies), 0.5))
    starts = ours.idle_starts(plan.latencies)
    results.add("start", percentile(starts, 0.5))
    results.add("start99", percentile(starts, 0.99))


def _processes(one: Ours, two: Ours, plan: Plan, results: Results) -> None:
    for key, task in (("two-sleep", SLEEP), ("two-cpu", CPU)):
        results.add(key, one.drain_rate(plan.scaled_tasks, task), goals.ONE_PROCESS)
        results.add(key, two.drain_rate(plan.scaled_tasks, task))


def _floors(floors: Floors, redis: RedisBroker, database: str, results: Results) -> None:
    results.floors["commit"].append(500 / sum(commits(database, 500)))
    results.floors["http"].append(floors.http_rate(10_000))
    results.floors["lpush"].append(redis.push_rate(3000))
    bare = floors.grpc_rate(3000)
    results.floors["grpc"].append(bare)
    results.add("grpc", bare, goals.BARE_GRPC)
    commit = percentile(commits(database, 100, 0.015), 0.5)
    idle = floors.http_idle() + commit + floors.grpc_idle()
    results.add("post", idle, goals.FLOOR_IDLE)


def _peer(peer: RunningPeer, plan: Plan, results: Results) -> None:
    """Enqueue with no worker, then the drain of that backlog, then the idle latency."""
    count, name = plan.peer_tasks, peer.peer.name
    before = peer.done()
    enqueued = peer.enqueue(count)
    with peer.working():
        drained = _drain_seconds(peer, before, count)
        starts = peer.starts(plan.latencies)
    results.add("enqueue", count / enqueued, name)
    results.add("end", count / drained, name)
    results.add("end+", count / (enqueued + drained), name)
    results.add("start", percentile(starts, 0.5), name)
    results.add("start99", percentile(starts, 0.99), name)


def _drain_seconds(peer: RunningPeer, before: int, count: int) -> float:
    """From the first result to the last, as if for all of `count`: a worker's start is no drain."""
    what = f"{peer.peer.name} has done what it was given"
    first = eventually(lambda: peer.done() - before, PEER_SECONDS, what)
    began = time.perf_counter()
    done = eventually(
        lambda: (found := peer.done() - before) >= count and found, PEER_SECONDS, what
    )
    return (time.perf_counter() - began) * count / max(1, done - first)


def _backlog(ours: Ours, plan: Plan, results: Results, say: Say) -> None:
    """Ours beside itself: with a thousand tasks waiting and with very many."""
    say("a backlog of 1,000")
    small = ours.backlog(1000)
    say(f"a backlog of {plan.backlog:,}")
    great = ours.backlog(plan.backlog)
    for key in ("post", "read", "drain"):
        results.add(f"backlog-{key}", small[key], goals.THOUSAND)
        results.add(f"backlog-{key}", great[key])
    results.add("backlog-bytes", great["bytes"])
