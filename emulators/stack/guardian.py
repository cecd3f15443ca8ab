"""Where the kernel has no parent-death signal: a small process that ends the orphans instead.

It is told the sessions of the running children; when the pipe closes without a last, empty list,
the supervisor has died and whatever is on the list is killed.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path


class Guardian:
    """The supervisor's side."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the guardian in a session of its own, so that Ctrl-C passes it by."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__)),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, sessions: Collection[int]) -> None:
        """From now on these are the ones to end."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(json.dumps(sorted(sessions)).encode() + b"\n")

    async def stop(self) -> None:
        """Everything has ended; so may the guardian."""
        if self._process is not None and self._process.stdin is not None:
            self.watch(())
            self._process.stdin.close()
            await self._process.wait()
            self._process = None


def main() -> None:
    """Remember the last list, and end it when the input does."""
    sessions: list[int] = []
    for line in sys.stdin:
        sessions = json.loads(line)
    for session in sessions:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(session, signal.SIGKILL)


if __name__ == "__main__":
    main()
