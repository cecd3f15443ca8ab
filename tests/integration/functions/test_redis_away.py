"""A Redis that takes connections and says nothing: who waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.adapters.redis_connection import RedisConnection

AWAY_SECONDS = 0.2


@asynccontextmanager
async def black_hole() -> AsyncIterator[tuple[str, list[object]]]:
    """The URL of a Redis that never answers, and who has connected to it."""
    callers: list[object] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer)
        while await reader.read(1000):
            pass
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", callers


async def test_of_all_who_come_while_redis_is_away_one_asks_it():
    async with black_hole() as (url, callers):
        connection = RedisConnection(url, away_seconds=AWAY_SECONDS)

        async def ask() -> bool:
            try:
                await connection.ask(connection.client.time)
            except ConnectionError:
                return False
            return True

        assert not await ask()
        assert len(callers) == 1
        await asyncio.sleep(AWAY_SECONDS * 1.5)

        assert not any(await asyncio.gather(*(ask() for _ in range(30))))
        assert len(callers) == 2
        await connection.close()
