"""Bring back what is due: scheduled, unconfirmed, retrying past its time, abandoned, copies.

One relay leads at a time. A round does one bounded batch of each kind; between rounds it only
looks, and only as often as something may be due. It never republishes a confirmed queued row while
its message can still come: that is mere backlog.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from shared.domain.envelope import dead_letter_of, message_of
from shared.domain.failpoint import Point, reach
from shared.domain.ports import Ledger, Publisher
from shared.domain.task import DeadLetterCopy, Outgoing
from shared.domain.task_type import TaskType
from shared.domain.upkeep import DEFAULT_RETENTION, Retention, Swept, Upkeep
from shared.services.chores import Chored, ChoresService
from shared.services.claim_check import BlobSweep
from shared.services.schedules import FiringService

BATCH: Final = 500
PAUSE_SECONDS: Final = 1.0
"""The longest pause: what a new unconfirmed row waits at most beyond its grace."""
SHORTEST_PAUSE_SECONDS: Final = 0.2
"""How late a scheduled task may come so that a thousand of them do not cost a thousand rounds."""
SWEEP_BATCH: Final = 2000
SWEEP_SECONDS: Final = 3600.0
CHORES_SECONDS: Final = 2.0
"""How late the first step of a bulk operation may come: a look costs what one at the tasks does."""
PRUNE_BATCH: Final = 5000


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found and what Pub/Sub confirmed of it."""

    due: int = 0
    published: int = 0
    copies: int = 0
    copies_published: int = 0
    lag_seconds: float = 0.0
    """How long the most overdue task had waited; of several rounds the worst."""
    pruned: int = 0
    lost: int = 0
    """Tasks whose message Pub/Sub had dropped."""
    stepped: int = 0
    released: int = 0
    joined: int = 0

    def __add__(self, other: "Round") -> "Round":
        return Round(
            self.due + other.due,
            self.published + other.published,
            self.copies + other.copies,
            self.copies_published + other.copies_published,
            max(self.lag_seconds, other.lag_seconds),
            self.pruned + other.pruned,
            self.lost + other.lost,
            self.stepped + other.stepped,
            self.released + other.released,
            self.joined + other.joined,
        )

    @property
    def full(self) -> bool:
        """More is likely to be waiting."""
        return max(self.due, self.copies, self.stepped, self.joined) >= BATCH


class RelayService:
    """Publishes what the fast path did not, for the task types in `catalogue`."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        ledger: Ledger,
        publisher: Publisher,
        upkeep: Upkeep,
        firing: FiringService,
        *,
        project: str,
        retention: Retention = DEFAULT_RETENTION,
        chores: ChoresService | None = None,
        blobs: BlobSweep | None = None,
    ) -> None:
        self._blobs = blobs
        self._catalogue = catalogue
        self._ledger = ledger
        self._publisher = publisher
        self._upkeep = upkeep
        self._firing = firing
        self._project = project
        self._retention = retention
        self._leads = False
        self._sweep_at = float("-inf")
        self._swept_to: UUID | None = None
        self._is_walked = False
        self._chores = chores
        self._chores_at = float("-inf")
        self._stopped = asyncio.Event()

    async def run(self, seconds: float) -> Round:
        """Lead and work for `seconds` or until `stop`; what was done.

        While another relay leads, in this process or elsewhere, it stands by.
        Raises: LedgerUnavailable; the next call goes on where this one stopped.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        total = Round()
        leads = False
        try:
            while True:
                leads = leads or await self._may_lead()
                pause = PAUSE_SECONDS
                if leads:
                    done, pause = await self._turn()
                    total += done
                if loop.time() + pause >= end or await self._stopped_within(pause):
                    return total
        finally:
            if leads:
                self._leads = False
                await self._upkeep.resign()

    async def _may_lead(self) -> bool:
        """A session's lock does not keep two calls of one process apart, so a flag does."""
        if self._leads or not await self._upkeep.lead():
            return False
        self._leads = True
        return True

    async def _turn(self) -> tuple[Round, float]:
        """One look, a round when something is due, a step of the sweep; how long to pause then."""
        if not await self._upkeep.lead():  # the connection was lost, and the lead with it
            return Round(), PAUSE_SECONDS
        await self._firing.sync()
        seen = await self._upkeep.glance()
        if seen.schedules_in is not None and seen.schedules_in <= 0:
            await self._firing.fire()
        done = replace(await self.round(), lag_seconds=seen.lag_seconds) if seen.due else Round()
        done += await self._swept() + await self._chored()
        if done.full:
            return done, 0.0
        if seen.due or seen.next_in is None:
            return done, PAUSE_SECONDS
        return done, min(PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, seen.next_in))

    async def _swept(self) -> Round:
        """A step of the walk over old tasks, then of what is not a task; an hour later anew."""
        now = asyncio.get_running_loop().time()
        if now < self._sweep_at:
            return Round()
        swept = Swept()
        if not self._is_walked:
            swept = await self._upkeep.sweep(
                self._retention, after=self._swept_to, limit=SWEEP_BATCH
            )
            self._swept_to, self._is_walked = swept.last, swept.last is None
            if swept.blobs and self._blobs:
                await self._blobs.drop(swept.blobs)
        pruned = swept.pruned
        if self._is_walked:
            if self._blobs:
                await self._blobs.step()
            others = await self._upkeep.prune(self._retention, limit=PRUNE_BATCH)
            pruned += others
            if others < PRUNE_BATCH:
                self._is_walked, self._sweep_at = False, now + SWEEP_SECONDS
        return Round(pruned=pruned, lost=swept.lost)

    async def _chored(self) -> Round:
        """What people have asked for: looked for every two seconds, done once a second, and at once
        after a step that was full."""
        now = asyncio.get_running_loop().time()
        if self._chores is None or now < self._chores_at:
            return Round()
        done = await self._chores.round()
        pause = PAUSE_SECONDS / 2 if done != Chored() else CHORES_SECONDS
        self._chores_at = now + (0.0 if max(done.stepped, done.joined) >= BATCH else pause)
        return Round(stepped=done.stepped, released=done.released, joined=done.joined)

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
