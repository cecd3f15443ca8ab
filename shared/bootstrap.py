"""From settings to adapters to services: lazily, once a process, and only what the process needs.

Every import of a vendor library stands inside the function that needs it: imports are what a
cold start costs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from shared.adapters.catalogue import load_catalogue, load_task_type
from shared.domain.errors import LedgerUnavailable, Misconfigured
from shared.domain.ports import KeyStore, Publisher, RunLedger, TaskCache
from shared.domain.task_type import TaskType
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
from shared.settings import ROOT, Settings, read_settings

if TYPE_CHECKING:
    from shared.adapters.fsspec_blobs import FsspecBlobs
    from shared.adapters.pg_calls import Calls
    from shared.adapters.redis_connection import RedisConnection
    from shared.domain.blob import Blobs
    from shared.domain.desk_ports import Audit, Desk, Operations, Pauses
    from shared.domain.follow_up import Groups
    from shared.services.desk import DeskService
    from shared.services.groups import GroupService
    from shared.services.operations import OperationsService
    from shared.services.queues import QueueService
    from shared.services.turns import Turns
    from shared.services.watch import WatchService

Check = Callable[[], Awaitable[None]]
ANSWER_SECONDS: Final = 2
"""What a readiness check is given to answer; a probe must wait longer."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The checks that must pass before this process can do its work."""

    checks: Mapping[str, Check] = field(default_factory=dict)

    async def problems(self) -> dict[str, str]:
        """What is not ready, each with the reason; empty when all is."""
        answers = await asyncio.gather(*(self._problem(check) for check in self.checks.values()))
        return {name: said for name, said in zip(self.checks, answers, strict=True) if said}

    async def _problem(self, check: Check) -> str:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await check()
        except TimeoutError:
            return f"no answer within {ANSWER_SECONDS} s"
        except (LedgerUnavailable, ConnectionError) as away:
            return str(away)
        return ""


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
def settings() -> Settings:
    """The settings of this process, read once; the failpoints that they name are armed."""
    found = read_settings()
    if found.failpoints:
        from shared.failpoints import arm_all

        arm_all(found.failpoints)
    return found


@cache
def api() -> Api:
    """Raises: Misconfigured."""
    catalogue, ledger, publisher = _catalogue(), _ledger(), _publisher()
    task_cache, ports = _task_cache(), _desk_ports()
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
    schedules = PostgresSchedules(_calls())
    return Api(
        settings(),
        catalogue,
        enqueue,
        LookupService(ledger, task_cache),
        DeskService(catalogue, ledger, publisher, desk=ports.desk, audit=ports.audit),
        OperationsService(desk=ports.desk, operations=ports.operations, new_id=uuid7),
        QueueService(catalogue, ports.pauses),
        ScheduleService(catalogue, schedules, CronCalendar(), enqueue),
        RepublishService(catalogue, PostgresUpkeep(_calls())),
        WatchService(ledger),
        GroupService(checker(), enqueue, ports.groups, new_id=uuid7),
        Readiness(checks),
        _keys(),
    )


@cache
def checker() -> TaskChecker:
    """For a process that stores tasks in transactions of its own. Raises: Misconfigured."""
    from uuid_utils.compat import uuid7

    return TaskChecker(_catalogue(), new_id=uuid7)


@cache
def runner(name: str, handle: Handle) -> Runner:
    """Raises: Misconfigured."""
    task_type = load_task_type(ROOT, name, settings().task_overrides)
    ledger = _ledger()
    execute = ExecuteService(
        task_type, handle, ledger, turns=_turns(task_type), claim_check=_claim_check()
    )
    ready = Readiness({"postgres": ledger.ping})
    return Runner(settings(), task_type, execute, ready, _blobs())


