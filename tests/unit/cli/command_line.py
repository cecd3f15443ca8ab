"""Runs `cloudtasker` in this process against the API in memory and a mail sink in memory."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from click.testing import CliRunner

from emulators.smtp.http import app_for
from emulators.smtp.inbox import Inbox
from shared.cli.main import cli
from shared.cli.setup import Setup
from shared.client import Clock
from shared.domain.outcome import Verdict
from shared.domain.ports import TaskFilter
from shared.domain.settlement import settle
from shared.domain.task import Claim
from tests.contract.api.rest_app import BASE_URL, rest_app
from tests.support.memory_api import MemoryApi, memory_api

NOBODY = "127.0.0.1:1"
"""Where no server listens."""
MAIL_URL = "http://127.0.0.1:8025"
PUBSUB_HTTP = "http://127.0.0.1:8086"
FUNCTION_URL = "http://127.0.0.1:8105"
ALL = TaskFilter()
ACCOUNT = "pubsub-push@cloudtasker-local.iam.gserviceaccount.com"


@dataclass
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What stands on stdout, which must be one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error that `-o json` printed."""
        assert set(self.document) == {"error"}
        error: dict[str, str] = self.document["error"]
        return error

    @property
    def fix(self) -> str:
        """The last line of what was said."""
        return self.err.rstrip().splitlines()[-1]


@dataclass
class FakeTime:
    """The clock of `wait`: sleeping moves it, and does what a test has planned for that moment."""

    seconds: float = 0.0
    meanwhile: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if self.meanwhile:
            await self.meanwhile.pop(0)()

    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep)


class Hosts(httpx.AsyncBaseTransport):
    """Sends a request to the application that is known under its address; else refuses it."""

    def __init__(self, apps: Mapping[str, Any]) -> None:
        self.apps = {url: self._transport(app) for url, app in apps.items()}

    @staticmethod
    def _transport(app: Any) -> httpx.AsyncBaseTransport:
        if isinstance(app, httpx.AsyncBaseTransport):
            return app
        return httpx.ASGITransport(app, raise_app_exceptions=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        address = f"{request.url.scheme}://{request.url.netloc.decode()}"
        if address not in self.apps:
            raise httpx.ConnectError("connection refused", request=request)
        return await self.apps[address].handle_async_request(request)


class CommandLine:
    """Call it with words; `memory`, `inbox`, `time` and `hosts` are what it works on."""

    def __init__(self, folder: Path) -> None:
        self.memory: MemoryApi = memory_api()
        self.inbox = Inbox()
        self.time = FakeTime()
        self.hosts = Hosts({BASE_URL: rest_app(self.memory.api), MAIL_URL: app_for(self.inbox)})
        self.executed: list[list[str]] = []
        self.state_file = folder / "state.json"
        self.write_state()

    def write_state(self, **changes: Any) -> None:
        """The state file of a stack that runs."""
        state = {
            "rest": BASE_URL,
            "grpc": NOBODY,
            "pubsub": NOBODY,
            "pubsub_http": PUBSUB_HTTP,
            "mail": MAIL_URL,
            "postgres": f"postgresql+pg8000://postgres:secret@{NOBODY}/cloudtasker",
            "redis": f"redis://{NOBODY}/0",
            "push_service_account": ACCOUNT,
            "functions": {"greet": FUNCTION_URL},
            "pids": {},
        }
        self.state_file.write_text(json.dumps(state | changes))

    def __call__(self, *words: str, stdin: str | bytes = "", **environ: str | None) -> Outcome:
        setup = Setup(
            transport=self.hosts,
            wait_clock=self.time.clock(),
            now=self.memory.clock,
            replace_process=self._execute,
        )
        names = ("NO_COLOR", "FORCE_COLOR", "CLOUDTASKER_DATABASE_URL")
        clean = dict.fromkeys(names) | {"CLOUDTASKER_STATE": str(self.state_file)}
        result = CliRunner().invoke(
            cli, words, input=stdin, env=clean | environ, obj=setup, prog_name="cloudtasker"
        )
        assert not result.exception or isinstance(result.exception, SystemExit)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def enqueue(self, task_type: str = "greet", **payload: Any) -> str:
        """The id of a new task."""
        fields = payload or {"name": "Ana"}
        outcome = self("tasks", "enqueue", task_type, "--json", json.dumps(fields), "-q")
        assert outcome.code == 0, outcome.err
        return outcome.out.strip()

    async def claim(self, task_id: str, generation: int = 0) -> Claim:
        """Begin an attempt of the task."""
        greet = self.memory.api.catalogue["greet"]
        claim = await self.memory.ledger.claim(UUID(task_id), generation, greet)
        assert isinstance(claim, Claim)
        return claim

    async def run_task(self, task_id: str, verdict: Verdict) -> None:
        """One attempt that ends with `verdict`."""
        claim = await self.claim(task_id)
        limits = self.memory.api.catalogue["greet"].limits
        settlement = settle(verdict, limits, attempt=1, chance=0.5)
        self.memory.clock.advance(1.5)
        await self.memory.ledger.finish(claim, settlement)

    def begin(self, task_id: str, generation: int = 0) -> None:
        """Begin an attempt, and leave it running."""
        asyncio.run(self.claim(task_id, generation))

    def add_all(self, requests: list[dict[str, Any]]) -> None:
        """Many tasks in one commit."""
        enqueue = self.memory.api.enqueue.enqueue_all
        asyncio.run(enqueue(requests, traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-00"))

    def finish(self, task_id: str, verdict: Verdict) -> None:
        """As `run_task`, from a test that is not asynchronous."""
        asyncio.run(self.run_task(task_id, verdict))

    async def run_newest(self, verdict: Verdict) -> None:
        """One attempt of the task that was enqueued last."""
        [newest] = (await self.memory.api.lookup.find(ALL, page_size=1)).tasks
        await self.run_task(str(newest.id), verdict)

    def _execute(self, program: str, words: list[str]) -> Any:
        self.executed.append([program, *words])
        raise SystemExit(0)
