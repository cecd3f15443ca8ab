"""Whether a process can do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.domain.errors import LedgerUnavailable

Check = Callable[[], Awaitable[None]]
ANSWER_SECONDS: Final = 2
"""What a readiness check is given to answer; a probe must wait longer."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The checks that must pass before this process can do its work."""

    checks: Mapping[str, Check] = field(default_factory=dict)

    async def problems(self) -> dict[str, str]:
        """What is not ready, each with the reason; empty when all is."""
        answers = await asyncio.gather(*(self._problem(check) for check in self.checks.values()))
        return {name: said for name, said in zip(self.checks, answers, strict=True) if said}

    async def _problem(self, check: Check) -> str:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await check()
        except TimeoutError:
            return f"no answer within {ANSWER_SECONDS} s"
        except (LedgerUnavailable, ConnectionError) as away:
            return str(away)
        return ""
