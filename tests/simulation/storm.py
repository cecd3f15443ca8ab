"""One seed: clients, a storm of faults, then calm; the history that is left."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, Final

from shared.adapters.memory_ledger import MemoryLedger
from shared.domain.errors import LedgerUnavailable
from tests.simulation.history import History
from tests.simulation.script import catalogue, written
from tests.simulation.virtual_time import VirtualLoop, run_virtually
from tests.simulation.world import World

STORM_SECONDS: Final = 180.0
CALM_SECONDS: Final = 8 * 3600.0
"""Dead letters return after 5 s, 1, 10 and 60 minutes: the calm is longer than all of them."""
QUIET_SECONDS: Final = 90.0
"""Some rounds of the relays, so that the outbox is empty too."""
TASKS: Final = 16
TRIES: Final = 4


def simulate(seed: int, ledger_type: Callable[..., MemoryLedger] = MemoryLedger) -> History:
    """The history of this seed, always the same one."""
    return run_virtually(lambda loop: _Storm(loop, seed, ledger_type).weather())


class _Storm:
    def __init__(self, loop: VirtualLoop, seed: int, ledger_type: Callable[..., MemoryLedger]):
        self._loop = loop
        self._world = World(loop, seed, catalogue(), ledger_type)
        self._random: Random = self._world.random

    async def weather(self) -> History:
        world = self._world
        relays = [
            asyncio.ensure_future(world.relay_rounds(name, self._pause))
            for name in ("relay.0", "relay.1")
        ]
        world.network.cut_chance = self._random.choice((0.0, 0.01, 0.05))
        world.broker.unsure_chance = self._random.choice((0.0, 0.05, 0.3))
        world.broker.twice_chance = self._random.choice((0.0, 0.1, 0.5))
        world.broker.ack_lost_chance = self._random.choice((0.0, 0.05, 0.3))
        people = asyncio.ensure_future(self._people())
        clients = [asyncio.ensure_future(self._client(n)) for n in range(TASKS)]
        await self._faults()
        self._calm_down()
        await asyncio.wait({*clients, people})
        await self._quiet()
        for relay in relays:
            relay.cancel()
        return await world.remember()

    async def _quiet(self) -> None:
        """Return when nothing has been under way for some rounds of the relays, or too late."""
        quiet = 0.0
        while quiet < QUIET_SECONDS and self._loop.time() < STORM_SECONDS + CALM_SECONDS:
            await asyncio.sleep(10)
            await self._world.remember()
            busy = self._world.unfinished or self._world.broker.outstanding
            quiet = 0.0 if busy else quiet + 10

    def _pause(self) -> float:
        """Rounds a second apart in the storm; rarer afterwards, for speed."""
        slower = 1.0 if self._loop.time() < STORM_SECONDS + 60 else 15.0
        return slower * (0.5 + self._random.random())

    async def _client(self, n: int) -> None:
        """Asks until it is told, with one key each time; some ask twice at once; some cancel."""
        await asyncio.sleep(self._random.random() * STORM_SECONDS * 0.7)
        asked: dict[str, Any] = {
            "task_type": self._random.choice(("brokered", "ledgered")),
            "payload": written(self._random, f"task {n}"),
            "idempotency_key": f"key {n}",
        }
        if self._random.random() < 0.15:
            asked["delay_seconds"] = self._random.randint(1, 60)
        if self._random.random() < 0.1:
            asked["expires_in_seconds"] = self._random.randint(5, 150)
        await asyncio.gather(*(self._ask(asked) for _ in range(self._random.choice((1, 1, 3)))))
        if self._random.random() < 0.15:
            await asyncio.sleep(self._random.random() * 20)
            for told in [t for t in self._world.history.told if t.key == f"key {n}"][:1]:
                await self._world.cancel("api.0", told.task_id)

    async def _people(self) -> None:
        """Somebody at the desk redrives what is dead, and pauses a type now and then."""
        while self._loop.time() < STORM_SECONDS:
            await asyncio.sleep(self._random.random() * 20)
            name = f"api.{self._random.randrange(2)}"
            if self._random.random() < 0.7:
                await self._world.redrive(name)
            else:
                task_type = self._random.choice(sorted(self._world.catalogue))
                await self._world.pause(name, task_type, self._random.random() * 40)
        for task_type in sorted(self._world.catalogue):
            await self._world.resume(task_type)

    async def _ask(self, asked: dict[str, Any]) -> None:
        for _ in range(TRIES):
            try:
                await self._world.enqueue(f"api.{self._random.randrange(2)}", asked)
            except (LedgerUnavailable, ConnectionError):
                await asyncio.sleep(self._random.random() * 5)
            else:
                return

    async def _faults(self) -> None:
        while self._loop.time() < STORM_SECONDS:
            await asyncio.sleep(self._random.random() * 12)
            fault = self._random.choice(FAULTS)
            self._world.history.faults.append(f"{self._loop.time():.1f} {await fault(self)}")

    async def _kill(self) -> str:
        name = self._random.choice(sorted(self._world.processes))
        self._world.processes[name].kill()
        self._later(self._random.random() * 10, lambda: self._world.start(name))
        return f"kill {name}"

    async def _freeze(self) -> str:
        """Often past the lease of 30 s: then another run has the task, and this one comes back."""
        functions = sorted(name for name in self._world.processes if "ed." in name)
        anything = sorted(self._world.processes)
        names = functions if self._random.random() < 0.6 else anything
        process = self._world.processes[self._random.choice(names)]
        process.freeze()
        self._later(self._random.choice((1.0, 45.0, 60.0, 80.0)), process.thaw)
        return f"freeze {process.name}"

    async def _no_relay(self) -> str:
        """Nobody brings back what is due: only Pub/Sub's redeliveries are left."""
        for n in range(2):
            relay = self._world.processes[f"relay.{n}"]
            relay.freeze()
            self._later(90.0, relay.thaw)
        return "freeze both relays"

    async def _cut_off(self) -> str:
        what = self._random.choice((self._world.network, self._world.broker))
        what.down = True

        def back() -> None:
            what.down = False

        self._later(self._random.choice((0.5, 5.0, 35.0)), back)
        return f"cut off {type(what).__name__.lower()}"

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._loop.call_later(seconds, act)

    def _calm_down(self) -> None:
        world = self._world
        world.network.cut_chance = world.broker.unsure_chance = 0.0
        world.broker.twice_chance = world.broker.ack_lost_chance = 0.0


FAULTS: Final = (
    _Storm._kill,
    _Storm._kill,
    _Storm._freeze,
    _Storm._freeze,
    _Storm._cut_off,
    _Storm._no_relay,
)
