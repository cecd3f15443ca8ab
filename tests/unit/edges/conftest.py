"""The stage of the edge tests: a task function whose ledger and handler are in memory."""

import gc
import io
import json
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from shared import telemetry
from shared.adapters.memory import MemoryLedger
from shared.settings import Settings
from tests.support.clock import FakeClock
from tests.support.push import calling
from tests.support.task_types import greeting_type
from tests.unit.edges.stage import SETTINGS, Script, Stage, staged_function


@pytest.fixture(autouse=True)
def _own_process() -> Iterator[None]:
    """A function chains signal handlers, takes over logging and tunes the garbage collector."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = {number: signal.getsignal(number) for number in numbers}
    root = logging.getLogger()
    before = list(root.handlers), root.level
    thresholds = gc.get_threshold()
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    root.handlers, root.level = before[0], before[1]
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture
def open_stage() -> Callable[..., AbstractAsyncContextManager[Stage]]:
    """Build a stage with limits of the task type, or other settings."""

    @asynccontextmanager
    async def build(settings: Settings = SETTINGS, **limits: Any) -> AsyncIterator[Stage]:
        clock = FakeClock()
        ledger, script = MemoryLedger(clock), Script()
        function = staged_function(script, ledger, settings, **limits)
        async with calling(function) as client:
            yield Stage(client, ledger, clock, greeting_type("greet", **limits), script)

    return build


@pytest.fixture
async def stage(open_stage: Any) -> AsyncIterator[Stage]:
    """A stage with the default limits."""
    async with open_stage() as built:
        yield built


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What was logged so far, line by line."""
    out = io.StringIO()
    monkeypatch.setattr("sys.__stdout__", out)
    telemetry.configure(Settings())
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]
