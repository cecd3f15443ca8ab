"""A server that always says something, so that only a limit on the whole can end the wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.ports import free_port


@asynccontextmanager
async def trickling(head: bytes, drop: bytes) -> AsyncIterator[int]:
    """The port of a server that says `head`, then `drop` every 20 ms until its client is gone."""
    gone = asyncio.Event()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(head)
            with suppress(ConnectionError):
                while not await _left(reader):
                    writer.write(drop)
        finally:
            writer.close()
            gone.set()

    server = await asyncio.start_server(trickle, "127.0.0.1", free_port())
    try:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait_for(gone.wait(), 5)
    finally:
        server.close()


async def _left(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(65_536), 0.02) == b""
    except TimeoutError:
        return False
