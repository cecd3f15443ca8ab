"""Turns on Redis or Valkey: one script for the whole decision, so that two cannot both be last.

On Redis's own clock. What it forgets, renewals bring back; what is killed, its leases free.
"""

from collections.abc import Callable
from importlib.resources import files
from typing import Final

from shared.adapters.redis_connection import RedisConnection
from shared.domain.slots import (
    AGED_SECONDS,
    FIRST_GUESS_SECONDS,
    GONE_SECONDS,
    HORIZON_SECONDS,
    LEASE_SECONDS,
    LONGEST_WAIT_SECONDS,
    SHORTEST_WAIT_SECONDS,
    Turn,
)

_TIMES: Final = (
    AGED_SECONDS,
    GONE_SECONDS,
    HORIZON_SECONDS,
    SHORTEST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    FIRST_GUESS_SECONDS,
)
_LEARN: Final = """
local known = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
redis.call('SET', KEYS[1], known * 0.8 + ARGV[1] * 0.2, 'PX', 86400000)
"""
"""How long runs last, as a mean that forgets: what a place in the line is worth in time."""


class RedisSlots:
    """See `Slots`. `now` replaces Redis's clock in tests; it gives milliseconds."""

    def __init__(
        self, connection: RedisConnection, *, now: Callable[[], int] | None = None
    ) -> None:
        self._connection = connection
        self._redis = connection.client
        text = files("shared.adapters").joinpath("slots.lua").read_text()
        self._ask = self._redis.register_script(text)
        self._learn = self._redis.register_script(_LEARN)
        self._now = now

    async def ask(self, turn: Turn) -> float | None:
        """See `Slots.ask`."""
        arguments = [
            self._now() if self._now else "",
            turn.run_id,
            turn.task_id,
            _milliseconds(LEASE_SECONDS),
            turn.key_limit or 0,
            turn.max_concurrent or 0,
            turn.rate_per_second or 0,
            *map(_milliseconds, _TIMES),
        ]
        wait = await self._connection.ask(lambda: self._ask(keys=_keys(turn), args=arguments))
        return None if wait < 0 else float(wait) / 1000

    async def renew(self, turn: Turn) -> None:
        """See `Slots.renew`."""

        async def work() -> None:
            now = self._now() if self._now else _milliseconds_of(await self._redis.time())
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in _runs(turn):
                    pipe.zadd(name, {turn.run_id: now + _milliseconds(LEASE_SECONDS)})
                    pipe.pexpire(name, 2 * _milliseconds(LEASE_SECONDS))
                await pipe.execute()

        await self._connection.ask(work)

    async def release(self, turn: Turn, seconds: float) -> None:
        """See `Slots.release`."""

        async def work() -> None:
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in _runs(turn):
                    pipe.zrem(name, turn.run_id)
                await pipe.execute()
            await self._learn(keys=[_keys(turn)[8]], args=[_milliseconds(seconds)])

        await self._connection.ask(work)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()


def _keys(turn: Turn) -> list[str]:
    """In the order of the script: the key's pool, the type's pool, the rate, how long runs last."""
    of_type = f"cloudtasker:slots:{{{turn.task_type}}}"
    of_key = f"{of_type}:key:{turn.key or ''}"
    pools = [f"{pool}:{part}" for pool in (of_key, of_type) for part in ("runs", "line", "back")]
    return [*pools, f"{of_type}:next", f"{of_type}:moment:{turn.task_id}", f"{of_type}:lasts"]


def _runs(turn: Turn) -> list[str]:
    keys = _keys(turn)
    return [
        name for name, limit in ((keys[0], turn.key_limit), (keys[3], turn.max_concurrent)) if limit
    ]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _milliseconds_of(moment: tuple[int, int]) -> int:
    return int(moment[0]) * 1000 + int(moment[1]) // 1000
