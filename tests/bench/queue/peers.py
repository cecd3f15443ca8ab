"""The queues beside ours: each in a virtual environment and on a broker of its own.

An environment is made once, from the pinned versions below, and kept in the user's cache.
"""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.bench.queue.brokers import Broker
from tests.e2e.local_stack import eventually

CHECKOUT: Final = Path(__file__).resolve().parents[3]
MODULES: Final = "tests.bench.queue.apps"
CACHE: Final = Path(
    os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cloudtasker", "bench"
)


@dataclass(frozen=True)
class Peer:
    """How to install a queue, start one worker process of it, and count what it has done."""

    name: str
    packages: tuple[str, ...]
    app: str
    worker: tuple[str, ...]
    on_postgres: bool = False
    prepare: tuple[str, ...] = ()

    def python(self) -> Path:
        """The interpreter of the peer's environment, which is made when it is not there.

        Raises: RuntimeError when the packages cannot be installed.
        """
        mark = "_".join(self.packages).replace("==", "-").replace("[", "-").replace("]", "")
        folder = CACHE / f"{mark}-py{sys.version_info.major}.{sys.version_info.minor}"
        python = folder / "bin" / "python"
        if not (folder / ".installed").exists():
            venv.create(folder, clear=True, with_pip=True)
            command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            made = subprocess.run([*command, *self.packages], capture_output=True, text=True)
            if made.returncode:
                raise RuntimeError(
                    f"{self.name} could not be installed from {', '.join(self.packages)}; the "
                    f"comparison needs a package index:\n{made.stderr[-1000:]}"
                )
            (folder / ".installed").touch()
        return python


CELERY: Final = Peer(
    "Celery",
    ("celery[redis]==5.7.0",),
    "celery_app",
    ("celery", "-A", f"{MODULES}.celery_app", "worker", "-c", "2", "-l", "ERROR",
     "--without-gossip", "--without-mingle"),
)  # fmt: skip
DRAMATIQ: Final = Peer(
    "Dramatiq",
    ("dramatiq[redis]==2.2.1",),
    "dramatiq_app",
    ("dramatiq", f"{MODULES}.dramatiq_app", "-p", "2", "-t", "8"),
)
TASKIQ: Final = Peer(
    "taskiq (streams)",
    ("taskiq==0.13.0", "taskiq-redis==1.2.4"),
    "taskiq_app",
    ("taskiq", "worker", f"{MODULES}.taskiq_app:broker", "-w", "2", "--log-level", "ERROR"),
)
PROCRASTINATE: Final = Peer(
    "procrastinate",
    ("procrastinate==3.10.0", "psycopg[binary]"),
    "procrastinate_app",
    ("procrastinate", "--app", f"{MODULES}.procrastinate_app.app", "worker", "-c", "10"),
    on_postgres=True,
    prepare=("procrastinate", "--app", f"{MODULES}.procrastinate_app.app", "schema", "--apply"),
)
QUICK: Final = (CELERY,)
ALL: Final = (CELERY, DRAMATIQ, TASKIQ, PROCRASTINATE)


class RunningPeer:
    """A peer with its broker; its worker runs only inside `working`."""

    def __init__(self, peer: Peer, folder: Path, broker: Broker) -> None:
        self.peer = peer
        self._python = peer.python()
        self._folder = folder
        self._broker = broker
        self._starts = folder / "starts"
        self._environ = {
            "PATH": f"{self._python.parent}:{os.defpath}",
            "PYTHONPATH": str(CHECKOUT),
            "BENCH_STARTS": str(self._starts),
            "HOME": str(folder),
            **broker.environ,
        }
        if peer.prepare:
            self._call(*peer.prepare)

    def enqueue(self, count: int) -> float:
        """Hand in `count` tasks one by one; the seconds that it took."""
        return float(
            json.loads(
                self._call("python", "-m", f"{MODULES}.{self.peer.app}", "enqueue", str(count))
            )
        )

    def starts(self, count: int) -> list[float]:
        """Hand in `count` tasks with pauses; the seconds from each call to its handler's start."""
        self._starts.unlink(missing_ok=True)
        self._call("python", "-m", f"{MODULES}.{self.peer.app}", "idle", str(count))
        eventually(lambda: len(self._lines()) >= count, 60, "every task has begun")
        return sorted(map(float, self._lines()))

    def done(self) -> int:
        """How many tasks have a result."""
        return self._broker.done()

    @contextmanager
    def working(self) -> Iterator[psutil.Process]:
        """A worker runs; it has two processes, or ten slots where it has no processes."""
        log = (self._folder / "worker.log").open("ab")
        worker = subprocess.Popen(
            self.peer.worker, cwd=self._folder, env=self._environ, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        process = psutil.Process(worker.pid)
        try:
            yield process
        finally:
            family = [process, *process.children(recursive=True)]
            worker.terminate()
            _, left = psutil.wait_procs(family, timeout=15)
            for one in left:
                one.kill()
            log.close()

    def _lines(self) -> list[str]:
        return self._starts.read_text().split() if self._starts.exists() else []

    def _call(self, *command: str) -> str:
        called = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if called.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{called.stderr[-2000:]}")
        return called.stdout.strip() or "null"
