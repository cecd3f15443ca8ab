"""How much a push subscription may have outstanding, and when: pure, times passed in.

Slow start and back-off as Pub/Sub documents them; where only outcomes are documented (two messages
a second at one nack in five, a minute's pause when all are nacked) the formula is ours.
"""

from math import inf

START = 4
SLOW_START_LIMIT = 3000
LEAST_PAUSE, MOST_PAUSE = 0.1, 60.0
MEMORY = 0.1  # weight of the newest result in the share that sets the pause
LONG_MEMORY = 0.002  # ... in the share that says whether there are too many nacks
QUIET = 0.02  # the share of nacks below which the back-off is over
TOO_MANY = 0.01  # of nacks; with fewer, the window keeps up with any rate
ACKS_PER_NACK = 99  # how many acks' growth a nack takes back: at TOO_MANY they are in balance
LATENCY_MEMORY = 0.02
SLOW_SECONDS = 1.0
ABSENT_PAUSE = 0.1  # without back-off: how long an endpoint that cannot be reached is left alone


class PushWindow:
    """One push subscription's controller.

    With `backoff` off an endpoint's answers slow nothing down, only that it cannot be reached.
    `most` bounds what may be outstanding, which the service does not.
    """

    def __init__(self, *, backoff: bool, most: float = inf) -> None:
        self._backoff = backoff
        self._most = most
        self._limit: float = START
        self._nacks = 0.0  # moving share of nacks
        self._long_acks = self._long_nacks = 0.0  # fading counts
        self._seconds = 0.0  # moving mean of the acked requests' duration
        self._paused_until = 0.0

    def room(self, outstanding: int, now: float) -> int:
        """Return how many more messages may be sent now."""
        if now < self._paused_until:
            return 0
        return max(0, self._allowed() - outstanding)

    def resumes_at(self) -> float:
        """Return when the present pause ends; a time that has passed if there is none."""
        return self._paused_until

    def acked(self, seconds: float, now: float) -> None:
        """Count a message acked after `seconds`."""
        self._nacks *= 1 - MEMORY
        self._long_acks += 1 - LONG_MEMORY * self._long_acks
        self._long_nacks -= LONG_MEMORY * self._long_nacks
        self._seconds += LATENCY_MEMORY * (seconds - self._seconds)
        self._limit = min(self._limit + self._growth(), self._most)
        if self._seconds > SLOW_SECONDS:
            self._limit = min(self._limit, SLOW_START_LIMIT)
        self._after(now)

    def nacked(self, now: float, *, reached: bool) -> None:
        """Count a nack; `reached` says whether the endpoint answered at all."""
        self._nacks += MEMORY * (1 - self._nacks)
        self._long_acks -= LONG_MEMORY * self._long_acks
        self._long_nacks += 1 - LONG_MEMORY * self._long_nacks
        if self._backoff or not reached:
            taken_back = min(ACKS_PER_NACK * self._growth(), self._limit / 2)
            self._limit = max(START, self._limit - taken_back)
        self._after(now)
        if not self._backoff and not reached:
            self._paused_until = now + ABSENT_PAUSE

    def _growth(self) -> float:
        """One more for each that came back doubles the window each round; later one a round."""
        return 1 if self._limit < SLOW_START_LIMIT else 1 / self._limit

    def _too_many_nacks(self) -> bool:
        return self._long_nacks > TOO_MANY * (self._long_acks + self._long_nacks)

    def _allowed(self) -> int:
        return 1 if self._backing_off() else int(min(self._limit, self._most))

    def _backing_off(self) -> bool:
        return self._backoff and self._nacks >= QUIET and self._too_many_nacks()

    def _after(self, now: float) -> None:
        if self._too_many_nacks():
            self._limit = min(self._limit, SLOW_START_LIMIT)
        if self._backing_off():
            growth = (MOST_PAUSE / LEAST_PAUSE) ** (self._nacks**0.85)
            self._paused_until = now + LEAST_PAUSE * growth
