"""The whole run: what starts when, what is told, and how it all ends."""

import asyncio
import os
from collections.abc import Awaitable, Mapping
from pathlib import Path

from emulators.stack import environment, layout, parent_death, servers, state, topology
from emulators.stack.console import Console
from emulators.stack.forks import Zygote
from emulators.stack.function_parts import FunctionParts
from emulators.stack.guardian import Guardian
from emulators.stack.helper_client import GrpcHelper
from emulators.stack.keeper import Keeper, Part
from emulators.stack.lock import RunLock
from emulators.stack.options import External, Options
from emulators.stack.parts import RELAY, Parts
from emulators.stack.ports import HOST, Ports
from emulators.stack.product import Product
from emulators.stack.task_types import TaskType, function_names, read_task_types

# Stopped in this order; the limits add up to less than the 3 s that Ctrl-C may take.
_STOPS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("pubsub",), 0.7),
    (("zygote", "redis", "postgres"), 0.7),
)
_WORKERS_STOP_SECONDS = 1.2
_SERVING_SECONDS = 60  # as long as any part may take


class Stack:
    """One run on one data folder: `start`, then `stop`, whatever happened between."""

    def __init__(
        self,
        options: Options,
        inherited: Mapping[str, str],
        console: Console,
        lock: RunLock,
        scale: Mapping[str, int],
    ) -> None:
        self.options = options
        self._scale = scale
        self.console = console
        self.keepers: dict[str, Keeper] = {}
        self.ports = Ports(console.say)
        self._lock = lock
        self._inherited = inherited
        self._external = External.of(inherited)
        overrides = inherited.get("CLOUDTASKER_TASK_OVERRIDES")
        self.overrides = Path(overrides).resolve() if overrides else None
        self._common = environment.base(options.root, inherited)
        self._helper = GrpcHelper(options.root, self._common)
        self._zygote = Zygote(options.root, self._common)
        self._guardian = None if parent_death.SUPPORTED else Guardian()
        self._state: state.State | None = None

    async def start(self) -> None:
        """Start everything and return once all of it works.

        Raises:
            StackError: (perhaps in an exception group) what failed; call `stop` then too.
        """
        options, external = self.options, self._external
        names = function_names(options.root)
        task_types = read_task_types(options.root, self.overrides)
        found = servers.find(options.data_dir, external, self._inherited)
        self.layout = layout.choose(options, external, names, self.ports)
        self._servers = servers.of_run(
            found, external, self.layout, options.data_dir, self.console.say
        )
        self._addresses = self._servers.addresses
        self.parts = self._make_parts()
        self.product = Product(options.root, self._zygote, self.parts.product)
        self._functions = FunctionParts(self.parts, self.ports, self._scale)
        await self._start_all(names, task_types)
        self._state = state.of_run(self.layout, self._addresses, self._push_account)
        self._write_state()

    def _make_parts(self) -> Parts:
        product = environment.product(
            self.options.root, self._inherited, self._addresses, self.options.data_dir
        )
        if self.overrides:
            product["CLOUDTASKER_TASK_OVERRIDES"] = str(self.overrides)
        self.project = product["GOOGLE_CLOUD_PROJECT"]
        self._push_account = product["CLOUDTASKER_PUSH_SERVICE_ACCOUNT"]
        return Parts(
            root=self.options.root,
            data_dir=self.options.data_dir,
            layout=self.layout,
            ports=self.ports,
            zygote=self._zygote,
            common=self._common,
            product=product,
            schema=asyncio.Event(),
            overrides=self.overrides,
        )

    async def _start_all(self, names: list[str], task_types: list[TaskType]) -> None:
        """Everything that can start in parallel does; what takes longest begins first."""
        if self._guardian:
            await self._guardian.start()
        async with asyncio.TaskGroup() as group:
            if self._zygote.forks:
                group.create_task(self._keep(self.parts.zygote_part()))
            group.create_task(self.product.check_task_types())
            pubsub = group.create_task(self._start_pubsub(task_types))
            database = group.create_task(self._start_database())
            group.create_task(self._start_redis())
            starting = [group.create_task(self._start_function(name)) for name in names]
            group.create_task(self._start_mail())
            group.create_task(self._start_gateway(pubsub))
            if RELAY in names:
                group.create_task(self._start_scheduler([pubsub, database, *starting]))
        await self._helper.stop()

    async def _keep(self, part: Part) -> tuple[Keeper, float]:
        """Start a part under a keeper; with the seconds that it took."""
        keeper = Keeper(part, self.console, self._write_state)
        self.keepers[part.name] = keeper
        return keeper, await keeper.start()

    async def _start_database(self) -> None:
        took = "yours"
        if cluster := self._servers.postgres:
            await cluster.prepare()
            _, seconds = await self._keep(self.parts.postgres(cluster))
            took = f"{seconds:.1f} s"
        self.console.ok("postgres", self._servers.database_place, took)
        await self.product.migrate()
        self.parts.schema.set()

    async def _start_redis(self) -> None:
        took = "yours"
        if self._servers.valkey:
            _, seconds = await self._keep(self.parts.valkey(self._servers.valkey))
            took = f"{seconds:.1f} s"
        self.console.ok("redis", self._servers.redis_place, took)

    async def _start_pubsub(self, task_types: list[TaskType]) -> None:
        await self._helper.start()
        took = "yours"
        if self._servers.own_pubsub:
            _, seconds = await self._keep(self.parts.pubsub())
            took = f"{seconds:.1f} s"
        done = await self.provision(task_types)
        amount = f"{done['topics']} topics, {done['subscriptions']} subscriptions"
        self.console.ok("pub/sub", self._addresses.pubsub, f"{amount}   {took}")

    async def provision(self, task_types: list[TaskType]) -> dict[str, int]:
        """Make topics and subscriptions agree with the task types; returns how many of each."""
        account = self._push_account if self._addresses.pubsub_http else ""
        plan = topology.plan(self.project, task_types, self.layout.urls(), account)
        return await self._helper.provision(self._addresses.pubsub, plan)

    async def _start_mail(self) -> None:
        _, seconds = await self._keep(self.parts.mail())
        address = f"http://{HOST}:{self.layout.mail}/messages"
        self.console.ok("mail", address, f"smtp {HOST}:{self.layout.smtp}   {seconds:.1f} s")

    async def _start_gateway(self, pubsub: Awaitable[None]) -> None:
        if not (self.options.root / "grpc_gateway" / "__main__.py").exists():
            return
        address = f"{HOST}:{self.layout.grpc}"
        _, seconds = await self._keep(self.parts.gateway())
        await pubsub  # the helper does one thing at a time
        await self._helper.serving(address, _SERVING_SECONDS)
        self.console.ok("grpc", address, f"{seconds:.1f} s")

    async def _start_scheduler(self, first: list[asyncio.Task[None]]) -> None:
        """Last: its first call finds everything working."""
        for needed in first:
            await needed
        await self._keep(self.parts.scheduler(self._addresses.pubsub_http))
        self.console.ok("scheduler", "", "calls the relay every minute")

    async def _start_function(self, name: str) -> None:
        parts = self._functions.make(name)
        kept = await asyncio.gather(*(self._keep(part) for part in parts))
        url = self.layout.url_of(name)
        if any(keeper.broken for keeper, _ in kept):
            self.console.bad(name, url, "see CT201 above; save a correction and it loads")
        else:
            path = "/enqueue-task" if name == layout.ENQUEUE else ""
            amount = f"{len(parts)} processes   " if name in self._scale else ""
            seconds = max(seconds for _, seconds in kept)
            self.console.ok(name, url + path, f"{amount}{seconds:.1f} s")

    def keepers_of(self, function: str) -> list[Keeper]:
        """Those of all its processes."""
        return [self.keepers[name] for name in self._functions.names(function)]

    def _write_state(self) -> None:
        """Called whenever a process is another one; before the run is ready there is no file."""
        children = {name: keeper.child for name, keeper in self.keepers.items()}
        pids = {name: child.pid for name, child in children.items() if child is not None}
        if self._guardian:
            self._guardian.watch(pids.values())
        if self._state is None:
            return
        self._state.functions = dict(self.layout.urls())
        self._state.processes = {
            name: self.layout.process_url(name) for name in self.layout.processes
        }
        self._state.pids = {"stack": os.getpid(), **pids}
        self._state.write(self.options.data_dir)

    async def add_function(self, name: str) -> None:
        """Begin a function whose folder has just appeared. Like an edited one it is not waited for:
        it may never be ready, and other edits shall be heard."""
        self.layout.listeners[name] = layout.listen(name, self.options, self.ports)
        for part in self._functions.make(name):
            keeper = Keeper(part, self.console, self._write_state)
            self.keepers[part.name] = keeper
            await keeper.reload()
        self.console.warn(f"{name} is new, at {self.layout.url_of(name)}")

    async def remove_function(self, name: str) -> None:
        """Stop a function whose folder has gone. Its topics stay: they may hold tasks."""
        keepers = self.keepers_of(name)
        await asyncio.gather(*(keeper.stop(_WORKERS_STOP_SECONDS) for keeper in keepers))
        for keeper in keepers:
            del self.keepers[keeper.part.name]
        self._functions.forget(name)
        self._write_state()

    async def release_helper(self) -> None:
        """Let the gRPC helper end until it is needed again."""
        await self._helper.stop()

    async def stop(self) -> None:
        """End everything in order, within 3 s, and leave no trace but the data."""
        state.remove(self.options.data_dir)
        self._state = None
        servers = {name for names, _ in _STOPS for name in names}
        await self._stop_some(set(self.keepers) - servers, _WORKERS_STOP_SECONDS)
        for names, limit in _STOPS:
            await self._stop_some(set(names) & set(self.keepers), limit)
        await self._helper.stop()
        if self._guardian:
            await self._guardian.stop()
        self.ports.release_all()
        self._lock.release()

    async def _stop_some(self, names: set[str], limit: float) -> None:
        await asyncio.gather(*(self.keepers[name].stop(limit) for name in names))
