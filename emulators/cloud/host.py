"""Keeps the parts of one deployment running: put, get, delete, and all of them after a restart."""

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

from emulators.cloud.folder import Folder, write_private
from emulators.cloud.parts import part_of
from emulators.cloud.spec import Running, Spec
from emulators.stack.console import Console
from emulators.stack.errors import StackError
from emulators.stack.keeper import Keeper
from emulators.stack.ports import Ports, holder

FIRST_PORT = 9100
_STOP_SECONDS = 10


class Host:
    """The parts by name. A part keeps its ports for as long as there is a host, and after."""

    def __init__(self, folder: Folder, console: Console) -> None:
        self._folder = folder
        self._console = console
        self._ports = Ports(console.say)
        self._held: dict[int, socket.socket] = {}
        self._reserved: dict[str, Mapping[str, int]] = {}
        self._specs: dict[str, Spec] = {}
        self._keepers: dict[str, Keeper] = {}
        self._problems: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def all(self) -> list[Running]:
        """Return every part, as it is now."""
        return [self._running(name) for name in sorted(self._specs)]

    def get(self, name: str) -> Running | None:
        """Return one part, None if there is none."""
        return self._running(name) if name in self._specs else None

    async def put(self, spec: Spec) -> Running:
        """Start a part, or start it anew when it differs; return it once it works.

        A part that does not come up in its new form runs on in its old one.
        Raises: StackError with its last lines; CT102 when a port of its state is taken.
        """
        async with self._locks[spec.name]:
            before = self._specs.get(spec.name)
            spec = spec.at(self._ports_of(spec))
            if before == spec and spec.name not in self._problems:
                return self._running(spec.name)
            await self._end(spec.name)
            try:
                await self._begin(spec)
            except StackError:
                if before is not None:
                    with suppress(StackError):
                        await self._begin(before)
                raise
            finally:
                self._save()
            return self._running(spec.name)

    async def delete(self, name: str) -> None:
        """Stop a part for good; one that is gone is none."""
        async with self._locks[name]:
            await self._end(name)
            self._save()

    async def restore(self) -> None:
        """Start what ran when the last host ended; who fails has a problem.

        Raises: StackError when a port is taken: it is part of URLs that others know.
        """
        if not self._folder.parts.exists():
            return
        for value in json.loads(self._folder.parts.read_text()):
            spec = self._specs[value["name"]] = Spec.of(value)
            self._reserve(spec.name, spec.ports)
        servers = [s for s in self._specs.values() if s.kind != "program"]
        others = [s for s in self._specs.values() if s.kind == "program"]
        for group in (servers, others):  # a function asks for its database at once
            await asyncio.gather(*map(self._begin_again, group))

    async def stop(self) -> None:
        """End every part; what there was is still written down."""
        servers = {name for name, spec in self._specs.items() if spec.kind != "program"}
        programs = set(self._keepers) - servers
        for names in (programs - {"pubsub"}, {"pubsub"} & programs, servers & set(self._keepers)):
            await asyncio.gather(*(self._keepers[name].stop(_STOP_SECONDS) for name in names))
        self._ports.release_all()

    async def _begin_again(self, spec: Spec) -> None:
        try:
            await self._begin(spec)
        except StackError as error:
            self._problems[spec.name] = str(error)
            self._console.warn(str(error))

    async def _begin(self, spec: Spec) -> None:
        part = await part_of(spec, self._folder, lambda: self._free(spec), self._console.say)
        keeper = Keeper(part, self._console, lambda: None)
        try:
            await keeper.start()
        except BaseException:
            await keeper.stop(_STOP_SECONDS)
            raise
        self._keepers[spec.name] = keeper
        self._specs[spec.name] = spec

    async def _end(self, name: str) -> None:
        keeper = self._keepers.pop(name, None)
        self._specs.pop(name, None)
        self._problems.pop(name, None)
        if keeper is not None:
            await keeper.stop(_STOP_SECONDS)

    def _ports_of(self, spec: Spec) -> Mapping[str, int]:
        """Return the ports that a part of this name has, or gets now."""
        if set(self._reserved.get(spec.name, ())) != set(spec.ports):
            opened = {use: self._ports.listen_quietly(FIRST_PORT) for use in spec.ports}
            ports = {use: int(held.getsockname()[1]) for use, held in opened.items()}
            self._held |= {ports[use]: held for use, held in opened.items()}
            self._reserved[spec.name] = ports
        return self._reserved[spec.name]

    def _reserve(self, name: str, ports: Mapping[str, int]) -> None:
        for port in ports.values():
            try:
                self._held[port] = self._ports.listen(name, port, asked=port)
            except StackError as error:
                raise StackError(
                    "CT102",
                    f"Port {port} of {name} is in use by {holder(port)}.",
                    "Others know it by that port, so it was not moved. Nothing was started.",
                    fix="stop that program, and try again.",
                ) from error
        self._reserved[name] = dict(ports)

    def _free(self, spec: Spec) -> None:
        for port in spec.ports.values():
            if held := self._held.pop(port, None):
                held.close()

    def _running(self, name: str) -> Running:
        keeper = self._keepers.get(name)
        child = keeper.child if keeper else None
        return Running(self._specs[name], child.pid if child else 0, self._problems.get(name, ""))

    def _save(self) -> None:
        specs = [self._specs[name].as_json() for name in sorted(self._specs)]
        write_private(self._folder.parts, json.dumps(specs, indent=2))
