"""The adapters of this process: each opened once, from the settings, when it is asked for first.

Every import of a vendor library stands inside the function that needs it: imports are what a
cold start costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.adapters.catalogue import load_catalogue
from shared.domain.errors import Misconfigured
from shared.domain.ports import KeyStore, Publisher, RunLedger, TaskCache
from shared.domain.task_type import TaskType
from shared.settings import ROOT, Settings, read_settings

if TYPE_CHECKING:
    from shared.adapters.fsspec_blobs import FsspecBlobs
    from shared.adapters.pg_calls import Calls
    from shared.adapters.redis_connection import RedisConnection
    from shared.adapters.redis_slots import RedisSlots
    from shared.domain.desk_ports import Audit, Desk, Operations, Pauses
    from shared.domain.follow_up import Groups


@cache
def settings() -> Settings:
    """The settings of this process, read once; the failpoints that they name are armed."""
    found = read_settings()
    if found.failpoints:
        from shared.failpoints import arm_all

        arm_all(found.failpoints)
    return found


@cache
def catalogue() -> Mapping[str, TaskType]:
    """Every task type of this checkout. Raises: Misconfigured."""
    return load_catalogue(ROOT, settings().task_overrides)


@cache
def ledger() -> RunLedger:
    """The tasks, in Postgres; connected at its first use. Raises: Misconfigured."""
    from shared.adapters.postgres import PostgresLedger

    if not settings().database_url:
        raise Misconfigured(
            "CLOUDTASKER_DATABASE_URL is not set; it names the Postgres that holds the tasks, "
            "as postgresql+pg8000://user@host:5432/name"
        )
    return PostgresLedger(settings().database_url)


@dataclass(frozen=True, slots=True)
class DeskPorts:
    """What people ask for, seldom."""

    desk: "Desk"
    operations: "Operations"
    pauses: "Pauses"
    audit: "Audit"
    groups: "Groups"


@cache
def desk_ports() -> DeskPorts:
    """All rare, so they share one connection."""
    from shared.adapters.pg_desk import PostgresAudit, PostgresDesk
    from shared.adapters.pg_groups import PostgresGroups
    from shared.adapters.pg_operations import PostgresOperations
    from shared.adapters.pg_pauses import PostgresPauses

    shared = calls()
    return DeskPorts(
        PostgresDesk(shared),
        PostgresOperations(shared),
        PostgresPauses(shared),
        PostgresAudit(shared),
        PostgresGroups(shared),
    )


@cache
def calls() -> "Calls":
    """The connection of all that is rare; made when it is used first."""
    from shared.adapters.pg_calls import Calls

    return Calls(settings().database_url)


def keys() -> KeyStore | None:
    """The API keys, where callers bring them."""
    if settings().auth != "keys":
        return None
    from shared.adapters.pg_keys import PostgresKeys

    return PostgresKeys(settings().database_url)


@cache
def publisher() -> Publisher:
    """Pub/Sub, or the emulator that the settings name; what it publishes is counted."""
    from shared.adapters.pubsub import PubSubPublisher
    from shared.metrics import CountedPublisher

    host = settings().pubsub_emulator_host
    return CountedPublisher(PubSubPublisher(settings().project, emulator_host=host))


@cache
def blobs() -> "FsspecBlobs | None":
    """Where large payloads and results go; the library behind it is imported at the first use."""
    if not settings().blobs_url:
        return None
    from shared.adapters.fsspec_blobs import FsspecBlobs

    return FsspecBlobs(settings().blobs_url)


@cache
def task_cache() -> TaskCache:
    """Redis, or nothing where there is none."""
    if not settings().redis_url:
        from shared.adapters.no_cache import NoCache

        return NoCache()
    from shared.adapters.redis import RedisCache

    return RedisCache(_redis())


def redis_slots() -> "RedisSlots | None":
    """Where types with limits take turns, as long as there is a Redis."""
    if not settings().redis_url:
        return None
    from shared.adapters.redis_slots import RedisSlots

    return RedisSlots(_redis())


def _redis() -> "RedisConnection":
    from shared.adapters.redis_connection import RedisConnection

    return RedisConnection(settings().redis_url, ca=settings().redis_ca)
