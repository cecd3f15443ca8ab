"""Take a turn before a run: at once, after a short wait in place, or later.

Waiting costs no attempt. Redis decides; while it is away the backstop does.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from shared.domain.slots import RENEW_SECONDS, Slots, Turn, turn_of
from shared.domain.task import Claim
from shared.domain.task_type import Limits

PATIENCE_SECONDS: Final = 2.0
"""How long a claim waits in place: the way through the relay would cost a second or more."""
LOOK_SECONDS: Final = 0.2
"""How often who waits in place looks for a slot, so that none lies idle for long."""
SHORTEST_SECONDS: Final = 0.5
"""How soon a task that was put back comes again at the earliest: nothing spins."""


class Turns:
    """Hands out turns of one task type's limits."""

    def __init__(
        self,
        limits: Limits,
        slots: Slots | None,
        backstop: Slots,
        *,
        chance: Callable[[], float] = random.random,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._limits = limits
        self._slots = slots
        self._backstop = backstop
        self._chance = chance
        self._patience_seconds = patience_seconds

    @asynccontextmanager
    async def taken(self, claim: Claim) -> AsyncIterator[float | None]:
        """Inside the block the turn is ours and is renewed, or we are told to wait so long.

        Raises: LedgerUnavailable, when neither Redis nor Postgres can say.
        """
        turn = turn_of(claim, self._limits)
        wait = await self._wait_for(turn)
        if wait is not None:
            yield max(SHORTEST_SECONDS, wait * (0.9 + 0.2 * self._chance()))
            return
        began = time.monotonic()
        renewals = asyncio.ensure_future(self._renew(turn))
        try:
            yield None
        finally:
            renewals.cancel()
            if self._slots:
                with suppress(ConnectionError):  # then its lease frees it
                    await self._slots.release(turn, time.monotonic() - began)

    async def _wait_for(self, turn: Turn) -> float | None:
        """None once the turn is taken; else how long it is away when patience is at its end."""
        end = time.monotonic() + self._patience_seconds
        while True:
            wait = await self._ask(turn)
            left = end - time.monotonic()
            if wait is None or wait > left:
                return wait
            await asyncio.sleep(min(wait, LOOK_SECONDS))

    async def _ask(self, turn: Turn) -> float | None:
        if self._slots:
            try:
                return await self._slots.ask(turn)
            except ConnectionError:
                return await self._backstop.ask(turn)
        return await self._backstop.ask(turn)

    async def _renew(self, turn: Turn) -> None:
        """Beside the run: a slot that Redis forgot is ours again within a renewal."""
        while self._slots:
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(ConnectionError):  # the next renewal tries again
                await self._slots.renew(turn)
