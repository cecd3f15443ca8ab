"""Known defects of a ledger, to see that the simulation finds what it is for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.errors import IdempotencyConflict
from shared.domain.settlement import Settlement
from shared.domain.task import Claim, Effect, NewTask, Outgoing, Refusal, State, Stored
from shared.domain.task_type import TaskType


class NoFence(MemoryLedger):
    """A finish is taken from whoever comes, whatever token it holds."""

    async def finish(self, claim: Claim, settlement: Settlement) -> State:
        row = self._rows[claim.task_id]
        return await super().finish(replace(claim, token=row.token), settlement)


class NoCeiling(MemoryLedger):
    """A claim does not look at how many attempts are spent."""

    async def claim(self, task_id: UUID, generation: int, task_type: TaskType) -> Claim | Refusal:
        endless = task_type.limits.model_copy(update={"max_attempts": 10**6})
        return await super().claim(task_id, generation, replace(task_type, limits=endless))


class NoLease(MemoryLedger):
    """A claim does not look at whether somebody else holds a live lease."""

    async def claim(self, task_id: UUID, generation: int, task_type: TaskType) -> Claim | Refusal:
        row = self._rows.get(task_id)
        if row:
            row.lease_expires_at = None
        return await super().claim(task_id, generation, task_type)


class ConfirmedTooEarly(MemoryLedger):
    """A row counts as published when it is stored, not when Pub/Sub has confirmed it."""

    async def add(self, tasks: Sequence[NewTask]) -> list[Stored | IdempotencyConflict]:
        stored = await super().add(tasks)
        await self.mark_published([row.outgoing() for row in self._rows.values()])
        return stored


class NoRescue(MemoryLedger):
    """A row that Pub/Sub is to redeliver is never looked at by the relay."""

    async def finish(self, claim: Claim, settlement: Settlement) -> State:
        by_pubsub = settlement.state is State.RETRYING and not settlement.hold
        return await super().finish(
            claim, replace(settlement, due_in_seconds=None) if by_pubsub else settlement
        )


class NoCopy(MemoryLedger):
    """A task that is given up on leaves no dead letter of our own."""

    async def finish(self, claim: Claim, settlement: Settlement) -> State:
        return await super().finish(claim, replace(settlement, copy=False))


class NoKeys(MemoryLedger):
    """Every request makes a task, whatever its idempotency key."""

    async def add(self, tasks: Sequence[NewTask]) -> list[Stored | IdempotencyConflict]:
        self._keys.clear()
        return await super().add(tasks)


class FinalIsNotFinal(MemoryLedger):
    """The relay brings back what a cancel has ended."""

    async def take_due(self, attempts: dict[str, int], limit: int) -> list[Outgoing]:
        for row in self._rows.values():
            if row.task.state is State.CANCELLED and row.task.due_at is None:
                row.change(due_at=self._now())
        return await super().take_due(attempts, limit)


class ForgetsEffects(MemoryLedger):
    """An effect that an earlier attempt recorded is not found."""

    async def recall(self, claim: Claim, key: str) -> Effect | None:
        await super().recall(claim, key)
        return None


class DeafToPauses(MemoryLedger):
    """A claim does not look at whether its type is paused."""

    async def claim(self, task_id: UUID, generation: int, task_type: TaskType) -> Claim | Refusal:
        paused, self.paused = self.paused, set()
        try:
            return await super().claim(task_id, generation, task_type)
        finally:
            self.paused = paused


class NeverTooLate(MemoryLedger):
    """A claim does not look at when the task's time is over."""

    async def claim(self, task_id: UUID, generation: int, task_type: TaskType) -> Claim | Refusal:
        row = self.rows.get(task_id)
        if row is None:
            return await super().claim(task_id, generation, task_type)
        end = row.task.expires_at
        row.change(expires_at=None)
        try:
            return await super().claim(task_id, generation, task_type)
        finally:
            row.change(expires_at=end)


class TooEarly(MemoryLedger):
    """A task that was to start later is due at once."""

    async def add(self, tasks: Sequence[NewTask]) -> list[Stored | IdempotencyConflict]:
        return await super().add([replace(task, delay_seconds=None) for task in tasks])


PLANTS: Final[dict[str, Callable[..., MemoryLedger]]] = {
    "none": MemoryLedger,
    "no_fence": NoFence,
    "no_ceiling": NoCeiling,
    "no_lease": NoLease,
    "confirmed_too_early": ConfirmedTooEarly,
    "no_rescue": NoRescue,
    "no_copy": NoCopy,
    "no_keys": NoKeys,
    "final_is_not_final": FinalIsNotFinal,
    "forgets_effects": ForgetsEffects,
    "deaf_to_pauses": DeafToPauses,
    "never_too_late": NeverTooLate,
    "too_early": TooEarly,
}
