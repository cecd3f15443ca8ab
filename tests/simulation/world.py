"""The whole system on ports in memory: API, functions, relays and the dead-letter function.

Every process is made anew after each kill, from the same services that production runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from shared.adapters.memory import MemoryCache
from shared.adapters.memory_desk import MemoryAudit, MemoryDesk, MemoryPauses
from shared.adapters.memory_groups import MemoryGroups
from shared.adapters.memory_ledger import MemoryLedger
from shared.adapters.memory_operations import MemoryOperations
from shared.domain.envelope import Delivery
from shared.domain.errors import CloudTaskerError, LedgerUnavailable
from shared.domain.ledger_rules import LEASE_BEYOND_LIMIT_SECONDS, RENEW_SECONDS
from shared.domain.outcome import RejectTask, RetryLater, Snooze
from shared.domain.ports import TaskFilter, nothing
from shared.domain.settlement import Answer
from shared.domain.task import FINAL, Claim, State, Task
from shared.domain.task_type import TaskType
from shared.services.bury import BuryService
from shared.services.chores import ChoresService
from shared.services.desk import DeskService
from shared.services.enqueue import EnqueueService
from shared.services.execute import ExecuteService
from shared.services.lookup import LookupService
from shared.services.queues import QueueService
from shared.services.relay import RelayService
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
        self._audit = MemoryAudit(self._ledger)
        self._desk = MemoryDesk(self._ledger, self._audit)
        self._operations = MemoryOperations(self._ledger, self._audit)
        self._pauses = MemoryPauses(self._ledger, self._audit)
        self._pauses.operations_running = self._operations.any_running
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
        process = Process(name, self.history.defects.append)
        self.processes[name] = process
        self._services[name] = self._service(name.split(".")[0], process)

    def _service(self, kind: str, process: Process) -> Any:
        ledger = _Held(self._ledger, process, self.network, self._see)
        publisher = Reached(self.broker, process, Network(self.random))
        desk = self._reached(self._desk, process)
        if kind == "api":
            return _Api(
                EnqueueService(
                    self.catalogue,
                    ledger,
                    publisher,
                    self._cache,
                    new_id=self._new_id,
                    now=self.loop.clock,
                ),
                LookupService(ledger, self._cache),
                DeskService(self.catalogue, ledger, publisher, desk=desk, audit=self._audit),
                QueueService(self.catalogue, self._reached(self._pauses, process)),
            )
        if kind == "relay":
            return _Relay(
                memory_relay(
                    self._ledger, publisher, self.catalogue, seen=ledger, project="simulated"
                ),
                ChoresService(
                    self.catalogue,
                    ledger,
                    publisher,
                    desk=desk,
                    operations=self._reached(self._operations, process),
                    pauses=self._reached(self._pauses, process),
                    groups=self._reached(MemoryGroups(self._ledger), process),
                ),
            )
        if kind == "dead_letter":
            return BuryService(self.catalogue, ledger)
        handle = self._handler(process)
        return ExecuteService(self.catalogue[kind], handle, ledger, chance=self.random.random)

    def _reached(self, port: Any, process: Process) -> Any:
        return Reached(port, process, self.network, self._see)

    def _new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    # What the processes do

    async def enqueue(self, name: str, asked: dict[str, Any]) -> None:
        """A client's request to one API process; what it is told goes into the history.

        Raises: ConnectionError, LedgerUnavailable: the client cannot know.
        """
        work = self._services[name].enqueue.enqueue(asked, traceparent="")
        stored = await self.processes[name].serve(work)
        key = asked.get("idempotency_key")
        if delay := asked.get("delay_seconds"):
            self.history.delays[stored.id] = delay
            self.history.born[stored.id] = stored.created_at
        self.history.told.append(Told(stored.id, key))

    async def cancel(self, name: str, task_id: UUID) -> None:
        """A client's request to cancel; a finished task refuses."""
        with suppress(CloudTaskerError, ConnectionError):
            await self.processes[name].serve(self._services[name].lookup.cancel(str(task_id)))

    async def redrive(self, name: str) -> None:
        """A person puts a dead task back to work, where there is one."""
        dead = sorted(row.id for row in self._rows.values() if row.state is State.DEAD)
        if dead:
            work = self._services[name].desk.redrive(
                str(self.random.choice(dead)), actor="somebody"
            )
            with suppress(CloudTaskerError, ConnectionError):
                await self.processes[name].serve(work)

    async def pause(self, name: str, task_type: str, seconds: float) -> None:
        """A person pauses a type for a while; the history has when it surely was paused."""
        queues, process = self._services[name].queues, self.processes[name]
        try:
            await process.serve(queues.pause(task_type, reason="a storm", actor="somebody"))
        except (CloudTaskerError, ConnectionError):
            return
        since = self.loop.clock()
        await asyncio.sleep(seconds)
        self.history.pauses.append((task_type, since, self.loop.clock()))
        await self.resume(task_type)

    async def resume(self, task_type: str) -> None:
        """It is resumed, however often that has to be tried."""
        while True:
            try:
                name = f"api.{self.random.randrange(2)}"
                work = self._services[name].queues.resume(task_type, actor="somebody")
                await self.processes[name].serve(work)
            except (CloudTaskerError, ConnectionError):
                await asyncio.sleep(1)
            else:
                return

    async def relay_rounds(self, name: str, pause_seconds: Callable[[], float]) -> None:
        """What the scheduler makes a relay do, for ever."""
        while True:
            await asyncio.sleep(pause_seconds())
            try:
                await self.processes[name].serve(self._services[name].relay.round())
                await self.processes[name].serve(self._services[name].chores.round())
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
            run = Run(claim.task_id, claim.generation, claim.attempt, claim.token)
            self.history.runs.append(run)
            act = act_of(payload, len([r for r in self.history.runs if r.task_id == run.task_id]))
            if payload.once:
                paid = await working.once("pay", lambda: self._pay(run))
                self.history.paid.append((run, paid))
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

    async def _pay(self, run: Run) -> int:
        """An effect on the world outside, which no ledger can take back."""
        self.history.payments.append((run, len(self.history.paid)))
        await asyncio.sleep(0.05)
        return run.token

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
        return self.history

    @property
    def unfinished(self) -> int:
        """Rows that are not final, as last seen."""
        return sum(row.state not in FINAL for row in self._rows.values())


@dataclass(frozen=True)
class _Api:
    enqueue: EnqueueService
    lookup: LookupService
    desk: DeskService
    queues: QueueService


@dataclass(frozen=True)
class _Relay:
    relay: RelayService
    chores: ChoresService


class _Held(Reached):
    """The ledger as a process reaches it; a thread of the process renews the lease of a run."""

    @asynccontextmanager
    async def renewing(
        self, claim: Claim, time_limit_seconds: float, on_cancel: Callable[[], object] = nothing
    ) -> AsyncIterator[None]:
        """See `Ledger.renewing`."""
        renewals = asyncio.ensure_future(self._renew(claim, time_limit_seconds))
        try:
            async with self._port.renewing(claim, time_limit_seconds, on_cancel):
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
