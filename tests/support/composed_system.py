"""The system of `emulators/docker/compose.yaml`, up, and how a test reaches it."""

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import yaml

from tests.support.container_engine import COMPOSE, ROOT, Engine

FOLDER = ROOT / "emulators" / "docker"
REST = "http://127.0.0.1:5000"
_POD = "pod"


def one_namespace(services: list[str]) -> str:
    """A compose file that puts every service into one network namespace that has only `lo`.

    For engines without networks: names resolve to loopback, and nothing leaves.
    """
    hosts = "".join(f'\n      - "{name}:127.0.0.1"' for name in services)
    pod = (
        f"services:\n  {_POD}:\n    image: valkey/valkey:8\n    network_mode: none\n"
        "    init: true\n    command: [sleep, infinity]\n    stop_grace_period: 1s\n"
        f"    extra_hosts:{hosts}\n"
    )
    return pod + "".join(
        f'  {name}:\n    network_mode: "service:{_POD}"\n    networks: !reset null\n'
        "    ports: !reset []\n    pull_policy: never\n"
        for name in services
    )


class ComposedSystem:
    """One project of the compose file; `up` starts it, `down` leaves nothing."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.project = f"cloudtasker-{uuid.uuid4().hex[:8]}"
        self._environ = {
            "COMPOSE": str(COMPOSE),
            "COMPOSE_PROJECT_NAME": self.project,
            "POSTGRES_PASSWORD": uuid.uuid4().hex,
            "BUILD_OPTIONS": "--network host",
        }
        if engine.isolated:
            content = yaml.safe_load((FOLDER / "compose.yaml").read_text())
            more = folder / "one_namespace.yaml"
            more.write_text(one_namespace(list(content["services"])))
            self._environ["COMPOSE_MORE"] = str(more)
        self._inside: tuple[str, ...] = ()
        self.key = ""

    def up(self) -> float:
        """What `make up` does; the seconds that it took."""
        began = time.monotonic()
        try:
            self.engine.run("sh", str(FOLDER / "up.sh"), more=self._environ)
        except AssertionError:
            print(self.compose("ps", "-a", check=False), self.compose("logs", check=False)[-9000:])
            raise
        if self.engine.isolated:
            pid = self.inspect(_POD)["State"]["Pid"]
            self._inside = ("nsenter", "-t", str(pid), "-n")
        self.key = self.compose(
            *("exec", "-T", "enqueue", "cloudtasker", "keys", "create", "--name", "test", "-q"),
            *(word for scope in ("enqueue", "read", "manage") for word in ("--scope", scope)),
        ).strip()
        return time.monotonic() - began

    def down(self) -> None:
        """What `make down` does."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "3")

    def compose(self, *words: str, check: bool = True) -> str:
        """What `docker compose` prints for this project."""
        script = ("sh", str(FOLDER / "compose.sh"))
        return self.engine.run(*script, *words, check=check, more=self._environ).stdout

    def services(self) -> list[str]:
        """Of the compose file itself, without what the test added."""
        return [name for name in self.compose("config", "--services").split() if name != _POD]

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        container = self.compose("ps", "-aq", service).strip()
        return dict(json.loads(self.engine.docker("inspect", container))[0])

    def left_over(self) -> dict[str, str]:
        """What the engine still has of this project."""
        label = f"label=com.docker.compose.project={self.project}"
        return {
            "containers": self.engine.docker("ps", "-aq", "--filter", label),
            "volumes": self.engine.docker("volume", "ls", "-q", "--filter", label),
            "networks": self.engine.docker("network", "ls", "-q", "--filter", label),
        }

    def curl(self, path: str, body: Any = None, *, key: bool = True) -> tuple[int, Any]:
        """Status and JSON of a request that curl sends, as a person at this machine would."""
        words = ["curl", "-s", "-w", "\n%{http_code}", f"{REST}{path}"]
        if key:
            words += ["-H", f"Authorization: Bearer {self.key}"]
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        text, _, status = self.engine.run(*self._inside, *words).stdout.rpartition("\n")
        return int(status), json.loads(text)

    def inbox(self) -> list[dict[str, Any]]:
        """The e-mails that the sink took."""
        done = self.engine.run(*self._inside, "curl", "-s", "http://127.0.0.1:8025/messages")
        return list(json.loads(done.stdout))

    def python(self, code: str, *arguments: str) -> str:
        """What Python prints that runs where the system's ports are."""
        return self.engine.run(*self._inside, sys.executable, "-c", code, *arguments).stdout
