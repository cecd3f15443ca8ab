"""A checkout of four tiny functions, and the whole stack started on it as a user would."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil
import pytest

FUNCTION = '''
import asyncio, os

async def {name}(request):
    """Answer who and what; sleep as long as the query asks."""
    await asyncio.sleep(float(request.query_params.get("sleep", 0)))
    return {{"function": "{name}", "pid": os.getpid(), "version": {version}}}
'''
# What it does not hear is that its input ends: the real one's child ends then, after a while.
ENDLESS = """#!/bin/sh
echo half > "$2/PG_VERSION"
sleep 300 &
echo $$ $! > "$2/pids.new"
mv "$2/pids.new" "$2/pids"
wait
"""
START_LIMIT_SECONDS = 100


def eventually(condition: Callable[[], object], limit_seconds: float = 60) -> object:
    """The first true value of `condition`; fails when there is none within the limit."""
    end = time.monotonic() + limit_seconds
    while True:
        with contextlib.suppress(OSError, ValueError, KeyError):
            if value := condition():
                return value
        assert time.monotonic() < end, f"not true within {limit_seconds} s"
        time.sleep(0.02)


def get(url: str, limit_seconds: float = 60) -> dict:
    with urllib.request.urlopen(url, timeout=limit_seconds) as answer:
        return json.load(answer)


def alive(pids: Iterable[int]) -> set[int]:
    """Those that run; who is dead and only waits to be asked for has ended."""
    return {pid for pid in pids if psutil.pid_exists(pid) and not _is_dead(pid)}


def _is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_connected(url: str, pids: Iterable[int]) -> bool:
    """Whether one of the processes has a connection to the address: a request has begun."""
    port = int(url.rpartition(":")[2])
    found = [psutil.Process(pid).net_connections("tcp") for pid in pids]
    return any(
        one.laddr.port == port and one.status == psutil.CONN_ESTABLISHED
        for connections in found
        for one in connections
    )


def write_function(root: Path, name: str, version: int = 1) -> None:
    folder = root / "functions" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(FUNCTION.format(name=name, version=version))


def endless_initdb(folder: Path) -> Path:
    """A folder of database binaries whose initdb starts a child and waits for it, longer than any
    test; the pids of both stand in the new database folder then."""
    folder.mkdir()
    (folder / "initdb").write_text(ENDLESS)
    (folder / "postgres").write_text("#!/bin/sh\n")
    for program in folder.iterdir():
        program.chmod(0o755)
    return folder


def pids_of_initdb(data_dir: Path) -> set[int]:
    """Of the endless one and its child; none while it has no child."""
    return {int(pid) for file in data_dir.glob("*/pids") for pid in file.read_text().split()}


class Run:
    """One `python -m emulators.stack` in a checkout."""

    def __init__(
        self, root: Path, *arguments: str, environment=None, command=(sys.executable,)
    ) -> None:
        self.root = root
        self.data_dir = root / ".cloudtasker"
        if "--data-dir" in arguments:
            self.data_dir = Path(arguments[arguments.index("--data-dir") + 1])
        self.output = root / f"output-{time.monotonic_ns()}.txt"
        whole = [*command, "-m", "emulators.stack", "--root", str(root), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), **(environment or {})}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                whole, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=root
            )

    @property
    def state(self) -> dict:
        return json.loads((self.data_dir / "state.json").read_text())

    def ready(self) -> "Run":
        def is_ready() -> bool:
            assert self.process.poll() is None, self.text()
            return self.state["pids"]["stack"] == self.process.pid

        eventually(is_ready, START_LIMIT_SECONDS)
        return self

    def text(self) -> str:
        return self.output.read_text()

    def pids(self) -> set[int]:
        """Every process of the run, those that its children started included."""
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return set()
        return {child.pid for child in below}

    def end(self, with_signal: signal.Signals = signal.SIGINT) -> float:
        """Signal the supervisor; the seconds until it had ended."""
        began = time.monotonic()
        self.process.send_signal(with_signal)
        self.process.wait(60)
        return time.monotonic() - began


@contextlib.contextmanager
def made_checkout() -> Iterator[Path]:
    """A folder with four functions, one of them a task type."""
    # pytest's own tmp_path is closed to the account that runs Postgres when root runs the tests.
    root = Path(tempfile.mkdtemp(prefix="cloudtasker-test-", dir="/var/tmp"))
    root.chmod(0o755)
    for name in ("enqueue", "relay", "dead_letter", "noop"):
        write_function(root, name)
    (root / "functions" / "noop" / "task.yaml").write_text("retry: {min_seconds: 1}\n")
    try:
        yield root
    finally:
        shutil.rmtree(root)


@pytest.fixture
def checkout() -> Iterator[Path]:
    with made_checkout() as root:
        yield root


@pytest.fixture(scope="module")
def running() -> Iterator[Run]:
    """One run for the tests of a module that leave it as they found it: working."""
    with made_checkout() as root:
        run = Run(root)
        try:
            yield run.ready()
        finally:
            run.end()


@pytest.fixture
def start(checkout) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(*arguments: str, root: Path = checkout, **how) -> Run:
        runs.append(Run(root, *arguments, **how))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end()


@pytest.fixture
def as_nobody() -> tuple[str, ...]:
    """A command that runs Python as an account without rights, with the packages of this one."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    python = Path(sys.executable).resolve()
    reachable = all(folder.stat().st_mode & 0o001 for folder in python.parents)
    if not reachable:
        python = Path("/usr/bin") / python.name
        if not python.exists():
            pytest.skip(f"no {python.name} that other users may run")
    packages = f"PYTHONPATH={Path.cwd()}:{sysconfig.get_path('purelib')}"
    become = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    return (*become, "env", packages, str(python))
