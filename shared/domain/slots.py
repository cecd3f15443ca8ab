"""Turns: how many tasks of a type, or of one concurrency key, may run at once, and how often.

Fairness. Who finds no free slot waits in a line, in the order of asking, and is told when its turn
may come. A task waits in its key's line first, and joins the type's line only when its key has a
free slot: so a key with ten thousand tasks has no more of them in the type's line than its own
limit, and others pass. Who has waited `AGED_SECONDS` is passed by nobody any more. A rate hands out
moments one after another: a task that was given one keeps it.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from shared.domain.task import Claim
from shared.domain.task_type import Limits

LEASE_SECONDS: Final = 30.0
"""A slot that is not renewed for so long is free again: its process was killed."""
RENEW_SECONDS: Final = 10.0
AGED_SECONDS: Final = 30.0
GONE_SECONDS: Final = 60.0
"""Who should have come back so long ago has lost its place: it was cancelled, or has run."""
HORIZON_SECONDS: Final = 300.0
"""So far ahead a rate hands out moments; who comes later is told to come again."""
LONGEST_WAIT_SECONDS: Final = 60.0
SHORTEST_WAIT_SECONDS: Final = 0.1
FIRST_GUESS_SECONDS: Final = 1.0
"""How long a run is taken to last until one has ended."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a claim asks for."""

    task_type: str
    task_id: str
    run_id: str
    """Another one for each claim: what an old run gives back is not a new run's."""
    key: str | None
    max_concurrent: int | None
    max_concurrent_per_key: int | None
    rate_per_second: float | None

    @property
    def key_limit(self) -> int | None:
        """How many of this key may run; None where no key or no limit is given."""
        return self.max_concurrent_per_key if self.key else None


class Slots(Protocol):
    """Hands out turns. Raises: ConnectionError when it cannot be reached."""

    async def ask(self, turn: Turn) -> float | None:
        """Take a slot, or say in how many seconds to ask again. Safe to repeat."""
        ...

    async def renew(self, turn: Turn) -> None:
        """Keep a slot for another lease, also where it was forgotten."""
        ...

    async def release(self, turn: Turn, seconds: float) -> None:
        """Give a slot back after so long. Safe to repeat."""
        ...


def is_limited(limits: Limits) -> bool:
    """Whether tasks of this type need a turn at all: most types pay for none of this."""
    return any((limits.max_concurrent, limits.max_concurrent_per_key, limits.rate_per_second))


def turn_of(claim: Claim, limits: Limits) -> Turn:
    """The turn that a claim needs."""
    return Turn(
        claim.task_type,
        str(claim.task_id),
        f"{claim.task_id}:{claim.token}",
        claim.concurrency_key,
        limits.max_concurrent,
        limits.max_concurrent_per_key,
        limits.rate_per_second,
    )
