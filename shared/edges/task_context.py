"""What a handler is given beside its payload: who it is, and what it may say and do meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

from shared.domain.blob import Blobs, result_key
from shared.domain.errors import Misconfigured
from shared.domain.outcome import TaskCancelled
from shared.settings import Settings

T = TypeVar("T")


class Running(Protocol):
    """What stands behind a context: the service's `Run`."""

    @property
    def cancelled(self) -> bool:
        """See `TaskContext.cancelled`."""
        ...

    async def progress(self, percent: float, text: str = "") -> None:
        """See `TaskContext.progress`."""
        ...

    async def once(self, key: str, effect: Callable[[], Awaitable[Any] | Any]) -> Any:
        """See `TaskContext.once`."""
        ...


@dataclass
class ByHand:
    """The run of a context that a test makes: remembers what the handler said and did."""

    cancelled: bool = False
    said: list[tuple[float, str]] = field(default_factory=list)
    effects: dict[str, Any] = field(default_factory=dict)

    async def progress(self, percent: float, text: str = "") -> None:
        """Keep the word in `said`."""
        self.said.append((percent, text))

    async def once(self, key: str, effect: Callable[[], Awaitable[Any] | Any]) -> Any:
        """Keep the outcome in `effects`."""
        if key not in self.effects:
            result = effect()
            self.effects[key] = await result if isinstance(result, Awaitable) else result
        return self.effects[key]


@dataclass(frozen=True, slots=True)
class TaskContext:
    """The task that runs. `attempt` counts from 1; `settings` are the process's."""

    task_id: UUID
    task_type: str
    attempt: int
    max_attempts: int
    generation: int
    traceparent: str
    settings: Settings
    labels: dict[str, str] = field(default_factory=dict)
    run: Running = field(default_factory=ByHand, repr=False)
    loop: asyncio.AbstractEventLoop | None = field(default=None, repr=False)
    blobs: Blobs | None = field(default=None, repr=False)

    @property
    def cancelled(self) -> bool:
        """Whether somebody has cancelled the task, known within about two seconds.

        An `async def` handler is interrupted besides, with `asyncio.CancelledError` at its next
        `await`. Nothing can interrupt a `def` handler: it must look here from time to time. What
        a handler returns in spite of it is its result: the task is `succeeded` then.
        """
        return self.run.cancelled

    def stop_if_cancelled(self) -> None:
        """Raises: TaskCancelled when the task is cancelled, which ends it as `cancelled`."""
        if self.cancelled:
            raise TaskCancelled("the task was cancelled")

    async def progress(self, percent: float, text: str = "") -> None:
        """Show how far the run has come (0 to 100), and at most 200 characters beside it.

        Call it as often as you like: it is written once a second at most, the last word counts.
        The next attempt begins without. A ledger that is away is no reason to fail.
        Raises: LeaseLost when another run has the task: stop then. ValueError.
        """
        await self.run.progress(percent, text)

    async def once(self, key: str, effect: Callable[[], Awaitable[T] | T]) -> T:
        """The outcome of `effect`, which is called only when no attempt has recorded one for `key`.

        `effect` returns a JSON value, or awaits one; what it raises is recorded nowhere, so it is
        called again by the next attempt. The key (1 to 255 characters) names the effect within the
        task, and holds across attempts and redrives.

        What it cannot promise: exactly once. A process that dies after the effect has happened and
        before it is recorded leaves the next attempt ignorant, and so does an effect that the time
        limit or a cancellation cuts off. Where that matters hand the other side something to
        recognise a repetition by, such as the task's id. Two attempts never both begin it while
        the lease holds; one that lost its lease is refused before the effect and after it.
        Raises: LeaseLost; ValueError for a key or an outcome that cannot be kept.
        """
        outcome: T = await self.run.once(key, effect)
        return outcome

    async def keep(self, ending: str, content: bytes) -> str:
        """Store a large result in the blob store, and return its key, `results/<task id>.<ending>`.

        Another attempt overwrites it; it is deleted when its task is gone.
        Raises: Misconfigured without CLOUDTASKER_BLOBS_URL; BlobsUnavailable.
        """
        if self.blobs is None:
            raise Misconfigured(
                "CLOUDTASKER_BLOBS_URL is not set; it names the folder or bucket that results "
                "are stored in, as file:///folder or gs://bucket"
            )
        key = result_key(self.task_id, ending)
        await self.blobs.put(key, content)
        return key

    def wait(self, asked: Coroutine[Any, Any, T]) -> T:
        """For a `def` handler: `context.wait(context.progress(40))`, in its thread."""
        if self.loop is None:
            return asyncio.run(asked)
        return asyncio.run_coroutine_threadsafe(asked, self.loop).result()