@cache
def relay() -> Relay:
    """Raises: Misconfigured."""
    from shared.adapters.cron import CronCalendar
    from shared.adapters.pg_schedules import PostgresSchedules
    from shared.adapters.pg_upkeep import PostgresUpkeep
    from shared.services.chores import ChoresService

    calls = _calls()
    catalogue, ledger, publisher, ports = _catalogue(), _ledger(), _publisher(), _desk_ports()
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
    ledger = _ledger()
    service = BuryService(_catalogue(), ledger)
    return Burial(settings(), service, Readiness({"postgres": ledger.ping}))


@cache
def _catalogue() -> Mapping[str, TaskType]:
    return load_catalogue(ROOT, settings().task_overrides)


@cache
def _ledger() -> RunLedger:
    from shared.adapters.postgres import PostgresLedger

    if not settings().database_url:
        raise Misconfigured(
            "CLOUDTASKER_DATABASE_URL is not set; it names the Postgres that holds the tasks, "
            "as postgresql+pg8000://user@host:5432/name"
        )
    return PostgresLedger(settings().database_url)


@dataclass(frozen=True, slots=True)
class _DeskPorts:
    desk: "Desk"
    operations: "Operations"
    pauses: "Pauses"
    audit: "Audit"
    groups: "Groups"


@cache
def _desk_ports() -> _DeskPorts:
    """All rare, so they share one connection."""
    from shared.adapters.pg_desk import PostgresAudit, PostgresDesk
    from shared.adapters.pg_groups import PostgresGroups
    from shared.adapters.pg_operations import PostgresOperations
    from shared.adapters.pg_pauses import PostgresPauses

    calls = _calls()
    return _DeskPorts(
        PostgresDesk(calls),
        PostgresOperations(calls),
        PostgresPauses(calls),
        PostgresAudit(calls),
        PostgresGroups(calls),
    )


@cache
def _calls() -> "Calls":
    """The connection of all that is rare; made when it is used first."""
    from shared.adapters.pg_calls import Calls

    return Calls(settings().database_url)


def _keys() -> KeyStore | None:
    """The API keys, where callers bring them."""
    if settings().auth != "keys":
        return None
    from shared.adapters.pg_keys import PostgresKeys

    return PostgresKeys(settings().database_url)


@cache
def _publisher() -> Publisher:
    from shared.adapters.pubsub import PubSubPublisher
    from shared.metrics import CountedPublisher

    host = settings().pubsub_emulator_host
    return CountedPublisher(PubSubPublisher(settings().project, emulator_host=host))


def _turns(task_type: TaskType) -> "Turns | None":
    """For a type with limits on how many run at once, or how often."""
    from shared.domain.slots import is_limited

    if not is_limited(task_type.limits):
        return None
    from shared.adapters.pg_calls import Calls
    from shared.adapters.pg_slots import PostgresSlots
    from shared.services.turns import Turns

    slots = None
    if settings().redis_url:
        from shared.adapters.redis_slots import RedisSlots

        slots = RedisSlots(_redis())
    return Turns(task_type.limits, slots, PostgresSlots(Calls(settings().database_url)))


@cache
def _blobs() -> "FsspecBlobs | None":
    """Where large payloads and results go; the library behind it is imported at the first use."""
    if not settings().blobs_url:
        return None
    from shared.adapters.fsspec_blobs import FsspecBlobs

    return FsspecBlobs(settings().blobs_url)


def _claim_check() -> ClaimCheck | None:
    blobs = _blobs()
    return ClaimCheck(blobs) if blobs else None


def _blob_sweep() -> BlobSweep | None:
    blobs = _blobs()
    if blobs is None:
        return None
    from shared.adapters.pg_blobs import PostgresBlobOwners

    return BlobSweep(blobs, PostgresBlobOwners(_calls()))


@cache
def _task_cache() -> TaskCache:
    if not settings().redis_url:
        from shared.adapters.no_cache import NoCache

        return NoCache()
    from shared.adapters.redis import RedisCache

    return RedisCache(_redis())


def _redis() -> "RedisConnection":
    from shared.adapters.redis_connection import RedisConnection

    return RedisConnection(settings().redis_url, ca=settings().redis_ca)
