"""Keeps what happens a thousand times a second from filling the log."""

from emulators.pubsub.clock import Clock

SECONDS = 60.0
MOST_KEYS = 10_000


class Seldom:
    """Says whether it is time to tell of something again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due_at: dict[str, float] = {}

    def due(self, key: str) -> bool:
        """Return True the first time for a `key`, and then once a minute."""
        now = self._clock.now()
        if now < self._due_at.get(key, now):
            return False
        if len(self._due_at) >= MOST_KEYS:
            self._due_at.clear()
        self._due_at[key] = now + SECONDS
        return True
