"""The supervisor's side of the gRPC helper: a process for as long as there is gRPC to do."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emulators.stack.errors import StackError
from emulators.stack.parent_death import before_exec
from emulators.stack.topology import Topology


class GrpcHelper:
    """Runs one request at a time; start it early, its imports take a moment."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start the process."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "emulators.stack.grpc_helper",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=dict(self._environment),
            cwd=self._root,
            start_new_session=True,
            preexec_fn=before_exec(signal.SIGKILL),
        )

    async def provision(self, address: str, topology: Topology) -> dict[str, int]:
        """Make the topology exist on the emulator at `address`.

        Raises:
            StackError: CT501, it did not answer or refused.
        """
        answer = await self._ask(action="provision", address=address, **asdict(topology))
        if "error" in answer:
            raise StackError(
                "CT501",
                f"The Pub/Sub emulator at {address} could not be set up: {answer['error']}.",
                "Tasks that are waiting there were not touched.",
                fix="correct what it says; cloudtasker dev -v shows what it printed.",
            )
        return answer

    async def serving(self, address: str, limit_seconds: float) -> None:
        """Return once the gateway at `address` says that it serves.

        Raises:
            StackError: CT106, it did not within the limit.
        """
        answer = await self._ask(action="serving", address=address, limit_seconds=limit_seconds)
        if "error" in answer:
            raise StackError(
                "CT106",
                f"The gateway is not ready: {answer['error']}.",
                "Your data was not touched.",
                fix="cloudtasker dev -v shows what it printed.",
            )

    async def stop(self) -> None:
        """End the process; it has nothing to finish."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    async def _ask(self, **request: Any) -> dict[str, Any]:
        async with self._turn:
            if self._process is None:
                await self.start()
            process = self._process
            if process is None or process.stdin is None or process.stdout is None:
                raise ConnectionError("the gRPC helper has no pipes")
            process.stdin.write(json.dumps(request).encode() + b"\n")
            line = await process.stdout.readline()
            if not line:
                return {"error": "the gRPC helper ended"}
            answer: dict[str, Any] = json.loads(line)
            return answer
