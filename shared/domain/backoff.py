"""How long a task waits between two attempts. Pure: randomness comes in as a value."""

from typing import Final

from shared.domain.task_type import Retry

RESCUE_SLACK_SECONDS: Final = 20.0
"""How long after Pub/Sub's longest back-off the relay takes a message for lost. A message that only
waits in a backlog gets one copy too many, once a retry, and whoever comes second is acked."""


def ledger_delay_seconds(retry: Retry, attempt: int, chance: float) -> float:
    """The jittered, doubling back-off after failed attempt `attempt` (from 1).

    `chance` is uniform in 0 to 1. The delay lies between half and all of the doubled minimum,
    never under `min_seconds` nor over `max_seconds`, so that the gaps grow.
    """
    full = min(retry.max_seconds, retry.min_seconds * 2.0 ** min(attempt, 32))
    return max(retry.min_seconds, full * (0.5 + 0.5 * chance))


def rescue_delay_seconds(retry: Retry) -> float:
    """When the relay looks at a `retrying` row that Pub/Sub is to redeliver."""
    return retry.max_seconds + RESCUE_SLACK_SECONDS
