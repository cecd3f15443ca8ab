"""Bring back what is due: scheduled, unconfirmed, retrying past its time, abandoned, copies.

One round does one bounded batch of each kind. It never republishes a confirmed queued row:
that is mere backlog.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from shared.domain.envelope import dead_letter_of, message_of
from shared.domain.failpoint import Point, reach
from shared.domain.ports import Ledger, Publisher
from shared.domain.task import DeadLetterCopy, Outgoing
from shared.domain.task_type import TaskType

BATCH: Final = 500
PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found and what Pub/Sub confirmed of it."""

    due: int = 0
    published: int = 0
    copies: int = 0
    copies_published: int = 0

    def __add__(self, other: "Round") -> "Round":
        return Round(
            self.due + other.due,
            self.published + other.published,
            self.copies + other.copies,
            self.copies_published + other.copies_published,
        )

    @property
    def full(self) -> bool:
        """More is likely to be waiting."""
        return self.due >= BATCH or self.copies >= BATCH


class RelayService:
    """Publishes what the fast path did not, for the task types in `catalogue`."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        ledger: Ledger,
        publisher: Publisher,
        *,
        project: str,
    ) -> None:
        self._catalogue = catalogue
        self._ledger = ledger
        self._publisher = publisher
        self._project = project
        self._stopped = asyncio.Event()

    async def run(self, seconds: float) -> Round:
        """Work in one-second rounds for `seconds` or until `stop`; what they did together.

        Raises: LedgerUnavailable; the next call goes on where this one stopped.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        total = Round()
        while True:
            done = await self.round()
            total += done
            pause = 0.0 if done.full else PAUSE_SECONDS
            if loop.time() + pause >= end or await self._stopped_within(pause):
                return total

    @property
    def stopped(self) -> bool:
        """`stop` was called: the last run may have been cut short."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Let no call of `run` begin another round."""
        self._stopped.set()

    async def _stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)
        return self._stopped.is_set()

    async def round(self) -> Round:
        """One bounded batch of due rows and of dead-letter copies. Safe to run beside another."""
        attempts = {name: t.limits.max_attempts for name, t in self._catalogue.items()}
        due = await self._ledger.take_due(attempts, BATCH)
        if due:
            reach(Point.RELAY_AFTER_TAKE_DUE)
        published = await self._publish_due(due)
        copies = await self._ledger.take_copies(BATCH)
        copied = await self._publish_copies(copies)
        return Round(len(due), published, len(copies), copied)

    async def _publish_due(self, due: list[Outgoing]) -> int:
        if not due:
            return 0
        messages = [message_of(task, self._catalogue[task.task_type].topic) for task in due]
        sure = await self._publisher.publish(messages)
        confirmed = [task for task, ok in zip(due, sure, strict=True) if ok]
        if confirmed:
            await self._ledger.mark_published(confirmed)
        return len(confirmed)

    async def _publish_copies(self, copies: list[DeadLetterCopy]) -> int:
        """Copies of types that are gone stay in the outbox until the type is back."""
        known = [copy for copy in copies if copy.task.task_type in self._catalogue]
        if not known:
            return 0
        messages = []
        for copy in known:
            task_type = self._catalogue[copy.task.task_type]
            subscription = task_type.push_subscription
            messages.append(
                dead_letter_of(copy, task_type.dead_letter_topic, subscription, self._project)
            )
        sure = await self._publisher.publish(messages)
        confirmed = [copy for copy, ok in zip(known, sure, strict=True) if ok]
        if confirmed:
            await self._ledger.drop_copies(confirmed)
        return len(confirmed)
