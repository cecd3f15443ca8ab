"""Run a delivered task once: claim, handler, finish, answer. Knows neither HTTP nor Postgres."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.domain.blob import BlobDamaged, BlobMissing, BlobsUnavailable
from shared.domain.envelope import Delivery, Envelope, UndecodableEnvelope, envelope_of
from shared.domain.errors import InvalidPayload, LeaseLost, LedgerUnavailable
from shared.domain.failpoint import Point, reach
from shared.domain.outcome import (
    Failed,
    Failure,
    Rejected,
    Released,
    Verdict,
)
from shared.domain.ports import DeskEntry, RunLedger
from shared.domain.settlement import Answer, Settlement, settle
from shared.domain.task import Claim, Refusal, State
from shared.domain.task_type import TaskType
from shared.services.claim_check import ClaimCheck
from shared.services.patience import HOLD_SECONDS, held, patiently
from shared.services.run import Run
from shared.services.turns import Turns
from shared.services.verdict import Handle, verdict_of

RELEASE_SECONDS: Final = 1.5
"""How long a long run that was cut off has to give its lease back."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a delivery: the answer, and what there is to say about it in the log."""

    answer: Answer
    envelope: Envelope | None = None
    claim: Claim | None = None
    settlement: Settlement | None = None
    refusal: Refusal | None = None
    kept_on_desk: str = ""
    lease_lost: bool = False
    unrecorded: bool = False
    """The run ended, and the ledger was away: the lease ends by itself, the task runs again."""
    waits_seconds: float | None = None
    """The task had no turn yet, and comes again so much later at no cost."""
    goes_on: bool = False
    """Answered at once (`mode: long`); what becomes of the run is told when it has ended."""


def _untold(execution: Execution) -> None:
    """For whoever need not be told how a long run ended."""


