"""A container engine for tests: the one that runs, or one that a script can start here."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(
    os.environ.get("CONTAINER_ENGINE", ROOT.parent / "shared" / "containers" / "engine.sh")
)
# Of the same environment as the tests: the wheel brings Compose itself.
COMPOSE = Path(sys.executable).with_name("docker-compose")
START_LIMIT_SECONDS = 300
# The script's stand-in has Redis' names; our compose file uses Valkey's.
_VALKEY = """FROM redis:7
USER root
RUN ln -s redis-server /usr/bin/valkey-server && ln -s redis-cli /usr/bin/valkey-cli
"""


class NoEngine(Exception):
    """No engine can be used here; the text says why."""


@dataclass(frozen=True)
class Engine:
    """How to reach an engine. `isolated`: it has no networks but loopback, and no registry."""

    environ: Mapping[str, str]
    isolated: bool

    def run(
        self,
        *command: str,
        check: bool = True,
        text: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that may call docker; what it printed is shown when it fails."""
        done = subprocess.run(
            command,
            env={**self.environ, **(more or {})},
            cwd=ROOT,
            input=text,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)}:\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
            )
        return done

    def docker(self, *words: str, check: bool = True, text: str | None = None) -> str:
        """What `docker` prints."""
        return self.run("docker", *words, check=check, text=text).stdout


@contextmanager
def container_engine() -> Iterator[Engine]:
    """An engine for the time of the block.

    Raises: NoEngine, with the reason.
    """
    if _answers(os.environ):
        yield Engine(os.environ, isolated=True)
        return
    if not SCRIPT.is_file():
        raise NoEngine(f"no container engine runs, and there is no {SCRIPT} to start one")
    if os.geteuid() != 0:
        raise NoEngine(f"no container engine runs, and {SCRIPT} needs root to start one")
    with tempfile.TemporaryDirectory(prefix="ct-", dir="/var/tmp") as work:
        environ = {
            **os.environ,
            "CT_WORK": work,
            "DOCKER_HOST": f"unix://{work}/docker.sock",
            "DOCKER_CONFIG": f"{work}/cfg",
            "PATH": f"/usr/bin:{os.environ['PATH']}",
        }
        try:
            yield _started(Engine(environ, isolated=True))
        finally:
            _script(environ, "down")
            Path(work).mkdir(exist_ok=True)  # the script took it away


def _started(engine: Engine) -> Engine:
    for step in ("up", "images"):
        done = _script(engine.environ, step)
        if done.returncode:
            raise NoEngine(f"{SCRIPT.name} {step} failed: {done.stderr[-1000:]}")
    engine.run(
        "docker", "build", "-q", "--network", "host", "-t", "valkey/valkey:8", "-", text=_VALKEY
    )
    return engine


def _script(environ: Mapping[str, str], step: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), step],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_LIMIT_SECONDS,
    )


def _answers(environ: Mapping[str, str]) -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, env=environ).returncode == 0
