"""Keeps a deployment's parts running, and changes them as it is told.

What each part shall be is kept in the folder, so a supervisor that starts again starts the same.
"""

import asyncio
import json
import os
from typing import Any

from emulators.cloud.database import Database
from emulators.cloud.environment import HOST, Place, Unmade
from emulators.cloud.folder import Folder
from emulators.cloud.held_ports import HeldPorts
from emulators.cloud.making import Maker
from emulators.cloud.specs import Spec
from emulators.cloud.version import CHECKOUT, version
from emulators.stack import environment as stack_environment
from emulators.stack.console import Console
from emulators.stack.errors import StackError, first_stack_error
from emulators.stack.forks import Zygote
from emulators.stack.keeper import Keeper, Part
from emulators.stack.once import run_once

_STOP_SECONDS = 8
_SERVERS = ("postgres", "redis")
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "CLOUDTASKER_PG_BIN")


class Refused(Exception):
    """A part cannot be as it shall; the text says why."""


class Supervisor:
    """One deployment's run. Changes come one after the other for each part."""

    def __init__(self, folder: Folder, console: Console) -> None:
        self.folder = folder
        self._version = version()
        self._console = console
        self._held = HeldPorts(folder, console.say)
        own = {name: os.environ[name] for name in _KEPT if name in os.environ}
        common = stack_environment.base(CHECKOUT, own)
        zygote = Zygote(CHECKOUT, common)
        base = self._held.base()
        self._maker = Maker(folder, CHECKOUT, base, self._held.ports, zygote, common)
        self._keepers: dict[str, Keeper] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def start(self) -> None:
        """Start the base, then everything that was made before.

        Raises: StackError when the base cannot start, or a kept port is taken.
        """
        maker = self._maker
        for name, spec in self.specs().items():  # before anything starts, so nothing half runs
            self._held.take(name, spec)
        first = [maker.pubsub()]
        if maker.zygote.forks:
            first.append(maker.zygote_part())
        await asyncio.gather(*map(self._keep, first))
        await self._keep(maker.mail())
        kept = self.specs()
        for servers in (True, False):
            names = [name for name, spec in kept.items() if (spec.kind in _SERVERS) is servers]
            await asyncio.gather(*(self._start_again(name, kept[name]) for name in names))

    def specs(self) -> dict[str, Spec]:
        """Return what each part shall be."""
        files = sorted((self.folder.path / "parts").glob("*.json"))
        return {file.stem: Spec.of(json.loads(file.read_bytes())) for file in files}

    def describe(self) -> dict[str, Any]:
        """Return where everything is, and which parts do not work."""
        base, kept = self._maker.base, self.specs()
        names = {*kept, *self._keepers}
        return {
            "pid": os.getpid(),
            "version": self._version,
            "pubsub": f"{HOST}:{base.pubsub}",
            "pubsub_http": f"http://{HOST}:{base.pubsub_http}",
            "smtp": f"smtp://{HOST}:{base.smtp}",
            "mail": f"http://{HOST}:{base.mail}",
            "parts": {name: self._describe(name, kept.get(name)) for name in sorted(names)},
        }

    def _describe(self, name: str, spec: Spec | None) -> dict[str, Any]:
        keeper = self._keepers.get(name)
        child = keeper.child if keeper else None
        works = keeper is not None and child is not None and not keeper.broken
        return {
            "kind": spec.kind if spec else "base",
            "is_function": spec is not None and spec.is_function,
            "port": spec.port if spec else 0,
            "pid": child.pid if child else 0,
            "works": works,
            "secrets": sorted(spec.secrets.values()) if spec else [],
            "workspace": spec.workspace if spec else "",
        }

    async def put(self, name: str, spec: Spec) -> int:
        """Make a part as `spec` says, or leave it when it is so; return its port once it works.

        Raises: Refused, and the part is as it was before.
        """
        async with self._locks.setdefault(name, asyncio.Lock()):
            before = self.specs().get(name)
            spec = spec.at(spec.port or (before.port if before else 0))
            if before == spec and self._works(name):
                return spec.port
            try:
                spec = self._held.take(name, spec)
                await self._replace(name, spec)
            except (StackError, Unmade, OSError) as error:
                if before is not None:
                    await self._start_again(name, before)
                else:
                    await self._drop(name)
                raise Refused(_what(error)) from error
            self.folder.write(self.folder.part(name), json.dumps(spec.content()))
            return spec.port

    async def remove(self, name: str, of: str = "") -> None:
        """End a part and forget it; one that is not there is none.

        `of` says whose it was: a part that another resource of its name has taken over stays.
        """
        async with self._locks.setdefault(name, asyncio.Lock()):
            spec = self.specs().get(name)
            if spec and of and spec.settings.get("of") != of:
                return
            self.folder.part(name).unlink(missing_ok=True)
            await self._drop(name)

    async def restart(self, name: str) -> None:
        """Start a part anew, so that it reads its secrets again. Raises: Refused."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            if spec := self.specs().get(name):
                try:
                    await self._replace(name, spec)
                except (StackError, Unmade, OSError) as error:
                    raise Refused(_what(error)) from error

    async def run(self, name: str, spec: Spec) -> None:
        """Run a job to its end. Raises: Refused with what it printed last."""
        try:
            module = self._maker.job(name, spec, self._place())
            await run_once(
                f"the job {name}",
                lambda output: self._maker.zygote.run(module, output),
                fix="correct what the last line says, then apply again",
            )
        except (StackError, Unmade, OSError) as error:
            raise Refused(_what(error)) from error

    async def stop(self) -> None:
        """End everything, the servers last."""
        servers = {"pubsub", "zygote", *_SERVERS}
        for names in (
            [name for name in self._keepers if name not in servers],
            [name for name in ("pubsub",) if name in self._keepers],
            [name for name in ("zygote", *_SERVERS) if name in self._keepers],
        ):
            await asyncio.gather(*(self._keepers[name].stop(_STOP_SECONDS) for name in names))
        self._held.close()

    async def _start_again(self, name: str, spec: Spec) -> None:
        """Start a part that was there before; one that does not work is told and left."""
        try:
            await self._replace(name, spec)
        except (StackError, Unmade, OSError) as error:
            self._console.warn(f"{name} does not work: {_what(error)}")

    async def _replace(self, name: str, spec: Spec) -> None:
        """Start the part of `spec`; its predecessor has ended then.

        A function's callers wait meanwhile in its socket's queue: nobody is refused.
        """
        cluster = None
        if spec.kind == "postgres":
            cluster = self._maker.cluster(spec.port)
            await cluster.prepare()
        part = self._maker.postgres(cluster) if cluster else self._part(name, spec)
        if old := self._keepers.pop(name, None):
            await old.stop(_STOP_SECONDS)
        await self._keep(part)
        if cluster:
            database = Database(self.folder, spec.port)
            await asyncio.to_thread(database.close_to_strangers, cluster.place.data)

    def _part(self, name: str, spec: Spec) -> Part:
        match spec.kind:
            case "redis":
                return self._maker.redis(spec)
            case "scheduler":
                return self._maker.scheduler(name, spec)
            case "api":
                return self._maker.api(name, spec)
            case _:
                return self._maker.workload(name, spec, self._place(), self._held.listener(name))

    async def _keep(self, part: Part) -> None:
        """Start a part under a keeper. Raises: StackError when it does not work."""
        keeper = Keeper(part, self._console, lambda: None)
        try:
            await keeper.start()
            if keeper.broken:
                raise StackError(
                    "CT201",
                    f"{part.name} cannot be loaded.",
                    *keeper.last_lines[-3:],
                    fix="mend it",
                )
        except StackError:
            await keeper.stop(_STOP_SECONDS)
            raise
        self._keepers[part.name] = keeper

    async def _drop(self, name: str) -> None:
        if keeper := self._keepers.pop(name, None):
            await keeper.stop(_STOP_SECONDS)
        self._held.let_go(name)

    def _works(self, name: str) -> bool:
        return name in self._keepers and not self._keepers[name].broken

    def _place(self) -> Place:
        postgres = self.specs().get("postgres")
        base = self._maker.base
        return Place(
            f"{HOST}:{base.pubsub}",
            f"http://{HOST}:{base.pubsub_http}",
            postgres.port if postgres else 0,
            self._password_of,
            self.folder.bucket("every").parent,
        )

    def _password_of(self, user: str) -> str | None:
        file = self.folder.password(user)
        return file.read_text() if file.exists() else None


def _what(error: Exception) -> str:
    known = first_stack_error(error)
    if known is None:
        return str(error)
    return "\n".join([known.what, *(fact for fact in known.facts if "untouched" not in fact)])
