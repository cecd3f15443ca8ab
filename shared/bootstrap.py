"""From adapters to services: lazily, once a process, and only what the process needs.

Every import of a vendor library stands inside the function that needs it: imports are what a
cold start costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared import opened
from shared.adapters.catalogue import load_task_type
from shared.domain.ports import KeyStore
from shared.domain.task_type import TaskType
from shared.opened import settings
from shared.readiness import Readiness
from shared.services.bury import BuryService
from shared.services.checking import TaskChecker
from shared.services.claim_check import BlobSweep, ClaimCheck
from shared.services.enqueue import EnqueueService
from shared.services.execute import ExecuteService
from shared.services.lookup import LookupService
from shared.services.relay import RelayService
from shared.services.republish import RepublishService
from shared.services.schedules import FiringService, ScheduleService
from shared.services.verdict import Handle
from shared.settings import ROOT, Settings

if TYPE_CHECKING:
    from shared.domain.blob import Blobs
    from shared.services.desk import DeskService
    from shared.services.groups import GroupService
    from shared.services.operations import OperationsService
    from shared.services.queues import QueueService
    from shared.services.turns import Turns
    from shared.services.watch import WatchService


@dataclass(frozen=True, slots=True)
class Api:
    """What the API's edges (REST, gRPC) stand on."""

    settings: Settings
    catalogue: Mapping[str, TaskType]
    enqueue: EnqueueService
    lookup: LookupService
    desk: "DeskService"
    operations: "OperationsService"
    queues: "QueueService"
    schedules: ScheduleService
    republish: RepublishService
    watch: "WatchService"
    groups: "GroupService"
    readiness: Readiness
    keys: KeyStore | None = None


@dataclass(frozen=True, slots=True)
class Runner:
    """What a task function stands on."""

    settings: Settings
    task_type: TaskType
    execute: ExecuteService
    readiness: Readiness
    blobs: "Blobs | None" = None


@dataclass(frozen=True, slots=True)
class Relay:
    """What the relay function stands on."""

    settings: Settings
    service: RelayService
    readiness: Readiness


@dataclass(frozen=True, slots=True)
class Burial:
    """What the dead-letter function stands on."""

    settings: Settings
    service: BuryService
    readiness: Readiness


@cache
def api() -> Api:
    """Raises: Misconfigured."""
    catalogue, ledger, publisher = opened.catalogue(), opened.ledger(), opened.publisher()
    task_cache, ports = opened.task_cache(), opened.desk_ports()
    from uuid_utils.compat import uuid7

    from shared.adapters.cron import CronCalendar
    from shared.adapters.pg_schedules import PostgresSchedules
    from shared.adapters.pg_upkeep import PostgresUpkeep
    from shared.services.desk import DeskService
    from shared.services.groups import GroupService
    from shared.services.operations import OperationsService
    from shared.services.queues import QueueService
    from shared.services.watch import WatchService

    checks = {"postgres": ledger.ping, "pubsub": publisher.ping}
    enqueue = EnqueueService(
        catalogue, ledger, publisher, task_cache, new_id=uuid7, claim_check=_claim_check()
    )
    schedules = PostgresSchedules(opened.calls())
    return Api(
        settings(),
        catalogue,
        enqueue,
        LookupService(ledger, task_cache),
        DeskService(catalogue, ledger, publisher, desk=ports.desk, audit=ports.audit),
        OperationsService(desk=ports.desk, operations=ports.operations, new_id=uuid7),
        QueueService(catalogue, ports.pauses),
        ScheduleService(catalogue, schedules, CronCalendar(), enqueue),
        RepublishService(catalogue, PostgresUpkeep(opened.calls())),
        WatchService(ledger),
        GroupService(checker(), enqueue, ports.groups, new_id=uuid7),
        Readiness(checks),
        opened.keys(),
    )


@cache
def checker() -> TaskChecker:
    """For a process that stores tasks in transactions of its own. Raises: Misconfigured."""
    from uuid_utils.compat import uuid7

    return TaskChecker(opened.catalogue(), new_id=uuid7)


@cache
def runner(name: str, handle: Handle) -> Runner:
    """Raises: Misconfigured."""
    task_type = load_task_type(ROOT, name, settings().task_overrides)
    ledger = opened.ledger()
    execute = ExecuteService(
        task_type, handle, ledger, turns=_turns(task_type), claim_check=_claim_check()
    )
    ready = Readiness({"postgres": ledger.ping})
    return Runner(settings(), task_type, execute, ready, opened.blobs())


@cache
def relay() -> Relay:
    """Raises: Misconfigured."""
    from shared.adapters.cron import CronCalendar
    from shared.adapters.pg_schedules import PostgresSchedules
    from shared.adapters.pg_upkeep import PostgresUpkeep
    from shared.services.chores import ChoresService

    calls, ports = opened.calls(), opened.desk_ports()
    catalogue, ledger, publisher = opened.catalogue(), opened.ledger(), opened.publisher()
    chores = ChoresService(
        catalogue,
        ledger,
        publisher,
        desk=ports.desk,
        operations=ports.operations,
        pauses=ports.pauses,
        groups=ports.groups,
    )
    service = RelayService(
        catalogue,
        ledger,
        publisher,
        PostgresUpkeep(calls),
        FiringService(catalogue, PostgresSchedules(calls), CronCalendar()),
        project=settings().project,
        retention=settings().retention,
        chores=chores,
        blobs=_blob_sweep(),
    )
    return Relay(
        settings(), service, Readiness({"postgres": ledger.ping, "pubsub": publisher.ping})
    )


@cache
def burial() -> Burial:
    """Raises: Misconfigured."""
    ledger = opened.ledger()
    service = BuryService(opened.catalogue(), ledger)
    return Burial(settings(), service, Readiness({"postgres": ledger.ping}))


def _turns(task_type: TaskType) -> "Turns | None":
    """For a type with limits on how many run at once, or how often."""
    from shared.domain.slots import is_limited

    if not is_limited(task_type.limits):
        return None
    from shared.adapters.pg_calls import Calls
    from shared.adapters.pg_slots import PostgresSlots
    from shared.services.turns import Turns

    own = Calls(settings().database_url)  # runs wait on it for each other
    return Turns(task_type.limits, opened.redis_slots(), PostgresSlots(own))


def _claim_check() -> ClaimCheck | None:
    blobs = opened.blobs()
    return ClaimCheck(blobs) if blobs else None


def _blob_sweep() -> BlobSweep | None:
    blobs = opened.blobs()
    if blobs is None:
        return None
    from shared.adapters.pg_blobs import PostgresBlobOwners

    return BlobSweep(blobs, PostgresBlobOwners(opened.calls()))
