"""A process that can be killed and frozen, and what lies between it and its ports."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from shared.domain.errors import CloudTaskerError, LedgerUnavailable

T = TypeVar("T")


class Process:
    """Owns the tasks that run in it. A dead one does nothing more; a frozen one does it later."""

    def __init__(self, name: str, on_defect: Callable[[str], object]) -> None:
        self.name = name
        self._on_defect = on_defect
        self.alive = True
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def kill(self) -> None:
        """End it like kill -9: no code of it has an effect from now on."""
        self.alive = False
        self._thawed.set()
        for task in self._tasks:
            task.cancel()

    def freeze(self) -> None:
        """Stop it until `thaw`; it does not notice."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._thawed.set()

    async def go_on(self) -> None:
        """Return when the process may do its next step; a dead one never takes it."""
        await self._thawed.wait()
        if not self.alive:
            raise asyncio.CancelledError

    async def serve(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a request in the process, for a caller outside.

        Raises: ConnectionError when the process is dead or dies meanwhile; what `work` raises.
        """
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not self.alive:
            task.cancel()
        await asyncio.wait({task})
        if task.cancelled() or not self.alive:
            raise ConnectionError(f"{self.name} is gone")
        error = task.exception()
        if error and not isinstance(error, CloudTaskerError | ConnectionError):
            self._on_defect(f"{self.name}: {type(error).__name__}: {error}")
        return task.result()


class Network:
    """What can happen to a call on its way there and on its way back, by chance."""

    def __init__(self, random: Random, *, slow_seconds: float = 0.02) -> None:
        self._random = random
        self._slow_seconds = slow_seconds
        self.cut_chance = 0.0
        self.down = False

    async def pass_over(self, what: str) -> None:
        """Raises: LedgerUnavailable when the call, or its answer, is lost."""
        await asyncio.sleep(self._random.random() * self._slow_seconds)
        if self.down or self._random.random() < self.cut_chance:
            raise LedgerUnavailable(f"{what} was cut off")


class Reached:
    """A port over a network: each call may be cut off before or after its effect."""

    def __init__(
        self,
        port: Any,
        process: Process,
        network: Network,
        seen: Callable[[Any], Awaitable[None]] | None = None,
    ) -> None:
        self._port = port
        self._process = process
        self._network = network
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._process.go_on()
            await self._network.pass_over(name)
            await self._process.go_on()
            answer = await method(*args, **kwargs)
            if self._seen:
                await self._seen(answer)
            await self._network.pass_over(name)
            await self._process.go_on()
            return answer

        return call
