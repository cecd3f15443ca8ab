"""Waits out a ledger that is away, for moves that are safe to repeat."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from shared.domain.errors import LedgerUnavailable

T = TypeVar("T")

PATIENCE_SECONDS: Final = 28.0
"""How long what a handler has done waits to be recorded, within its lease of 30 s."""
PAUSE_SECONDS: Final = 0.5
HOLD_SECONDS: Final = 10.0
"""How long a delivery is held when the ledger is away. Giving it back would spend one of the
attempts that Pub/Sub allows it, and leave it to a back-off that outlasts the outage."""


async def held(move: Callable[[], Awaitable[T]], goes_on: Callable[[], bool], seconds: float) -> T:
    """What `move` returns, begun anew until the ledger answers, `seconds` are over or `goes_on()`
    is false.

    Raises: LedgerUnavailable, as `move` raised it at last; whatever else it raises, at once.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        try:
            return await move()
        except LedgerUnavailable:
            if not goes_on() or loop.time() + PAUSE_SECONDS > end:
                raise
        await asyncio.sleep(PAUSE_SECONDS)


async def patiently(move: Callable[[], Awaitable[T]], what: str) -> T:
    """What `move` returns, tried again until the ledger answers; one that hangs is cut off.

    Raises: LedgerUnavailable, saying that `what` could not be recorded, after 28 s; whatever else
    `move` raises, at once.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await held(move, lambda: True, math.inf)
    except TimeoutError:
        raise LedgerUnavailable(f"{what} could not be recorded") from None
