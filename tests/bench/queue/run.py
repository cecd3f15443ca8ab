"""Measures all in turn, round by round, so that a drift of the machine meets everybody alike."""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.queue import goals
from tests.bench.queue.brokers import PostgresBroker, RedisBroker, postgres_broker, redis_broker
from tests.bench.queue.floors import Floors, commits, floor_servers
from tests.bench.queue.load import percentile
from tests.bench.queue.ours import Ours, started
from tests.bench.queue.peers import ALL, Peer, RunningPeer
from tests.bench.queue.peers import QUICK as QUICK_PEERS
from tests.e2e.local_stack import LocalStack

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much of everything; `backlog` is the great one, 0 leaves the comparison out."""

    rounds: int = 5
    peers: tuple[Peer, ...] = ALL
    tasks: int = 5000
    peer_tasks: int = 3000
    latencies: int = 200
    backlog: int = 1_000_000


QUICK = Plan(rounds=2, peers=QUICK_PEERS, tasks=2500, peer_tasks=1500, latencies=100, backlog=0)


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
    before = os.getloadavg()[0]
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
        peers = [_running(peer, folder, redis, postgres, say) for peer in plan.peers]
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
            for peer in peers:
                say(f"round {number + 1} of {plan.rounds}: {peer.peer.name}")
                _peer(peer, plan, results)
        if plan.backlog:
            _backlog(ours, plan, results, say)
    results.load = (before, os.getloadavg()[0])
    return results


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
    results.add("enqueue", ours.enqueue_rate(plan.tasks))
    results.add("batch", ours.batch_rate(plan.tasks * 2))
    results.add("drain", ours.drain_rate(plan.tasks))
    results.add("grpc", ours.grpc_rate(plan.tasks // 2))
    time.sleep(1)
    results.add("post", percentile(ours.idle_posts(plan.latencies), 0.5))
    starts = ours.idle_starts(plan.latencies)
    results.add("start", percentile(starts, 0.5))
    results.add("start99", percentile(starts, 0.99))


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
    while (first := peer.done() - before) == 0:
        time.sleep(0.01)
    began = time.perf_counter()
    while (done := peer.done() - before) < count:
        time.sleep(0.02)
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
