"""Where the kernel's parent-death signal does not reach: a small process ends the orphans instead.

That is every process on systems without the signal, and what a command starts in its turn: initdb
dies with the supervisor, the servers that it runs for a moment do not.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path

PROCESS = Path(__file__).with_name("guardian_process.py")


class Guardian:
    """The supervisor's side."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the guardian in a session of its own, so that Ctrl-C passes it by."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-IS",  # it needs no packages, and shall watch at once
            str(PROCESS),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, sessions: Collection[int]) -> None:
        """From now on these are the ones to end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps(sorted(sessions)).encode() + b"\n")

    def announcement(self) -> Callable[[], None]:
        """For a child to call before it becomes its program: from now on its session is the one to
        end. Heard even if the supervisor dies before it can tell."""
        if self._process is None or self._process.stdin is None:
            raise ValueError("the guardian has not been started")
        pipe = self._process.stdin.get_extra_info("pipe").fileno()

        def announce() -> None:
            os.write(pipe, b"[%d]\n" % os.getpid())

        return announce

    async def stop(self) -> None:
        """Everything has ended; so may the guardian."""
        if self._process is not None and self._process.stdin is not None:
            self.watch(())
            self._process.stdin.close()
            await self._process.wait()
            self._process = None
