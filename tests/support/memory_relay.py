"""The relay's service on in-memory ports."""

from collections.abc import Mapping

from shared.adapters.cron import CronCalendar
from shared.adapters.memory import MemoryLedger
from shared.adapters.memory_schedules import MemorySchedules
from shared.adapters.memory_upkeep import MemoryUpkeep
from shared.domain.ports import Ledger, Publisher
from shared.domain.task_type import TaskType
from shared.services.claim_check import BlobSweep
from shared.services.relay import RelayService
from shared.services.schedules import FiringService
from tests.support.task_types import catalogue


def memory_relay(
    ledger: MemoryLedger,
    publisher: Publisher,
    types: Mapping[str, TaskType] | None = None,
    *,
    seen: Ledger | None = None,
    schedules: MemorySchedules | None = None,
    project: str = "p",
    blobs: BlobSweep | None = None,
) -> RelayService:
    """A relay of `ledger`, which it sees through `seen` when that is given."""
    known = catalogue() if types is None else types
    timetable = schedules or MemorySchedules(ledger)
    return RelayService(
        known,
        seen or ledger,
        publisher,
        MemoryUpkeep(ledger, timetable),
        FiringService(known, timetable, CronCalendar()),
        project=project,
        blobs=blobs,
    )
