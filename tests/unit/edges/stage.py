"""A task function on in-memory ports, with the ledger and the handler in a test's hands."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryLedger
from shared.bootstrap import Runner
from shared.domain.task import NewTask, Task
from shared.domain.task_type import TaskType
from shared.edges.guarded_function import Function
from shared.edges.task_context import TaskContext
from shared.edges.task_function import task_function
from shared.readiness import Readiness
from shared.services.execute import ExecuteService
from shared.services.verdict import Handle
from shared.settings import Settings
from tests.support.clock import FakeClock
from tests.support.push import PROJECT, push_body
from tests.support.task_types import Greeting, greeting_type

SETTINGS = Settings(host="127.0.0.1", pubsub_emulator_host="127.0.0.1:8085", push_auth="none")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Stage:
    """Call `push`; read `ledger.desk`, `await task(id)`, `runs`. Set `behaviour` before."""

    client: httpx.AsyncClient
    ledger: MemoryLedger
    clock: FakeClock
    task_type: TaskType
    script: "Script"

    async def add(self, payload: dict[str, Any] | None = None) -> UUID:
        """Store a queued task."""
        new = NewTask(uuid7(), "greet", payload or {"name": "Ada"}, TRACEPARENT)
        await self.ledger.add([new])
        return new.id

    async def task(self, task_id: UUID) -> Task:
        """The row, which must be there."""
        row = await self.ledger.get(task_id)
        assert row is not None
        return row

    async def post(self, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        """POST whatever bytes."""
        return await self.client.post("/", content=content, headers=headers)

    async def push(self, task_id: UUID, **said: Any) -> httpx.Response:
        """Deliver the task's message as its push subscription does."""
        return await self.post(json.dumps(self.body(task_id, **said)).encode())

    def body(self, task_id: UUID | str, **said: Any) -> dict[str, Any]:
        """The push body about a task; `said` changes the envelope or the push."""
        envelope = {
            "task_id": str(task_id),
            "generation": said.pop("generation", 0),
            "task_type": said.pop("task_type", "greet"),
            "enqueued_at": "2026-11-24T12:00:00+00:00",
        }
        said.setdefault("subscription", f"projects/{PROJECT}/subscriptions/tasks-greet-push")
        said.setdefault("attributes", {"task_type": "greet", "traceparent": TRACEPARENT})
        return push_body(json.dumps(envelope).encode(), **said)


@dataclass
class Script:
    """What the handler does, and what it saw."""

    behaviour: Any = None
    runs: list[tuple[Greeting, TaskContext]] = field(default_factory=list)

    async def greet(self, payload: Greeting, context: TaskContext) -> Any:
        """Raise the behaviour when it is an error, call it when it can be called, else return."""
        self.runs.append((payload, context))
        if isinstance(self.behaviour, Exception):
            raise self.behaviour
        if callable(self.behaviour):
            return await self.behaviour()
        return {"said": payload.name} if self.behaviour is None else self.behaviour


def staged_function(
    script: Script,
    ledger: MemoryLedger,
    settings: Settings = SETTINGS,
    grace_seconds: float = 8,
    **limits: Any,
) -> Function:
    """The function `greet` over this ledger."""

    def open_runner(name: str, handle: Handle) -> Runner:
        task_type = greeting_type(name, **limits)
        service = ExecuteService(task_type, handle, ledger, chance=lambda: 0.5, hold_seconds=0)
        return Runner(settings, task_type, service, Readiness({"postgres": ledger.ping}))

    return task_function(
        "greet", script.greet, open_runner=open_runner, grace_seconds=grace_seconds
    )
