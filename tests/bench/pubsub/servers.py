"""The emulators as processes of their own: ours in each durability, and Google's without gcloud."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import psutil

from emulators.pubsub import protos
from tests.bench.pubsub.goals import GOOGLES
from tests.bench.pubsub.raw import Raw
from tests.support.ports import free_port

ROOT = Path(__file__).parents[3]
START_LIMIT = 60.0


@dataclass
class Server:
    """An emulator that can be started, killed and started again, on the same folder and port."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def said(self) -> Path:
        """The file with what it wrote to standard error."""
        return self.folder / "stderr.txt"

    def start(self) -> float:
        """Start it; return the seconds until its first answer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                self._command(),
                cwd=ROOT if self.name != GOOGLES else self.folder,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        asyncio.run(first_answer(self))
        return time.monotonic() - began

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def memory(self) -> float:
        """Return its resident memory in MB."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def cpu_seconds(self) -> float:
        """Return the processor time it has used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    def _command(self) -> list[str]:
        if self.name == GOOGLES:
            return ["java", "-jar", str(googles_jar()), "--host=127.0.0.1", f"--port={self.port}"]
        ports = ("--port", str(self.port), "--http-port", "0")
        kept = ("--data-dir", str(self.folder), "--durability", self.name)
        return [sys.executable, "-m", "emulators.pubsub", *ports, *kept]


def googles_jar() -> Path | None:
    """Return Google's emulator, None where it or java is missing."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or not shutil.which("java"):
        return None
    folder = Path(gcloud).resolve().parents[1] / "platform" / "pubsub-emulator" / "lib"
    return next(iter(sorted(folder.glob("cloud-pubsub-emulator-*.jar"))), None)


async def first_answer(server: Server) -> None:
    """Return once it answers ListTopics. Raises: RuntimeError, TimeoutError."""
    request = protos.ListTopicsRequest(project="projects/bench")
    async with asyncio.timeout(START_LIMIT):
        while not accepts(server.port):
            if server.process.poll() is not None:
                raise RuntimeError(f"{server.name} ended: {server.said.read_text()[-500:]}")
            await asyncio.sleep(0.005)
        while True:
            async with Raw(server.address) as raw:
                try:
                    await raw.call("Publisher/ListTopics", request, protos.ListTopicsResponse)
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.005)
                else:
                    return


def accepts(port: int) -> bool:
    """Say whether something listens."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def run_load(name: str, *arguments: object) -> dict[str, float]:
    """Run a load in a process of its own; return what it measured."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.pubsub.loads", name, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"load {name} failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
