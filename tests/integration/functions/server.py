"""A function as a real process, under uvicorn or the framework's own command; reads its lines."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
_UVICORN = """
import sys, uvicorn
from functions_framework.aio import create_asgi_app
target, source, port = sys.argv[1:]
uvicorn.run(create_asgi_app(target, source, "http"), host="127.0.0.1", port=int(port),
            access_log=False, log_level="warning")
"""


def command(server: str, target: str, source: str, port: int) -> list[str]:
    """How `server` (uvicorn, framework) serves `target` of `source`."""
    if server == "uvicorn":
        return [sys.executable, "-c", _UVICORN, target, source, str(port)]
    framework = str(Path(sys.executable).parent / "functions-framework")
    place = ["--host", "127.0.0.1", "--port", str(port)]
    return [framework, "--target", target, "--source", source, "--asgi", *place]


class FunctionProcess:
    """A served function: call it through `client`, tell it to stop, read its JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> None:
        self.client = client
        self._process = process
        self.lines: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())
        self._news = asyncio.Condition()

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))
            async with self._news:
                self._news.notify_all()

    async def logged(self, event: str, count: int = 1) -> None:
        """Return once `event`, or a handler's own message, has been logged `count` times."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: self.events().count(event) >= count)

    async def ready(self) -> None:
        """Return once GET /ready answers 200."""
        async with asyncio.timeout(20):
            while True:
                if (await self.client.get("/ready")).status_code == 200:
                    return
                await asyncio.sleep(0.1)

    def events(self) -> list[str]:
        """The events logged so far, and the messages of lines that are no event of ours."""
        return [line.get("event", line["message"]) for line in self.lines]

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to the process that was started."""
        self._process.send_signal(number)

    async def ended(self, seconds: float) -> int:
        """The exit code, which must come within so many seconds."""
        code = await asyncio.wait_for(self._process.wait(), seconds)
        await self._reading
        return code

    async def close(self) -> None:
        """End it, with its workers: it leads a session of its own."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it may have ended by itself just now
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        await self._reading


@asynccontextmanager
async def serving(
    server: str, target: str, source: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[FunctionProcess]:
    """The function once it answers /health."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *command(server, target, source, port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(environment or {})},
        start_new_session=True,
    )
    limits = httpx.Timeout(30)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=limits) as client:
        function = FunctionProcess(process, client)
        try:
            await _answers(client)
            yield function
        finally:
            await function.close()


async def _answers(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                if (await client.get("/health")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
