"""One function as a process: functions-framework's ASGI app under uvicorn, on an inherited socket.

The socket belongs to the supervisor, so while a function restarts its callers wait in the queue
of the socket and nothing is refused.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

import uvicorn
from functions_framework.aio import create_asgi_app

from emulators.stack.import_problem import describe
from emulators.stack.processes import EXIT_BROKEN

# The function drains for up to 8 s by itself.
_GRACE_SECONDS = 9
# Longer than any client of ours keeps an idle connection: the client closes, so nobody loses a race.
_KEEP_ALIVE_SECONDS = 120


class QuietServer(uvicorn.Server):
    """uvicorn, woken once a second instead of ten times, and at once by a signal."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)


def main() -> int:
    """Serve the function `--target` of `--source` until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    parser.add_argument("--source", required=True, type=Path)
    asked = parser.parse_args()
    try:
        app = create_asgi_app(asked.target, str(asked.source), "http")
    except Exception as error:
        print(json.dumps(describe(error, asked.source, Path.cwd())), flush=True)
        return EXIT_BROKEN
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    listener = socket.socket(fileno=int(os.environ.pop("LISTENER_FD")))
    QuietServer(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
