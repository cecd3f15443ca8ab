"""The API's services on in-memory ports: what REST and gRPC tests run against."""

from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.adapters.cron import CronCalendar
from shared.adapters.memory import MemoryCache, MemoryLedger, MemoryPublisher
from shared.adapters.memory_blobs import MemoryBlobs
from shared.adapters.memory_desk import MemoryAudit, MemoryDesk, MemoryPauses
from shared.adapters.memory_groups import MemoryGroups
from shared.adapters.memory_operations import MemoryOperations
from shared.adapters.memory_schedules import MemorySchedules
from shared.adapters.memory_upkeep import MemoryUpkeep
from shared.bootstrap import Api
from shared.readiness import Readiness
from shared.services.checking import TaskChecker
from shared.services.chores import ChoresService
from shared.services.claim_check import ClaimCheck
from shared.services.desk import DeskService
from shared.services.enqueue import STORE_PATIENCE_SECONDS, EnqueueService
from shared.services.groups import GroupService
from shared.services.lookup import LookupService
from shared.services.operations import OperationsService
from shared.services.queues import QueueService
from shared.services.republish import RepublishService
from shared.services.schedules import ScheduleService
from shared.services.watch import WatchService
from shared.settings import Settings
from tests.support.clock import FakeClock
from tests.support.task_types import catalogue


@dataclass
class MemoryApi:
    """An Api, and the fakes below it for a test to look into."""

    api: Api
    ledger: MemoryLedger
    publisher: MemoryPublisher
    cache: MemoryCache
    clock: FakeClock
    chores: ChoresService
    schedules: MemorySchedules
    blobs: MemoryBlobs | None = None


def memory_api(
    patience_seconds: float = STORE_PATIENCE_SECONDS, *, large: bool = False
) -> MemoryApi:
    """A fresh API that knows the task types of `tests.support.task_types.catalogue`; it has a blob
    store when it shall take `large` payloads."""
    clock = FakeClock()
    ledger, publisher, cache = MemoryLedger(clock), MemoryPublisher(), MemoryCache()
    types = catalogue()
    audit = MemoryAudit(ledger)
    desk, operations = MemoryDesk(ledger, audit), MemoryOperations(ledger, audit)
    pauses = MemoryPauses(ledger, audit)
    pauses.operations_running = operations.any_running

    def new_id() -> UUID:
        return uuid7()

    blobs = MemoryBlobs() if large else None
    enqueue = EnqueueService(
        types,
        ledger,
        publisher,
        cache,
        new_id=new_id,
        now=clock,
        patience_seconds=patience_seconds,
        claim_check=ClaimCheck(blobs) if blobs else None,
    )
    schedules = MemorySchedules(ledger, audit)
    groups = MemoryGroups(ledger)
    checker = TaskChecker(types, new_id=new_id, now=clock)
    api = Api(
        settings=Settings(auth="none", host="127.0.0.1"),
        catalogue=types,
        enqueue=enqueue,
        lookup=LookupService(ledger, cache),
        desk=DeskService(types, ledger, publisher, desk=desk, audit=audit),
        operations=OperationsService(desk=desk, operations=operations, new_id=new_id),
        queues=QueueService(types, pauses),
        schedules=ScheduleService(types, schedules, CronCalendar(), enqueue),
        republish=RepublishService(types, MemoryUpkeep(ledger, audit=audit)),
        watch=WatchService(ledger, every_seconds=0.01),
        groups=GroupService(checker, enqueue, groups, new_id=new_id),
        readiness=Readiness({"postgres": ledger.ping, "pubsub": publisher.ping}),
    )
    chores = ChoresService(
        types, ledger, publisher, desk=desk, operations=operations, pauses=pauses, groups=groups
    )
    return MemoryApi(api, ledger, publisher, cache, clock, chores, schedules, blobs)
