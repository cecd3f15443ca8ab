"""Task functions that a real server serves on an in-memory ledger: the source of drain tests.

The ledger holds one task a payload name; a handler runs as long as the name says.
"""

import asyncio
import logging
import time
from typing import Any
from uuid import UUID

from shared.adapters.memory import MemoryLedger
from shared.bootstrap import Runner
from shared.domain.task import NewTask
from shared.edges.task_context import TaskContext
from shared.edges.task_function import task_function
from shared.readiness import Readiness
from shared.services.execute import ExecuteService
from shared.services.verdict import Handle
from shared.settings import Settings
from tests.support.task_types import Greeting, greeting_type

TASKS = {
    name: UUID(int=n) for n, name in enumerate(["ready", "short", "endless", "endless2"], start=1)
}
SECONDS = {"ready": 0.0, "short": 0.5, "endless": 60.0, "endless2": 60.0}
GRACE_SECONDS = 1.5


class FilledLedger(MemoryLedger):
    """Has the tasks once it is first asked."""

    async def claim(self, task_id: UUID, generation: int, task_type: Any) -> Any:
        if not self._rows:
            await self.add([NewTask(i, "greet", {"name": n}, "") for n, i in TASKS.items()])
        return await super().claim(task_id, generation, task_type)


def open_runner(name: str, handle: Handle) -> Runner:
    """A runner of `greet`, whatever the function is called."""
    settings = Settings(host="127.0.0.1", pubsub_emulator_host="127.0.0.1:1", push_auth="none")
    ledger = FilledLedger()
    service = ExecuteService(greeting_type(), handle, ledger)
    return Runner(settings, greeting_type(), service, Readiness({"memory": ledger.ping}))


async def sleeping(payload: Greeting, context: TaskContext) -> str:
    """Give way to others while it runs."""
    logging.getLogger("greet").info("begun")
    await asyncio.sleep(SECONDS[payload.name])
    return payload.name


def blocking(payload: Greeting, context: TaskContext) -> str:
    """Block its thread while it runs."""
    logging.getLogger("greet").info("begun")
    time.sleep(SECONDS[payload.name])
    return payload.name


greet = task_function("greet", sleeping, open_runner=open_runner, grace_seconds=GRACE_SECONDS)
greet_blocking = task_function(
    "greet_blocking", blocking, open_runner=open_runner, grace_seconds=GRACE_SECONDS
)
