"""The API's services on in-memory ports: what REST and gRPC tests run against."""

from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryCache, MemoryLedger, MemoryPublisher
from shared.bootstrap import Api, Readiness
from shared.services.enqueue import EnqueueService
from shared.services.lookup import LookupService
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


def memory_api() -> MemoryApi:
    """A fresh API that knows the task types of `tests.support.task_types.catalogue`."""
    clock = FakeClock()
    ledger, publisher, cache = MemoryLedger(clock), MemoryPublisher(), MemoryCache()
    types = catalogue()

    def new_id() -> UUID:
        return uuid7()

    api = Api(
        settings=Settings(auth="none", host="127.0.0.1"),
        catalogue=types,
        enqueue=EnqueueService(types, ledger, publisher, cache, new_id=new_id, now=clock),
        lookup=LookupService(ledger, cache),
        readiness=Readiness({"postgres": ledger.ping, "pubsub": publisher.ping}),
    )
    return MemoryApi(api, ledger, publisher, cache, clock)
