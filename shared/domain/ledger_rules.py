"""The ledger's times and texts, for every implementation of the port alike."""

from typing import Final

LEASE_SECONDS: Final = 30.0
RENEW_SECONDS: Final = 10.0
STOPS_SECONDS: Final = 2.0
"""How often a process asks, in one read for all of its runs, which of them shall stop."""
LEASE_BEYOND_LIMIT_SECONDS: Final = 15.0
"""A lease is never renewed past the time limit and this."""

PUBLISH_GRACE_SECONDS: Final = 2.0
"""How long after its commit an unconfirmed row is left to the fast path."""
COPY_HOLD_SECONDS: Final = 30.0
"""How long one relay has a dead-letter copy to itself."""
IDEMPOTENCY_WINDOW_SECONDS: Final = 24 * 3600.0

RETURN_DELAYS_SECONDS: Final = (5.0, 60.0, 600.0, 3600.0)
"""When a dead letter with attempts left goes back to work: the first, second, third, fourth time.
The first is short: the ledger that kept the task from starting has just answered."""

GIVEN_UP: Final = {
    "abandoned": "the last attempt's lease ended without an outcome",
    "spent": "no attempts are left",
    "expired": "its time was over before it could start",
    "never_started": "Pub/Sub gave up on it five times before it could start",
}
