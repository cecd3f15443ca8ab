"""Accept tasks: check, store in one commit, publish what was stored, then answer.

The row is the promise. Whether the message is confirmed by the time of the answer changes
nothing: the relay publishes what is not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import compress
from typing import Any, Final, TypeVar
from uuid import UUID

from shared.domain.blob import INLINE_BYTES
from shared.domain.envelope import message_of
from shared.domain.errors import (
    CloudTaskerError,
    IdempotencyConflict,
    LedgerUnavailable,
)
from shared.domain.failpoint import Point, reach
from shared.domain.ports import KeyRecord, Ledger, Publisher, TaskCache
from shared.domain.task import NewTask, Outgoing, State, Stored
from shared.domain.task_type import TaskType
from shared.services.checking import TaskChecker
from shared.services.claim_check import ClaimCheck

PUBLISH_PATIENCE_SECONDS: Final = 0.25
"""How long an answer waits for Pub/Sub: in the cloud a function has no CPU after its answer."""

STORE_PATIENCE_SECONDS: Final = 2.0
"""How long an answer waits for the commit. A database that says nothing must not hold callers until
the connection is given up: they are told to come back, and what was stored after all is found by
its idempotency key."""

Outcome = Stored | CloudTaskerError
T = TypeVar("T")


class EnqueueService:
    """Accepts tasks of the types in `catalogue`."""

    def __init__(
        self,
        catalogue: Mapping[str, TaskType],
        ledger: Ledger,
        publisher: Publisher,
        cache: TaskCache,
        *,
        new_id: Callable[[], UUID],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience_seconds: float = STORE_PATIENCE_SECONDS,
        claim_check: ClaimCheck | None = None,
    ) -> None:
        """See `TaskChecker` for `now`. Without `claim_check` every payload stands in its row."""
        self._claim_check = claim_check
        self._checker = TaskChecker(catalogue, new_id=new_id, now=now)
        self._catalogue = catalogue
        self._ledger = ledger
        self._publisher = publisher
        self._cache = cache
        self._patience_seconds = patience_seconds
        self._background: set[asyncio.Task[None]] = set()
        self._confirmed: list[Outgoing] = []
        self._marks = False

    @property
    def takes_large(self) -> bool:
        """Whether payloads may be larger than a row should be."""
        return self._claim_check is not None

    async def enqueue(self, asked: Any, *, traceparent: str, body_bytes: int = 0) -> Stored:
        """Accept one task; `asked` is the decoded JSON of an EnqueueRequest, `body_bytes` the size
        that it came in: nothing in it is larger.

        Raises: InvalidRequest, InvalidPayload, UnknownTaskType, IdempotencyConflict: nothing was
        stored; nor by BlobsUnavailable. LedgerUnavailable: it may have been; an idempotency key
        makes a repeat safe.
        """
        [outcome] = await self.enqueue_all([asked], traceparent=traceparent, body_bytes=body_bytes)
        if isinstance(outcome, CloudTaskerError):
            try:
                raise outcome
            finally:
                del outcome  # a frame that holds its own error keeps the whole request
        return outcome

    async def enqueue_all(
        self, asked: Sequence[Any], *, traceparent: str, body_bytes: int = 0
    ) -> list[Outcome]:
        """Accept several tasks in one commit; one outcome each, in order.

        Raises: LedgerUnavailable, BlobsUnavailable, for all of them at once.
        """
        outcomes: dict[int, Outcome] = {}
        fresh: dict[int, NewTask] = {}
        for n, one in enumerate(asked):
            try:
                task = self._checker.check(one, traceparent)
                if earlier := await self._earlier(task):
                    outcomes[n] = earlier
                else:
                    fresh[n] = task
            except CloudTaskerError as refused:
                outcomes[n] = refused.with_traceback(None)  # it would lead back to here
        tasks = list(fresh.values())
        if body_bytes > INLINE_BYTES and self._claim_check:
            stored = await self._store_large(self._claim_check, tasks)
        else:
            stored = await self.store(tasks)
        outcomes.update(zip(fresh, stored, strict=True))
        return [outcomes[n] for n in range(len(asked))]

    async def _store_large(
        self, claim_check: ClaimCheck, tasks: Sequence[NewTask]
    ) -> list[Outcome]:
        """As `store`, with the large payloads in the blob store first."""
        tasks = await claim_check.deposit(tasks)
        outcomes = await self.store(tasks)
        useless = [
            task
            for task, outcome in zip(tasks, outcomes, strict=True)
            if task.payload_blob and not (isinstance(outcome, Stored) and outcome.is_new)
        ]
        if useless:
            self._behind(claim_check.discard(useless))
        return outcomes

    async def settle(self) -> None:
        """Wait for what still runs behind given answers; for shutdown and tests."""
        while self._background:
            await asyncio.wait(self._background)

    async def _earlier(self, task: NewTask) -> Stored | None:
        """The task that the cache knows for this idempotency key: spares a commit, decides nothing
        that the ledger would not decide in the same way."""
        key = task.idempotency_key
        record = await self._cache.get_key(key) if key else None
        if record is None or key is None:
            return None
        if record.fingerprint != task.fingerprint:
            raise IdempotencyConflict(key, record.task_id)
        row = await self._ledger.get(record.task_id)
        if row is None:
            return None
        return Stored(row.id, row.task_type, row.state, row.created_at, is_new=False)

    async def store(self, tasks: Sequence[NewTask]) -> list[Outcome]:
        """Store checked tasks in one commit, and publish them; one outcome each, in order.

        Raises: LedgerUnavailable, for all of them at once.
        """
        if not tasks:
            return []
        reach(Point.API_BEFORE_COMMIT)
        outcomes = list(await self.patiently(self._ledger.add(tasks)))
        reach(Point.API_AFTER_COMMIT)
        await self.publish(tasks, outcomes)
        return list(outcomes)

    async def publish(self, tasks: Sequence[NewTask], outcomes: Sequence[Outcome]) -> None:
        """Publish those of `tasks` that their `outcomes` call new, and keep their keys in mind."""
        created: list[Outgoing] = []
        for task, outcome in zip(tasks, outcomes, strict=True):
            if isinstance(outcome, Stored) and outcome.is_new:
                if outcome.state is State.QUEUED:  # the relay publishes what is scheduled
                    created.append(_outgoing(task, outcome))
                if task.idempotency_key:
                    record = KeyRecord(task.id, task.fingerprint)
                    self._behind(self._cache.put_key(task.idempotency_key, record))
        if created:
            await self._publish(created)

    async def patiently(self, storing: Awaitable[T]) -> T:
        """What `storing` gives. Raises: LedgerUnavailable when it takes longer than callers do."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await storing
        except TimeoutError:
            waited = f"postgres did not answer within {self._patience_seconds:g} s"
            raise LedgerUnavailable(waited) from None

    async def _publish(self, tasks: list[Outgoing]) -> None:
        loop = asyncio.get_running_loop()
        known = loop.create_future()
        patience = loop.call_later(PUBLISH_PATIENCE_SECONDS, _resolve, known)
        self._behind(self._send(tasks, known))
        await known
        patience.cancel()

    async def _send(self, tasks: list[Outgoing], known: asyncio.Future[None]) -> None:
        """Publish `tasks`; `known` is done once Pub/Sub has answered, and then they are marked."""
        messages = [message_of(task, self._catalogue[task.task_type].topic) for task in tasks]
        try:
            sure = await self._publisher.publish(messages)
        finally:
            _resolve(known)
        self._confirmed += compress(tasks, sure)
        if not self._marks:
            self._marks = True
            await self._mark_confirmed()

    async def _mark_confirmed(self) -> None:
        """Mark what is confirmed, and what comes meanwhile: one commit for many answers."""
        try:
            while confirmed := self._confirmed:
                self._confirmed = []
                with suppress(LedgerUnavailable):  # they stay due: the relay publishes once more
                    await self._ledger.mark_published(confirmed)
        finally:
            self._marks = False

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` after the answer: losing it costs a duplicate message, never a task."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _resolve(known: asyncio.Future[None]) -> None:
    if not known.done():
        known.set_result(None)


def _outgoing(task: NewTask, stored: Stored) -> Outgoing:
    return Outgoing(
        id=task.id,
        generation=0,
        task_type=task.task_type,
        created_at=stored.created_at,
        traceparent=task.traceparent,
        ordering_key=task.ordering_key,
    )
