"""A TCP proxy that can cut, slow and hold what goes through it, in a thread of its own."""

import asyncio
import threading
from contextlib import suppress

from tests.support.ports import free_port


class FaultProxy:
    """Listens on `port` of 127.0.0.1 and passes everything to `target` (a port) until told else."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._go = asyncio.Event()
        self._delay = 0.0
        self._refuse = False
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = self._call(self._listen())

    def cut(self) -> None:
        """Break every connection that is open; new ones are taken."""
        self._call(self._cut())

    def slow(self, seconds: float) -> None:
        """Hold each piece of data for so long, in both directions; 0 ends it."""
        self._delay = seconds

    def hold(self) -> None:
        """Pass nothing on and break nothing: a black hole, until `release`."""
        self._loop.call_soon_threadsafe(self._go.clear)

    def release(self) -> None:
        """End `hold`."""
        self._loop.call_soon_threadsafe(self._go.set)

    def close(self) -> None:
        """Break everything and stop listening."""
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> int:
        self._go.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", free_port())
        return self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._open |= {writer, there[1]}
        try:
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        finally:
            self._open -= {writer, there[1]}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._go.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
