"""Makes the supervised part of a spec: how it is launched, and how it is known to work."""

import asyncio
import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from emulators.cloud import certificates, grants
from emulators.cloud.environment import HOST, Place, Unmade, local
from emulators.cloud.folder import Folder
from emulators.cloud.specs import Spec
from emulators.stack import postgres as stack_postgres
from emulators.stack import readiness
from emulators.stack import valkey as stack_valkey
from emulators.stack.forks import Module, Zygote
from emulators.stack.keeper import Part
from emulators.stack.launching import Launching
from emulators.stack.parts import MOST_OUTSTANDING
from emulators.stack.placement import place
from emulators.stack.ports import Ports
from emulators.stack.postgres import Postgres
from emulators.stack.processes import Child, Program
from emulators.stack.valkey import Valkey

_SCHEDULER_SECONDS = 0.5
WORKSPACE_PROCESS = "emulators.cloud.workspace_process"


@dataclass(frozen=True)
class Base:
    """The ports of what a deployment has before Terraform makes anything of it."""

    pubsub: int
    pubsub_http: int
    smtp: int
    mail: int


@dataclass(frozen=True)
class Maker(Launching):
    """Makes parts. `common` is the environment of our own processes, run in `checkout`."""

    folder: Folder
    checkout: Path
    base: Base
    ports: Ports
    zygote: Zygote
    common: Mapping[str, str]

    def pubsub(self) -> Part:
        """Grants are enforced: what the configuration forgets fails here as in the cloud."""
        options = {
            "host": HOST, "port": self.base.pubsub, "http-port": self.base.pubsub_http,
            "data-dir": self.folder.path / "pubsub", "durability": "normal",
            "push-backoff": "off", "push-outstanding": MOST_OUTSTANDING, "iam": "enforce",
        }  # fmt: skip
        argv = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        program = Program(
            [sys.executable, "-m", "emulators.pubsub", *argv], self.common, self.checkout
        )
        health = readiness.http(self.base.pubsub_http, "/_emulator/health")
        held = (self.base.pubsub, self.base.pubsub_http)
        return self._program("pubsub", program, readiness.until(health), *held)

    def mail(self) -> Part:
        argv = ["--smtp-port", str(self.base.smtp), "--http-port", str(self.base.mail)]
        module = Module("emulators.smtp", argv, self.common)
        ready = readiness.until(readiness.http(self.base.mail, "/health"))
        return self._module("mail", module, ready, self.base.smtp, self.base.mail)

    def cluster(self, port: int) -> Postgres:
        """The database server, to be prepared before its part starts."""
        placement = place(stack_postgres.find_binaries(self.common), self.folder.postgres)
        return Postgres(placement, port, lambda _: None)

    def redis(self, spec: Spec) -> Part:
        """The cache; its password goes by a file, for a command line is everybody's to read."""
        binary = stack_valkey.find_binary(self.common)
        program = Valkey(binary, self.folder.path / "valkey", spec.port).program()
        config = self.folder.path / "valkey.conf"
        password = self.folder.password("redis").read_text()
        self.folder.write(config, f"requirepass {password}\nmaxmemory-policy allkeys-lru\n")
        argv = [program.argv[0], str(config), *program.argv[1:]]
        asks = readiness.talks(
            spec.port, f"AUTH {password}\r\nPING\r\n".encode(), b"+OK\r\n+PONG\r\n"
        )
        return self._program("redis", replace(program, argv=argv), readiness.until(asks), spec.port)

    def workload(self, name: str, spec: Spec, here: Place, listener: socket.socket | None) -> Part:
        """A function, or a service with a port of its own.

        Raises: Unmade when its environment names what is not there, or may not be read.
        """
        environment = self.environment(name, spec, here)
        module = self._workspace_module(name, spec, environment, listener)
        probe = readiness.http(spec.port, "/ready") if listener else readiness.opens(spec.port)

        async def launch(output: int) -> Child:
            self.ports.release(spec.port)
            return await self.zygote.run(module, output)

        async def explain() -> str:
            return await readiness.answer_of(spec.port, "/ready")

        part = Part(name, launch, readiness.until(probe))
        return replace(part, overlaps=True, explain=explain) if listener else part

    def job(self, name: str, spec: Spec, here: Place) -> Module:
        """A workload that runs to its end."""
        return self._workspace_module(name, spec, self.environment(name, spec, here), None)

    def environment(self, name: str, spec: Spec, here: Place) -> dict[str, str]:
        """The whole environment of a workload, its secrets read."""
        values = {}
        for variable, secret in spec.secrets.items():
            if not grants.may_read(self.folder, secret, spec.account):
                raise Unmade(
                    f"{name} runs as {spec.account}, which has not {grants.SECRET_ACCESSOR} on "
                    f"the secret {secret!r}"
                )
            value = self.folder.latest_secret(secret)
            if value is None:
                raise Unmade(f"the secret {secret!r} of {name} has no version")
            values[variable] = value
        own = local(spec.environment | values, here)
        basic = {key: self.common[key] for key in ("PATH", "HOME", "TMPDIR") if key in self.common}
        return basic | own | {"PORT": str(spec.port)}

    def _workspace_module(
        self,
        name: str,
        spec: Spec,
        environment: dict[str, str],
        listener: socket.socket | None,
    ) -> Module:
        workspace = self.folder.workspace(spec.workspace)
        issuer = f"http://{HOST}:{self.base.pubsub_http}"
        argv = [str(self.folder.path), str(workspace), name, issuer, spec.module, *spec.arguments]
        if not workspace.exists():
            raise Unmade(f"{name} has nothing to run from: {workspace} is gone. Apply again")
        own = environment | ({} if self.zygote.forks else {"PYTHONPATH": str(self.checkout)})
        return Module(WORKSPACE_PROCESS, argv, own, listener, title=name)

    def scheduler(self, name: str, spec: Spec) -> Part:
        config = self.folder.path / f"{name}.json"
        self.folder.write(config, json.dumps(spec.settings))
        module = Module("emulators.scheduler", ["--config", str(config)], self.common)

        async def ready(child: Child) -> None:
            """It serves nobody; an unusable configuration ends it at once."""
            ended = asyncio.ensure_future(child.wait())
            await asyncio.wait({ended}, timeout=_SCHEDULER_SECONDS)
            if ended.done():  # then this is for the keeper to tell
                await asyncio.Event().wait()

        return self._module(name, module, ready)

    def api(self, name: str, spec: Spec) -> Part:
        config = self.folder.path / f"{name}.json"
        certificate = certificates.make(self.folder)
        place_ = {"host": HOST, "port": spec.port, "certificate": str(certificate)}
        self.folder.write(config, json.dumps(spec.settings | place_))
        module = Module("emulators.cloud.api_gateway", ["--config", str(config)], self.common)
        return self._module(name, module, readiness.until(readiness.opens(spec.port)), spec.port)
