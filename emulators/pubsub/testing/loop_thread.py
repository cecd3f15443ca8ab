"""A thread with an event loop of its own that runs one emulator; it knows no rule of Pub/Sub."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from emulators.pubsub.errors import EmulatorError
from emulators.pubsub.journal import resolve
from emulators.pubsub.options import Options
from emulators.pubsub.server import Emulator

Result = TypeVar("Result")
LIMIT_SECONDS = 60


class LoopThread:
    """Runs an emulator from `start` to `stop`; `call` and `run` reach into its loop."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._ports: Future[tuple[int, int]] = Future()
        self._stop: asyncio.Future[None] | None = None
        self._emulator: Emulator | None = None
        self._failure: BaseException | None = None
        # A daemon: a test run that forgets to stop it still ends.
        self._thread = threading.Thread(target=self._main, name="pubsub-emulator", daemon=True)

    def start(self) -> tuple[int, int]:
        """Return the gRPC and the HTTP port once both are served.

        Raises: EmulatorError, for what stands in the way.
        """
        self._thread.start()
        try:
            return self._ports.result(LIMIT_SECONDS)
        except BaseException:
            self._thread.join(LIMIT_SECONDS)
            raise

    def stop(self) -> None:
        """Stop the emulator and its thread. Raises: StoreError if it could no longer write."""
        if self._thread.is_alive() and self._stop:
            self._loop.call_soon_threadsafe(resolve, self._stop)
        self._thread.join(LIMIT_SECONDS)
        if self._failure:
            raise self._failure

    def run(self, ask: Callable[[Emulator], Coroutine[Any, Any, Result]]) -> Result:
        """Return what a coroutine function returns for the emulator, on its loop."""
        if self._emulator is None:
            raise EmulatorError("the emulator is not running: use it inside its `with` block")
        asked = asyncio.run_coroutine_threadsafe(ask(self._emulator), self._loop)
        return asked.result(LIMIT_SECONDS)

    def call(self, ask: Callable[[Emulator], Result]) -> Result:
        """Return what a plain function returns for the emulator, on its loop."""

        async def on_loop(emulator: Emulator) -> Result:
            return ask(emulator)

        return self.run(on_loop)

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # this thread's edge: raised where it is waited for
            self._failure = error
            if not self._ports.done():
                self._ports.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = self._loop.create_future()
        emulator = Emulator(self._options)
        try:
            ports = await emulator.start()
            self._emulator = emulator
            self._ports.set_result(ports)
            await asyncio.wait((self._stop, emulator.failed), return_when=asyncio.FIRST_COMPLETED)
            if emulator.failed.done():
                emulator.failed.result()
        finally:
            self._emulator = None  # grpc keeps a thread as long as there is a server
            await emulator.stop()
