"""Starts and stops Pub/Sub emulators as processes: ours, and Google's where gcloud has it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

ROOT = Path(__file__).parents[3]


@dataclass
class Running:
    """A running emulator: where it listens, and its process."""

    grpc: str
    http: str
    process: subprocess.Popen
    rest: str = ""  # host and port

    def kill(self):
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(60)

    def terminate(self):
        """Ask it to stop; return its exit status and how long it took."""
        started = time.monotonic()
        self.process.terminate()
        status = self.process.wait(60)
        return status, time.monotonic() - started


def command(*arguments):
    """Return the command line of our emulator, on free ports unless `arguments` say otherwise."""
    ports = ("--port", free_port(), "--http-port", free_port())
    return [sys.executable, "-m", "emulators.pubsub", *map(str, (*ports, *arguments))]


@contextmanager
def ours(data_dir, *arguments, durability="normal"):
    """Run our emulator; yield it once it has said where it listens."""
    process = subprocess.Popen(
        command("--data-dir", data_dir, "--durability", durability, *arguments),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    try:
        ready = json.loads(process.stdout.readline())
        rest = ready["http"].removeprefix("http://")
        yield Running(ready["grpc"], ready["http"], process, rest)
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


def googles_is_there():
    """Return None if Google's emulator can run, else why it cannot."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return "gcloud is not installed"
    folder = Path(gcloud).resolve().parents[1] / "platform" / "pubsub-emulator"
    if not folder.is_dir():
        return "the gcloud component pubsub-emulator is not installed"
    return None if shutil.which("java") else "java is not installed"


@contextmanager
def googles(data_dir):
    """Run Google's emulator; yield it once it accepts connections."""
    port = free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [
            *("gcloud", "beta", "emulators", "pubsub", "start", "--quiet"),
            *(f"--host-port=127.0.0.1:{port}", f"--data-dir={data_dir}"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_port(port, process)
        address = f"127.0.0.1:{port}"
        yield Running(address, "", process, address)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def wait_for_port(port, process, limit_seconds=40):
    """Return once something listens on `port`."""
    for _ in range(limit_seconds * 20):
        if process.poll() is not None:
            raise RuntimeError(f"ended with status {process.returncode}")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")