class ExecuteService:
    """Runs the deliveries of one task type until it is drained."""

    def __init__(
        self,
        task_type: TaskType,
        handle: Handle,
        ledger: RunLedger,
        *,
        chance: Callable[[], float] = random.random,
        turns: Turns | None = None,
        claim_check: ClaimCheck | None = None,
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:
        self._hold_seconds = hold_seconds
        self._claim_check = claim_check
        self._task_type = task_type
        self._handle = handle
        self._ledger = ledger
        self._chance = chance
        self._turns = turns
        self._runs: set[asyncio.Future[Any]] = set()
        self._long_runs: set[asyncio.Future[Any]] = set()
        self._draining = False

    @property
    def holds(self) -> bool:
        """Whether runs go on for which no delivery waits."""
        return bool(self._long_runs)

    async def execute(
        self, delivery: Delivery, ended: Callable[[Execution], object] = _untold
    ) -> Execution:
        """Run the delivered task unless it is finished, superseded or running elsewhere.

        What the handler did is recorded before this returns; in `mode: long` this returns when the
        run has its lease, and `ended` is called when its outcome is recorded. A ledger that is
        away is waited for.
        Raises: LedgerUnavailable, when it stays away, which must become a nack.
        """
        if self._draining:
            return Execution(Answer.NACK)
        try:
            envelope = envelope_of(delivery)
        except UndecodableEnvelope as unreadable:
            return await self.keep(delivery, f"cannot be decoded: {unreadable}")
        if envelope.task_type != self._task_type.name:
            reason = f"of task type {envelope.task_type!r}, delivered to {self._task_type.name}"
            return await self.keep(delivery, reason, envelope)
        claim = await self._claim(envelope)
        if claim is Refusal.UNKNOWN:
            return await self.keep(delivery, "no task has this id", envelope)
        if isinstance(claim, Refusal):
            return await self._refused(claim, envelope)
        if self._task_type.limits.mode == "long":
            self._begin(claim, envelope, ended)
            return Execution(Answer.ACK, envelope, claim, goes_on=True)
        return await self._run(claim, envelope)

    async def _claim(self, envelope: Envelope) -> Claim | Refusal:
        def claim() -> Awaitable[Claim | Refusal]:
            return self._ledger.claim(envelope.task_id, envelope.generation, self._task_type)

        return await held(claim, lambda: not self._draining, self._hold_seconds)

    def _begin(
        self, claim: Claim, envelope: Envelope, ended: Callable[[Execution], object]
    ) -> None:
        """Let the run go on under its lease, which the relay watches when this process vanishes."""

        async def work() -> None:
            try:
                execution = await self._run(claim, envelope)
            except LedgerUnavailable:
                execution = Execution(Answer.ACK, envelope, claim, unrecorded=True)
            ended(execution)

        run = asyncio.ensure_future(work())
        self._long_runs.add(run)
        run.add_done_callback(self._long_runs.discard)

    async def _refused(self, refusal: Refusal, envelope: Envelope) -> Execution:
        """A paused task is acked once it is held: nothing is redelivered, nothing is spent. Where
        the pause has just ended, nobody holds it, and the delivery must come again."""
        answer = Answer.NACK if refusal is Refusal.CONTENDED else Answer.ACK
        if refusal is Refusal.PAUSED:
            held = await self._ledger.hold(envelope.task_id, envelope.generation)
            answer = Answer.ACK if held else Answer.NACK
        return Execution(answer, envelope, refusal=refusal)

    async def drain(self, grace_seconds: float) -> None:
        """Claim no more, give the runs `grace_seconds`, then release the leases of the rest."""
        self._draining = True
        if self._runs:
            _, left = await asyncio.wait(self._runs, timeout=grace_seconds)
            for run in left:
                run.cancel()
        if self._long_runs:  # no delivery waits until these have recorded their ends
            await asyncio.wait(self._long_runs, timeout=RELEASE_SECONDS)

    async def keep(
        self, delivery: Delivery, reason: str, envelope: Envelope | None = None
    ) -> Execution:
        """Put a delivery that cannot be understood on the desk, whatever its data looks like.

        Safe to repeat. Raises: LedgerUnavailable, which must become a nack.
        """
        await self._ledger.keep_on_desk(DeskEntry(delivery, reason))
        return Execution(Answer.ACK, envelope, kept_on_desk=reason)

    async def _run(self, claim: Claim, envelope: Envelope) -> Execution:
        limits = self._task_type.limits
        reach(Point.FUNCTION_AFTER_CLAIM)
        run = Run(claim, self._ledger)
        async with (
            self._ledger.renewing(claim, limits.time_limit_seconds, run.cancel),
            self._turn(claim) as wait,
        ):
            if wait is not None or self._draining:
                return await self._put_back(claim, envelope, wait or 0.0)
            verdict = await self._verdict(run)
            await run.close()
            reach(Point.FUNCTION_AFTER_HANDLER)
            settlement = settle(
                verdict,
                limits,
                attempt=claim.attempt,
                chance=self._chance(),
            )
            try:
                state = await self._record(claim, settlement)
            except LeaseLost:
                return Execution(Answer.ACK, envelope, claim, lease_lost=True)
        reach(Point.FUNCTION_AFTER_FINISH)
        if state is State.CANCELLED and settlement.state is not state:
            settlement = replace(settlement, state=state, outcome="cancelled", answer=Answer.ACK)
        return Execution(settlement.answer, envelope, claim, settlement)

    def _turn(self, claim: Claim) -> AbstractAsyncContextManager[float | None]:
        """A type without limits pays for none."""
        return self._turns.taken(claim) if self._turns else nullcontext()

    async def _put_back(self, claim: Claim, envelope: Envelope, seconds: float) -> Execution:
        """The task has no turn yet: it comes again at no cost."""
        try:
            what = f"the return of task {claim.task_id}"
            await patiently(lambda: self._ledger.put_back(claim, seconds), what)
        except LeaseLost:
            return Execution(Answer.ACK, envelope, claim, lease_lost=True)
        return Execution(Answer.ACK, envelope, claim, waits_seconds=seconds)

    async def _verdict(self, run: Run) -> Verdict:
        try:
            payload = self._task_type.check(await self._payload(run.claim))
        except (BlobMissing, BlobDamaged, BlobsUnavailable) as lacking:
            return Failed(Failure(type(lacking).__name__, str(lacking)))
        except InvalidPayload as refused:
            return Rejected(Failure("InvalidPayload", str(refused)))
        limit = self._task_type.limits.time_limit_seconds
        work = asyncio.ensure_future(
            verdict_of(self._handle, payload, run, self._task_type.limits.non_retryable)
        )
        self._runs.add(work)
        work.add_done_callback(self._runs.discard)
        try:
            return await asyncio.wait_for(work, limit)
        except TimeoutError:
            return Failed(Failure("TimeLimitExceeded", f"still running after {limit} s"))
        except asyncio.CancelledError:
            if self._draining:
                return Released()
            raise

    async def _payload(self, claim: Claim) -> dict[str, Any]:
        if claim.payload_blob is None:
            return claim.payload
        if self._claim_check is None:
            raise BlobsUnavailable(
                f"the payload is the blob {claim.payload_blob.key}, and CLOUDTASKER_BLOBS_URL is "
                "not set here; set it as for the function that enqueues"
            )
        return await self._claim_check.payload_of(claim)

    async def _record(self, claim: Claim, settlement: Settlement) -> State:
        """Finish, waiting out a ledger that is away: the statement is fenced, so safe to repeat.

        Raises: LeaseLost. Not after a try whose answer was lost: that try was recorded, and the
        row has moved on by it, for within this patience nobody else can have got the lease.
        """
        unsure = False

        async def finish() -> State:
            nonlocal unsure
            try:
                return await self._ledger.finish(claim, settlement)
            except LedgerUnavailable:
                unsure = True
                raise
            except LeaseLost:
                if unsure:
                    return settlement.state
                raise

        return await patiently(finish, f"the outcome of task {claim.task_id}")
