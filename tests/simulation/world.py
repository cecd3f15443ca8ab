"""The whole system on ports in memory: API, functions, relays and the dead-letter function.

Every process is made anew after each kill, from the same services that production runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from shared.adapters.memory import MemoryCache
from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.envelope import Delivery
from shared.domain.errors import CloudTaskerError, LedgerUnavailable
from shared.domain.ledger_rules import LEASE_BEYOND_LIMIT_SECONDS, RENEW_SECONDS
from shared.domain.outcome import RejectTask, RetryLater, Snooze
from shared.domain.ports import TaskFilter, nothing
from shared.domain.settlement import Answer
from shared.domain.task import FINAL, Claim, Task
from shared.domain.task_type import TaskType
from shared.services.bury import BuryService
from shared.services.enqueue import EnqueueService
from shared.services.execute import ExecuteService
from shared.services.lookup import LookupService
from shared.services.run import Run as Working
from tests.simulation.broker import Broker, Subscription
from tests.simulation.history import Claimed, History, Move, Run, Told
from tests.simulation.process import Network, Process, Reached
from tests.simulation.script import Script, act_of
from tests.simulation.virtual_time import VirtualLoop
from tests.support.memory_relay import memory_relay

T = TypeVar("T")
INSTANCES: Final = 2
"""Of each function: two can be at one task."""
WATCHED: Final = TaskFilter()


class World:
    """The system, the faults that can be done to it, and the history that it leaves."""

    def __init__(
        self,
        loop: VirtualLoop,
        seed: int,
        catalogue: Mapping[str, TaskType],
        ledger_type: Callable[..., MemoryLedger] = MemoryLedger,
    ) -> None:
        self.random = Random(seed)
        self.loop = loop
        self.catalogue = catalogue
        self.history = History(seed)
        self.network = Network(self.random)
        self.broker = Broker(self.random)
        self._ledger = ledger_type(now=loop.clock)
        self._cache = MemoryCache()
        self._rows: dict[UUID, Task] = {}
        self._ids = 0
        self.processes: dict[str, Process] = {}
        self._services: dict[str, Any] = {}
        for name in self._names():
            self.start(name)
        for task_type in catalogue.values():
            self._subscribe(task_type)

    def _names(self) -> list[str]:
        functions = [f"{name}.{n}" for name in self.catalogue for n in range(INSTANCES)]
        return ["api.0", "api.1", "relay.0", "relay.1", "dead_letter.0", *functions]

    # Processes

    def start(self, name: str) -> None:
        """Begin the process anew, whatever became of the one before it."""
        process = Process(name)
        self.processes[name] = process
        self._services[name] = self._service(name.split(".")[0], process)

    def _service(self, kind: str, process: Process) -> Any:
        ledger = _Held(self._ledger, process, self.network, self._see)
        publisher = Reached(self.broker, process, Network(self.random))
        if kind == "api":
            return EnqueueService(
                self.catalogue, ledger, publisher, self._cache, new_id=self._new_id
            ), LookupService(ledger, self._cache)
        if kind == "relay":
            return memory_relay(
                self._ledger, publisher, self.catalogue, seen=ledger, project="simulated"
            )
        if kind == "dead_letter":
            return BuryService(self.catalogue, ledger)
        handle = self._handler(process)
        return ExecuteService(self.catalogue[kind], handle, ledger, chance=self.random.random)

    def _new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    # What the processes do

    async def enqueue(self, name: str, asked: dict[str, Any]) -> None:
        """A client's request to one API process; what it is told goes into the history.

        Raises: ConnectionError, LedgerUnavailable: the client cannot know.
        """
        enqueue, _ = self._services[name]
        stored = await self.processes[name].serve(enqueue.enqueue(asked, traceparent=""))
        key = asked.get("idempotency_key")
        self.history.told.append(Told(stored.id, key, asked["payload"]["name"]))

    async def cancel(self, name: str, task_id: UUID) -> None:
        """A client's request to cancel; a task that runs or is finished refuses."""
        _, lookup = self._services[name]
        try:
            await self.processes[name].serve(lookup.cancel(str(task_id)))
        except (CloudTaskerError, ConnectionError):
            return
        self.history.cancelled.add(task_id)

    async def relay_rounds(self, name: str, pause_seconds: Callable[[], float]) -> None:
        """What the scheduler makes a relay do, for ever."""
        while True:
            await asyncio.sleep(pause_seconds())
            try:
                await self.processes[name].serve(self._services[name].round())
            except (LedgerUnavailable, ConnectionError):
                continue

    def _subscribe(self, task_type: TaskType) -> None:
        limits = task_type.limits
        self.broker.subscribe(
            task_type.topic,
            Subscription(
                task_type.push_subscription,
                lambda delivery: self._push(task_type.name, delivery),
                limits.ack_deadline_seconds,
                limits.retry.min_seconds,
                limits.retry.max_seconds,
                task_type.dead_letter_topic,
                limits.max_attempts,
            ),
        )
        dead = Subscription(f"{task_type.dead_letter_topic}-push", self._bury, 60, 10, 600)
        hold = Subscription(f"{task_type.dead_letter_topic}-hold", self._hold, 60, 10, 600)
        self.broker.subscribe(task_type.dead_letter_topic, dead)
        self.broker.subscribe(task_type.dead_letter_topic, hold)

    async def _push(self, kind: str, delivery: Delivery) -> Answer:
        name = f"{kind}.{self.random.randrange(INSTANCES)}"
        execution = await self.processes[name].serve(self._services[name].execute(delivery))
        return execution.answer

    async def _bury(self, delivery: Delivery) -> Answer:
        await self.processes["dead_letter.0"].serve(self._services["dead_letter.0"].bury(delivery))
        return Answer.ACK

    async def _hold(self, delivery: Delivery) -> Answer:
        self.history.dead_letters.append(delivery)
        return Answer.ACK

    def _handler(self, process: Process) -> Callable[[Any, Working], Any]:
        async def handle(payload: Script, working: Working) -> str:
            claim = working.claim
            await process.go_on()
            run = Run(
                claim.task_id, claim.generation, claim.attempt, claim.token, self.loop.clock()
            )
            self.history.runs.append(run)
            act = act_of(payload, len([r for r in self.history.runs if r.task_id == run.task_id]))
            await asyncio.sleep(act.seconds)
            await process.go_on()
            match act.ending:
                case "crash":
                    process.kill()
                    self.loop.call_later(2, self.start, process.name)
                    await process.go_on()
                case "fail":
                    raise RuntimeError("as its script says")
                case "reject":
                    raise RejectTask("as its script says")
                case "later":
                    raise RetryLater(act.seconds)
                case "snooze":
                    raise Snooze(self.loop.clock(), "as its script says")
            run.returned = f"{claim.task_id.int}/{claim.generation}/{claim.token}"
            return run.returned

        return handle

    # What is seen

    async def _see(self, answer: object = None) -> None:
        """Compare all rows with what they were: every move is in the history, at its moment."""
        if isinstance(answer, Claim):
            self.history.claims.append(
                Claimed(self.loop.clock(), answer.task_id, answer.token, len(self.history.moves))
            )
        for row in await self._ledger.find(WATCHED, after=None, limit=10_000):
            before = self._rows.get(row.id)
            if before is None or before.state is not row.state:
                was = before.state if before else None
                self.history.moves.append(
                    Move(self.loop.clock(), row.id, was, row.state, row.generation, row.attempt)
                )
            self._rows[row.id] = row

    async def remember(self) -> History:
        """The history as it stands, with the rows and their attempts."""
        await self._see()
        for task_id in self._rows:
            row = await self._ledger.get(task_id)
            if row:
                self.history.rows[task_id] = row
        self.history.published = self.broker.published
        self.history.outstanding = self.broker.outstanding
        self.history.ended_at = self.loop.clock()
        return self.history

    @property
    def unfinished(self) -> int:
        """Rows that are not final, as last seen."""
        return sum(row.state not in FINAL for row in self._rows.values())


class _Held(Reached):
    """The ledger as a process reaches it; a thread of the process renews the lease of a run."""

    @asynccontextmanager
    async def renewing(
        self, claim: Claim, time_limit_seconds: float, on_cancel: Callable[[], object] = nothing
    ) -> AsyncIterator[None]:
        """See `Ledger.renewing`. A run is not told of its cancellation: its end tells the row."""
        renewals = asyncio.ensure_future(self._renew(claim, time_limit_seconds))
        try:
            yield
        finally:
            renewals.cancel()

    async def _renew(self, claim: Claim, time_limit_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + time_limit_seconds + LEASE_BEYOND_LIMIT_SECONDS
        while loop.time() + RENEW_SECONDS < end:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self.renew(claim)
            except LedgerUnavailable:
                continue
