"""A real Valkey for tests, gone with them."""

import os
import subprocess
import time
from pathlib import Path
from typing import Final

import redis

from emulators.stack.valkey import Valkey, find_binary
from tests.support.ports import free_port

PATIENT_SECONDS: Final = 20.0
"""How long a client waits in tests that are not about waiting: a busy machine is no outage."""


class ValkeyServer:
    """A real Valkey on a free port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        program = Valkey(find_binary(os.environ), folder, self.port).program()
        self.process = subprocess.Popen(program.argv, cwd=folder, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                redis.Redis(port=self.port).ping()
                return
            except redis.ConnectionError:
                time.sleep(0.02)
        raise RuntimeError("valkey did not start")
