"""Takes all samples, alternating between the servers so that noise meets all of them alike."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from tests.bench.pubsub import measures, waiting
from tests.bench.pubsub.goals import FULL, GOOGLES, NORMAL
from tests.bench.pubsub.measures import Sample
from tests.bench.pubsub.servers import Server, googles_jar

Tell = Callable[[str], None]
IDLE_SECONDS = 1.0
FAST_LIMIT = 6.0  # seconds of pushing; Google's does not get through in that time
THREE_SECONDS = 3.0


@dataclass(frozen=True)
class Plan:
    """How much to measure: rounds, messages of each load, seconds for the slow endpoint."""

    rounds: int = 5
    published: int = 15_000
    raw: int = 50_000
    streamed: int = 8_000
    pushed: int = 15_000
    slow: int = 1_000
    slow_limit: float = 60
    slow_limit_of_googles: float = 30
    waiting: int = 1_000_000


QUICK = Plan(
    rounds=2,
    published=5_000,
    raw=20_000,
    streamed=3_000,
    pushed=5_000,
    waiting=100_000,
)


@dataclass
class Results:
    """Samples by row and server, and under which circumstances they were taken."""

    title: str
    rounds: int
    samples: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    cpu: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    notes: list[str] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    cores: int = os.cpu_count() or 1


def measure(plan: Plan, folder: Path, tell: Tell) -> Results:
    """Start the servers, take every sample, end them. `tell` is given what is under way."""
    names = [NORMAL, FULL] + ([GOOGLES] if googles_jar() else [])
    results = Results(title_of(names), plan.rounds, load=[psutil.getloadavg()[0]])
    if GOOGLES not in names:
        results.notes.append("Google's emulator: gcloud, its component or java is missing")
    run = Run(plan, {name: Server(name, folder / name) for name in names}, results, tell)
    try:
        run.starts()
        run.loads()
        run.slow_push()
        run.memory("after")
    finally:
        for server in run.servers.values():
            server.kill()
    run.backlog(folder)
    results.load.append(psutil.getloadavg()[0])
    return results


def title_of(names: Sequence[str]) -> str:
    """Name what is compared."""
    jar = googles_jar()
    version = jar.stem.removeprefix("cloud-pubsub-emulator-").removesuffix("-all") if jar else ""
    return f"this emulator beside Google's {version}" if GOOGLES in names else "this emulator"


class Run:
    """One comparison under way."""

    def __init__(
        self, plan: Plan, servers: dict[str, Server], results: Results, tell: Tell
    ) -> None:
        self.servers = servers
        self._plan = plan
        self._results = results
        self._tell = tell

    def starts(self) -> None:
        """Start every server again and again; they run afterwards."""
        for number in range(self._plan.rounds):
            for name, server in self.servers.items():
                server.kill()
                self._tell(f"start, {name}, round {number + 1}")
                self._note("start", name, server.start())
            time.sleep(IDLE_SECONDS)
            self.memory("idle")

    def memory(self, key: str) -> None:
        """Read the memory of all."""
        for name, server in self.servers.items():
            self._note(key, name, server.memory())

    def loads(self) -> None:
        """Take the samples of the loads that keep the machine busy."""
        plan, two = self._plan, (NORMAL, GOOGLES)
        for size in (100, 1000):
            publish = partial(measures.client_publish, count=plan.published, size=size)
            self._rounds(f"publish-{size}", (NORMAL, GOOGLES, FULL), publish)
        self._rounds("raw", two, lambda server: measures.raw_publish(server, plan.raw))
        self._rounds("stream", two, lambda server: measures.stream(server, plan.streamed))
        self._rounds(
            "push", two, lambda server: measures.push(server, plan.pushed, limit=FAST_LIMIT)
        )

    def slow_push(self) -> None:
        """Push to slow endpoints, to all at once: it is waiting that is measured."""
        limits = {NORMAL: self._plan.slow_limit, GOOGLES: self._plan.slow_limit_of_googles}
        self._tell("slow endpoint, all at once")
        asked = [name for name in limits if name in self.servers]

        def one(name: str) -> Sample:
            server, count = self.servers[name], self._plan.slow
            return measures.push(server, count, limit=limits[name], takes=THREE_SECONDS)

        with ThreadPoolExecutor() as pool:
            for name, sample in zip(asked, pool.map(one, asked), strict=True):
                self._note_sample("slow", name, sample)
        if GOOGLES in asked:
            self._results.notes.append(
                f"the slow endpoint: {self._plan.slow} messages; Google's rate is that of its "
                f"first {limits[GOOGLES]:g} s, for it sends two at a time"
            )

    def backlog(self, folder: Path) -> None:
        """Let a large backlog wait."""
        count = self._plan.waiting
        self._tell(f"{count:,} messages wait")
        with self._noting_failure("backlog"):
            for key, value in waiting.backlog(folder, count).items():
                self._note(key, NORMAL, value)
        if count != Plan().waiting:
            self._results.notes.append(f"{count:,} messages waited instead of 1,000,000")

    def _rounds(self, key: str, names: Sequence[str], sample: Callable[[Server], Sample]) -> None:
        names = [name for name in names if name in self.servers]
        for number in range(self._plan.rounds):
            for name in names if number % 2 == 0 else reversed(names):
                self._tell(f"{key}, {name}, round {number + 1}")
                with self._noting_failure(f"{key}, {name}"):
                    self._note_sample(key, name, sample(self.servers[name]))

    @contextmanager
    def _noting_failure(self, what: str) -> Iterator[None]:
        """Let the other figures be taken when one cannot be."""
        try:
            yield
        except (RuntimeError, OSError) as error:
            self._results.notes.append(f"{what} failed: {str(error).strip().splitlines()[-1]}")

    def _note_sample(self, key: str, name: str, sample: Sample) -> None:
        self._note(key, name, sample.rate)
        self._results.cpu[key][name].append(sample.cpu)

    def _note(self, key: str, name: str, value: float) -> None:
        self._results.samples[key][name].append(value)
