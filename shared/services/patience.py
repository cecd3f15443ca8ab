"""Waits out a ledger that is away, for moves that are safe to repeat."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from shared.domain.errors import LedgerUnavailable

T = TypeVar("T")

PATIENCE_SECONDS: Final = 28.0
"""How long what a handler has done waits to be recorded, within its lease of 30 s."""
PAUSE_SECONDS: Final = 0.5


async def patiently(move: Callable[[], Awaitable[T]], what: str) -> T:
    """What `move` returns, tried again until the ledger answers.

    Raises: LedgerUnavailable, saying that `what` could not be recorded, after 28 s; whatever else
    `move` raises, at once.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await move()
                except LedgerUnavailable:
                    await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        raise LedgerUnavailable(f"{what} could not be recorded") from None
