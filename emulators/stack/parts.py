"""The parts of the stack: for each how it is launched and how it is known to work."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from emulators.stack import readiness
from emulators.stack.forks import Module, Zygote
from emulators.stack.keeper import Part
from emulators.stack.launching import Launching
from emulators.stack.layout import Layout
from emulators.stack.ports import HOST, Ports
from emulators.stack.prepare import PUBSUB
from emulators.stack.processes import Child, Program
from emulators.stack.task_types import read_task_types
from emulators.stack.valkey import Valkey

GATEWAY = "gateway"
RELAY = "relay"
MOST_OUTSTANDING = 1000
"""Deliveries of one task type at a time: one process takes them all, 10 KB of the emulator's memory
and 25 KB of its own each. The service would have started more instances long before."""
# Longer than the relay works (63 s), so that two calls overlap rather than leave a gap.
_RELAY_DEADLINE_SECONDS = 75


@dataclass(frozen=True)
class Parts(Launching):
    """Makes the parts of one run. `common` is the environment of the emulators' processes."""

    root: Path
    data_dir: Path
    layout: Layout
    ports: Ports
    zygote: Zygote
    common: Mapping[str, str]
    product: Mapping[str, str]
    # Set once the database has its schema; before, asking a function costs it a failed connection.
    schema: asyncio.Event
    overrides: Path | None = None

    def valkey(self, valkey: Valkey) -> Part:
        return self._program(
            "redis", valkey.program(), readiness.until(valkey.answers()), valkey.port
        )

    def pubsub(self) -> Part:
        layout = self.layout
        options = {
            "host": HOST,
            "port": str(layout.pubsub),
            "http-port": str(layout.pubsub_http),
            "data-dir": str(self.data_dir / PUBSUB),
            "durability": "normal",
            "push-backoff": "off",
            "push-outstanding": str(MOST_OUTSTANDING),
        }
        argv = [word for name, value in options.items() for word in (f"--{name}", value)]
        program = Program([sys.executable, "-m", "emulators.pubsub", *argv], self.common, self.root)
        health = readiness.http(layout.pubsub_http, "/_emulator/health")
        return self._program(
            "pubsub", program, readiness.until(health), layout.pubsub, layout.pubsub_http
        )

    def mail(self) -> Part:
        layout = self.layout
        argv = ["--smtp-port", str(layout.smtp), "--http-port", str(layout.mail)]
        module = Module("emulators.smtp", argv, self.common)
        banner = readiness.until(readiness.talks(layout.smtp, b"", b"220"))
        health = readiness.until(readiness.http(layout.mail, "/health"))

        async def ready(child: Child) -> None:
            await banner(child)
            await health(child)

        return self._module("mail", module, ready, layout.smtp, layout.mail)

    def gateway(self) -> Part:
        own = {**self.product, "PORT": str(self.layout.grpc)}
        ready = readiness.until(readiness.opens(self.layout.grpc))
        return self._module(GATEWAY, Module("grpc_gateway", [], own), ready, self.layout.grpc)

    def function(self, name: str) -> Part:
        """The only process of a function: it takes whatever comes."""
        return self._function(name, lambda: self._module_of(name), self.layout.port_of(name))

    def process(self, name: str, function: str) -> Part:
        """One of several processes of a task type; it takes what one instance may."""

        def module() -> Module:
            whole = self._module_of(function)
            words = [*whole.argv, "--concurrency", str(self._concurrency_of(function))]
            own = self.layout.processes[name]
            return replace(whole, argv=words, own_listener=own, title=name)

        return self._function(name, module, self.layout.processes[name].getsockname()[1])

    def _function(self, name: str, module: Callable[[], Module], port: int) -> Part:
        answers = readiness.until(readiness.http(port, "/ready"))

        async def ready(child: Child) -> None:
            await self.schema.wait()
            await answers(child)

        async def launch(output: int) -> Child:
            return await self.zygote.run(module(), output)

        async def explain() -> str:
            return await readiness.answer_of(port, "/ready")

        return Part(name, launch, ready, overlaps=True, explain=explain)

    def _module_of(self, name: str) -> Module:
        url, port = self.layout.url_of(name), self.layout.port_of(name)
        own = {**self.product, "PORT": str(port), "CLOUDTASKER_PUSH_AUDIENCE": url}
        argv = ["--target", name, "--source", str(self.root / "functions" / name / "main.py")]
        listener = self.layout.listeners[name]
        return Module("emulators.stack.function_process", argv, own, listener, title=name)

    def _concurrency_of(self, name: str) -> int:
        """Read at each start: the file may have been edited."""
        types = read_task_types(self.root, self.overrides)
        return next(one.concurrency for one in types if one.name == name)

    def scheduler(self, pubsub_http: str) -> Part:
        """Calls the relay; without an emulator that signs tokens it calls without one."""
        config = self.data_dir / "scheduler.json"
        config.write_text(json.dumps(self._schedule(pubsub_http), indent=2))
        module = Module("emulators.scheduler", ["--config", str(config)], self.common)

        async def ready(_child: Child) -> None:
            """It serves nobody: it works from its start."""

        return self._module("scheduler", module, ready)

    def _schedule(self, pubsub_http: str) -> dict[str, object]:
        url = self.layout.url_of(RELAY)
        account = self.product.get("CLOUDTASKER_PUSH_SERVICE_ACCOUNT", "")
        oidc = {"service_account_email": account, "audience": url} if pubsub_http else None
        job = {
            "name": "relay",
            "schedule": "* * * * *",
            "uri": f"{url}/",
            "method": "POST",
            "oidc": oidc,
            "attempt_deadline_seconds": _RELAY_DEADLINE_SECONDS,
            # A relay that restarts is called again at once, not only at the next minute.
            "retry": {"count": 5, "min_backoff_seconds": 1, "max_backoff_seconds": 10},
        }
        return {"token_endpoint": pubsub_http, "jobs": [job]}
