"""One attempt while its handler runs: what the handler may say and do, fenced by its token."""

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

from shared.domain.errors import LedgerUnavailable
from shared.domain.json_value import unstorable
from shared.domain.ports import Runs
from shared.domain.task import Claim, Effect
from shared.services.patience import patiently

PROGRESS_PAUSE_SECONDS: Final = 1.0
"""Progress is written at most once in this time; what is said in between, the last word counts."""
MAX_PROGRESS_TEXT: Final = 200
MAX_KEY: Final = 255


class Run:
    """A claim that is being worked on. Made on the event loop; only `cancelled` and `loop` may be
    used from another thread."""

    def __init__(self, claim: Claim, runs: Runs) -> None:
        self.claim = claim
        self.loop = asyncio.get_running_loop()
        self._runs = runs
        self._stop = False
        self._interrupt: Callable[[], object] | None = None
        self._said: tuple[float, str] | None = None
        self._saying: asyncio.Task[None] | None = None
        self._say_next_at = -math.inf
        self._recording: set[asyncio.Future[None]] = set()
        self._locks: dict[str, asyncio.Lock] = {}

    @property
    def cancelled(self) -> bool:
        """Whether somebody has cancelled the task meanwhile."""
        return self._stop

    def cancel(self) -> None:
        """Ask the handler to stop. Safe to repeat: it is interrupted once."""
        first, self._stop = not self._stop, True
        if first and self._interrupt:
            self._interrupt()

    def interrupt_with(self, interrupt: Callable[[], object]) -> None:
        """Call `interrupt` when the run is asked to stop, now if it has been."""
        self._interrupt = interrupt
        if self.cancelled:
            interrupt()

    async def progress(self, percent: float, text: str = "") -> None:
        """Say how far the run has come; see `TaskContext.progress`."""
        if not 0 <= percent <= 100:
            raise ValueError(f"percent is {percent!r}; it must be between 0 and 100")
        said = text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
        self._said = (float(percent), said[:MAX_PROGRESS_TEXT])
        if self._saying and not self._saying.done():
            return
        if self._saying:
            self._saying.result()  # a lease that was lost meanwhile is told now
        wait = self._say_next_at - self.loop.time()
        if wait <= 0:
            await self._say()
        else:
            self._saying = self.loop.create_task(self._say_after(wait))

    async def _say_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._say()

    async def _say(self) -> None:
        self._say_next_at = self.loop.time() + PROGRESS_PAUSE_SECONDS
        said, self._said = self._said, None
        if said:
            try:
                await self._runs.say_progress(self.claim, *said)
            except LedgerUnavailable:
                self._said = self._said or said  # no reason to fail: the next word may get through
            except asyncio.CancelledError:
                self._said = self._said or said  # whether it was written is not known
                raise

    async def once(self, key: str, effect: Callable[[], Awaitable[Any] | Any]) -> Any:
        """The recorded outcome of `effect`, or a new one; see `TaskContext.once`."""
        if not 1 <= len(key) <= MAX_KEY or unstorable(key):
            raise ValueError(f"key is {key[:MAX_KEY]!r}; it must have 1 to {MAX_KEY} characters")
        async with self._locks.setdefault(key, asyncio.Lock()):
            earlier = await self._runs.recall(self.claim, key)
            return earlier.result if earlier else await self._effect(key, effect)

    async def _effect(self, key: str, effect: Callable[[], Awaitable[Any] | Any]) -> Any:
        result = effect()
        if inspect.isawaitable(result):
            result = await result
        if problem := unstorable(result):
            raise ValueError(f"the outcome of {key!r} cannot be recorded: {problem}")
        await self._record(key, Effect(result))
        return result

    async def _record(self, key: str, effect: Effect) -> None:
        """The effect has happened: whatever stops the handler now, its record is still written."""
        what = f"the effect {key!r} of task {self.claim.task_id}"
        move = patiently(lambda: self._runs.record(self.claim, key, effect), what)
        recording = asyncio.ensure_future(move)
        self._recording.add(recording)
        recording.add_done_callback(self._recording.discard)
        await asyncio.shield(recording)

    async def close(self) -> None:
        """The handler has ended: finish what is being recorded, write the last word at once."""
        saying = [self._saying] if self._saying else []
        for one in saying:
            one.cancel()
        await asyncio.gather(*saying, *self._recording, return_exceptions=True)
        if self._said:
            await asyncio.gather(self._say(), return_exceptions=True)
