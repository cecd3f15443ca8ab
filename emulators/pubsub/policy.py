"""The settings of a subscription that its engine obeys, in the engine's own terms."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds before a redelivery: the least, and the most that it grows to."""

    minimum: float
    maximum: float

    def delay(self, failures: int) -> float:
        """Return the back-off after the `failures`-th nack or expiry, from 1 on."""
        return min(self.maximum, self.minimum * 2.0 ** min(failures - 1, 60))


@dataclass(frozen=True, slots=True)
class Policy:
    """What may change during a subscription's life. No retry policy: redelivered at once."""

    ack_deadline: float = 10
    retry: RetryPolicy | None = None
    max_attempts: int | None = None
    exactly_once: bool = False
