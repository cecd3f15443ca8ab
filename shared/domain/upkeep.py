"""What the relay does beside bringing tasks back: lead, look, sweep, prune, republish."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

DAY_SECONDS: Final = 86_400.0
PUBSUB_RETENTION_SECONDS: Final = 7 * DAY_SECONDS
"""A subscription drops what nobody acked for this long (infra/modules/messaging)."""
LOST_AFTER_SECONDS: Final = PUBSUB_RETENTION_SECONDS + 3600.0
"""A message confirmed this long ago cannot be delivered any more."""
LEAST_AUDIT_DAYS: Final = 30
"""No line of the audit goes before this age, whoever asks: the database itself sees to it."""
SPREAD_SECONDS: Final = 60.0
"""Over how long tasks whose messages are gone come back, so that they do not come all at once."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long final tasks are kept after their end, in seconds; at least a day, so that no
    idempotency key outlives its task. Cancelled and expired tasks count as succeeded ones."""

    succeeded_seconds: float = 7 * DAY_SECONDS
    dead_seconds: float = 30 * DAY_SECONDS
    audit_seconds: float = 400 * DAY_SECONDS
    """How long a line of the audit is kept; at least `LEAST_AUDIT_DAYS`."""


DEFAULT_RETENTION: Final = Retention()


@dataclass(frozen=True, slots=True)
class Glance:
    """What the relay would find, without touching it: seconds until each kind is due, on the
    database's clock. Negative: overdue by so much. None: nothing of the kind waits."""

    tasks_in: float | None = None
    copies_in: float | None = None
    schedules_in: float | None = None

    @property
    def due(self) -> bool:
        """Something waits to be done now."""
        return self.next_in is not None and self.next_in <= 0

    @property
    def next_in(self) -> float | None:
        """Seconds until the first thing is due."""
        times = (self.tasks_in, self.copies_in, self.schedules_in)
        return min((time for time in times if time is not None), default=None)

    @property
    def lag_seconds(self) -> float:
        """How far behind the relay is: the age of the most overdue task."""
        return max(0.0, -(self.tasks_in or 0.0))


@dataclass(frozen=True, slots=True)
class Swept:
    """One step of a sweep: how far it came (None: it is through), and what it did."""

    last: UUID | None = None
    pruned: int = 0
    lost: int = 0
    blobs: Sequence[Any] = field(default=())
    """What `payload_blob` said of the tasks that were pruned."""


class Upkeep(Protocol):
    """The relay's own moves. Each is one statement, on the database's clock."""

    async def lead(self) -> bool:
        """Be the one relay that works, until `resign` or the end of the connection. Safe to repeat.

        False: another one leads.
        """
        ...

    async def resign(self) -> None:
        """Let another relay lead. Never raises: a connection that is gone leads no more."""
        ...

    async def glance(self) -> Glance:
        """What is due, and how long until something is."""
        ...

    async def sweep(self, retention: Retention, *, after: UUID | None, limit: int) -> Swept:
        """Walk at most `limit` of the oldest tasks past `after`, in the order of their ids.

        Those that ended longer ago than `retention` says are deleted, with what hangs on them. A
        confirmed queued task whose message Pub/Sub must have dropped becomes due again.
        """
        ...

    async def prune(self, retention: Retention, *, limit: int) -> int:
        """Delete at most `limit` each of what is not a task and has had its time: idempotency
        keys, raw dead letters, ended groups and operations, lines of the audit. How many went."""
        ...

    async def republish(
        self,
        task_type: str,
        older_than_seconds: float,
        *,
        actor: str,
        after: UUID | None,
        limit: int,
    ) -> Swept:
        """Make confirmed queued tasks of the type due again whose message is older than so long;
        `lost` counts them. Walks at most `limit` tasks past `after`. Audited, unless none was."""
        ...
