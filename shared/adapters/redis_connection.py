"""Connections to Redis or Valkey, and whether to ask it at all: one that is away slows nobody."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import redis.asyncio as redis
from redis.exceptions import RedisError

TIMEOUT_SECONDS: Final = 0.25
AWAY_SECONDS: Final = 1.0
"""How long a Redis that did not answer is not asked again."""
MOST_AWAY_SECONDS: Final = 4.0
"""To what that doubles, while it does not answer."""

T = TypeVar("T")


class RedisConnection:
    """`client` is asked through `ask`. Of all who come when Redis has been left alone for long
    enough, one asks: he alone waits."""

    def __init__(
        self,
        url: str,
        *,
        ca: str = "",
        away_seconds: float = AWAY_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """`ca` (PEM) is the only authority that a server of `rediss://` is believed by.

        A Redis that says nothing for `timeout_seconds` is left alone for `away_seconds`.
        """
        pinned: dict[str, Any] = {"ssl_ca_data": ca} if ca and url.startswith("rediss:") else {}
        self.client = redis.Redis.from_url(
            url,
            **pinned,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            decode_responses=True,
        )
        self._away_seconds = away_seconds
        self._timeout_seconds = timeout_seconds
        self._pause = 0.0  # while it is away
        self._away_until = 0.0

    async def ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` brings from Redis.

        Raises: ConnectionError, when it is away or full; at once while it is left alone.
        """
        now, pause = time.monotonic(), self._pause
        if now < self._away_until:
            raise ConnectionError("redis did not answer a moment ago")
        if pause:
            self._away_until = now + pause + self._timeout_seconds
        try:
            answer = await work()
        except (RedisError, OSError) as away:
            self._pause = min(2 * pause, MOST_AWAY_SECONDS) or self._away_seconds
            self._away_until = time.monotonic() + self._pause
            raise ConnectionError(f"redis cannot be used ({type(away).__name__})") from away
        self._pause = self._away_until = 0.0
        return answer

    async def ping(self) -> None:
        """Ask, whether it is left alone or not. Raises: ConnectionError."""
        try:
            await self.client.ping()
        except (RedisError, OSError) as away:
            raise ConnectionError(f"redis cannot be reached ({type(away).__name__})") from away

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
