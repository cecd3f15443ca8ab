"""A real Postgres for the length of a test session: quick, not durable, gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pg8000.native
import psutil

from emulators.stack.accounts import account_for_postgres
from emulators.stack.parent_death import before_exec
from emulators.stack.postgres import find_binaries
from emulators.stack.relocation import reachable_binaries
from shared.migrations.migrate import migrate
from tests.support.ports import free_port

START_LIMIT_SECONDS = 100


class PostgresServer:
    """One server on a free port. `stop`, `start`, `freeze` and `thaw` are for tests of faults.

    Its log of changes is in `wal`, an empty folder, or beside the data.
    """

    def __init__(self, folder: Path, wal: Path | None = None) -> None:
        self._account = account_for_postgres()
        self._bin = reachable_binaries(find_binaries(os.environ), self._account)
        self._data = folder / "data"
        self._log = folder / "log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o755)
        self._data.mkdir(mode=0o700)
        if self._account:
            self._account.own(self._data)
        initdb = [self._bin / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust"]
        if wal:
            if self._account:
                self._account.own(wal)
            initdb += [f"--waldir={wal}", "--wal-segsize=1"]
        made = self._spawn([*initdb, "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"])
        if made.wait(START_LIMIT_SECONDS) != 0:
            raise RuntimeError(f"initdb failed: {self._said()}")

    @property
    def url(self) -> str:
        """Of the database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """As settings take it."""
        return f"postgresql+pg8000://postgres@127.0.0.1:{self.port}/{database}"

    def start(self, **more: str) -> None:
        """Start and wait until it answers; `more` are settings over ours."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            **more,
        }
        flags = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        self._process = self._spawn([self._bin / "postgres", "-D", self._data, *flags])
        end = time.monotonic() + START_LIMIT_SECONDS
        while not self.answers():
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError(f"postgres did not start: {self._said()}")
            time.sleep(0.02)

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    @property
    def runs(self) -> bool:
        """Whether the server's first process is there."""
        return self._process is not None and self._process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it; SIGQUIT is Postgres' immediate shutdown, as a crash would be."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def freeze(self) -> None:
        """Stop all its processes where they are: a black hole that still takes connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """End `freeze`."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        """To the postmaster, then to its children, who lead sessions of their own."""
        assert self._process
        postmaster = psutil.Process(self._process.pid)
        postmaster.send_signal(what)
        for child in postmaster.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ended by itself just now
                child.send_signal(what)

    def run(self, statement: str, database: str = "postgres") -> list[list[object]]:
        """The rows of one statement."""
        connection = pg8000.native.Connection(
            "postgres", host="127.0.0.1", port=self.port, database=database
        )
        try:
            return list(connection.run(statement) or ())
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether it takes a statement now."""
        try:
            self.run("SELECT 1")
        except (OSError, pg8000.native.Error):
            return False
        return True

    def _spawn(self, command: list[object]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(word) for word in command],
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,
                preexec_fn=before_exec(signal.SIGQUIT),
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
                extra_groups=[] if self._account else None,
            )


@contextmanager
def postgres_server(**more: str) -> Iterator[PostgresServer]:
    """A running server, removed afterwards; `more` are settings over ours."""
    folder = Path(tempfile.mkdtemp(prefix="cloudtasker-pg-", dir="/var/tmp"))
    try:
        server = PostgresServer(folder)
        server.start(**more)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def fresh_database(server: PostgresServer, name: str) -> str:
    """The URL of a new database with our schema."""
    server.run(f"CREATE DATABASE {name}")
    migrate(server.url_of(name))
    return server.url_of(name)
