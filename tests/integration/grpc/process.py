"""`python -m grpc_gateway` as a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIMIT_SECONDS = 20


class GatewayProcess:
    """A started gateway and the lines that it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self, *events: str) -> dict[str, str]:
        """The next line about one of `events`; fails when the process ends before."""
        assert self.process.stdout
        async with asyncio.timeout(LIMIT_SECONDS):
            async for raw in self.process.stdout:
                said: dict[str, str] = json.loads(raw)
                if said.get("event") in events:
                    return said
        raise AssertionError(f"the gateway ended without a line about {events}")

    async def ended(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(LIMIT_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def gateway_process(environ: Mapping[str, str]) -> AsyncIterator[GatewayProcess]:
    """A gateway with only `environ` as its settings; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "grpc_gateway",
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield GatewayProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
