"""Answer a dead letter: the ledger's count decides, Pub/Sub's only moved the message."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.envelope import Delivery, Envelope, UndecodableEnvelope, envelope_of
from shared.domain.ports import DeskEntry, Ledger
from shared.domain.task import State
from shared.domain.task_type import TaskType
from shared.services.patience import HOLD_SECONDS, held

DEFAULT_MAX_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Burial:
    """What became of a dead letter: the row's state afterwards, or why it is on the desk."""

    envelope: Envelope | None
    state: State | None
    kept_on_desk: str = ""


class BuryService:
    """Takes the deliveries of every dead-letter topic."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        ledger: Ledger,
        *,
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:
        self._catalogue = catalogue
        self._ledger = ledger
        self._hold_seconds = hold_seconds
        self._draining = False

    async def bury(self, delivery: Delivery) -> Burial:
        """Give the task back to work when it has attempts left, else see that it is dead.

        Safe to repeat. A ledger that is away is waited for.
        Raises: LedgerUnavailable, when it stays away, which must become a nack.
        """
        try:
            envelope = envelope_of(delivery)
        except UndecodableEnvelope as unreadable:
            return await self.keep(delivery, f"cannot be decoded: {unreadable}")
        task_type = self._catalogue.get(envelope.task_type)
        attempts = task_type.limits.max_attempts if task_type else DEFAULT_MAX_ATTEMPTS

        def give_back() -> Awaitable[State | None]:
            return self._ledger.give_back(envelope.task_id, envelope.generation, attempts)

        state = await held(give_back, lambda: not self._draining, self._hold_seconds)
        if state is None:
            return await self.keep(delivery, "no task has this id", envelope)
        return Burial(envelope, state)

    def drain(self) -> None:
        """Wait for no ledger any more."""
        self._draining = True

    async def keep(
        self, delivery: Delivery, reason: str, envelope: Envelope | None = None
    ) -> Burial:
        """Put a delivery that cannot be understood on the desk, whatever its data looks like.

        Safe to repeat. Raises: LedgerUnavailable, which must become a nack.
        """
        await self._ledger.keep_on_desk(DeskEntry(delivery, reason))
        return Burial(envelope, None, reason)
