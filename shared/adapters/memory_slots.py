"""Turns in memory: the port's rules on dictionaries, for tests of what stands on them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.domain.slots import (
    AGED_SECONDS,
    FIRST_GUESS_SECONDS,
    GONE_SECONDS,
    HORIZON_SECONDS,
    LEASE_SECONDS,
    LONGEST_WAIT_SECONDS,
    SHORTEST_WAIT_SECONDS,
    Turn,
)


@dataclass
class _Pool:
    runs: dict[str, float] = field(default_factory=dict)
    line: dict[str, float] = field(default_factory=dict)
    back: dict[str, float] = field(default_factory=dict)

    def tidy(self, now: float) -> None:
        """Free what was not renewed, and the places of those who did not come back."""
        self.runs = {run: end for run, end in self.runs.items() if end > now}
        for task in [t for t, at in self.back.items() if at <= now - GONE_SECONDS]:
            del self.back[task], self.line[task]

    def has_room(self, turn: Turn, limit: int, now: float) -> bool:
        """Whether the turn may be taken: nobody who has waited long is passed."""
        free = limit - len(self.runs) + (turn.run_id in self.runs)
        first = min(self.line.values(), default=now)
        return free > 0 and (first > now - AGED_SECONDS or self._place(turn) < free)

    def _place(self, turn: Turn) -> int:
        line = sorted(self.line, key=lambda task: (self.line[task], task))
        return line.index(turn.task_id) if turn.task_id in self.line else len(line)

    def queue(self, turn: Turn, limit: int, lasts: float, now: float) -> float:
        """Put the task into the line; when it shall come back."""
        self.line.setdefault(turn.task_id, now)
        place = self._place(turn)
        wait = max(SHORTEST_WAIT_SECONDS, min(LONGEST_WAIT_SECONDS, lasts * (place + 1) / limit))
        wait = min(wait, 1.0) if place < limit else wait
        self.back[turn.task_id] = now + wait
        return wait

    def take(self, turn: Turn, now: float) -> None:
        """Let the turn run."""
        self.runs[turn.run_id] = now + LEASE_SECONDS
        self.line.pop(turn.task_id, None)
        self.back.pop(turn.task_id, None)


class MemorySlots:
    """See `Slots`; `now` gives seconds. `reachable = False` makes every call fail."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pools: dict[tuple[str, str | None], _Pool] = {}
        self._next: dict[str, float] = {}
        self._moments: dict[str, float] = {}
        self._lasts: dict[str, float] = {}
        self.reachable = True

    async def ask(self, turn: Turn) -> float | None:
        """See `Slots.ask`."""
        now = self._checked_now()
        pools = self._pools_of(turn)
        for pool, limit in pools:
            pool.tidy(now)
            if not pool.has_room(turn, limit, now):
                lasts = self._lasts.get(turn.task_type, FIRST_GUESS_SECONDS)
                return pool.queue(turn, limit, lasts, now)
        if turn.rate_per_second and (wait := self._rate_wait(turn, now)):
            return wait
        for pool, _ in pools:
            pool.take(turn, now)
        return None

    def _rate_wait(self, turn: Turn, now: float) -> float:
        moment = self._moments.get(turn.task_id)
        if moment is None:
            moment = max(self._next.get(turn.task_type, 0), now)
            if moment - now > HORIZON_SECONDS:
                return HORIZON_SECONDS
            self._next[turn.task_type] = moment + 1 / (turn.rate_per_second or 1)
            self._moments[turn.task_id] = moment
        if moment > now:
            return moment - now
        del self._moments[turn.task_id]
        return 0

    async def renew(self, turn: Turn) -> None:
        """See `Slots.renew`."""
        now = self._checked_now()
        for pool, _ in self._pools_of(turn):
            pool.runs[turn.run_id] = now + LEASE_SECONDS

    async def release(self, turn: Turn, seconds: float) -> None:
        """See `Slots.release`."""
        self._checked_now()
        for pool, _ in self._pools_of(turn):
            pool.runs.pop(turn.run_id, None)
        known = self._lasts.get(turn.task_type, seconds)
        self._lasts[turn.task_type] = known * 0.8 + seconds * 0.2

    def _checked_now(self) -> float:
        if not self.reachable:
            raise ConnectionError("the slots were made unreachable")
        return self._now()

    def _pools_of(self, turn: Turn) -> list[tuple[_Pool, int]]:
        wanted = ((turn.key, turn.key_limit), (None, turn.max_concurrent))
        return [
            (self._pools.setdefault((turn.task_type, key), _Pool()), limit)
            for key, limit in wanted
            if limit
        ]
