"""Talks to the daemon of a deployment, and starts one when none runs."""

import http.client
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import emulators
from emulators.cloud.errors import DeployError
from emulators.cloud.folder import Folder
from emulators.cloud.spec import Running, Spec
from emulators.stack.ports import HOST

HOME = Path(emulators.__file__).resolve().parent.parent
_START_SECONDS = 120
_STOP_SECONDS = 60
_ANSWER_SECONDS = 180


class DidNotStart(DeployError):
    """A part that the daemon could not start; the text has what it printed last."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon."""

    port: int
    token: str
    pid: int

    def parts(self) -> dict[str, Running]:
        """Return all parts by name."""
        found = [Running.of(value) for value in self._call("GET", "/parts")]
        return {running.spec.name: running for running in found}

    def part(self, name: str) -> Running | None:
        """Return one part, None if there is none."""
        value = self._call("GET", f"/parts/{name}")
        return Running.of(value) if value else None

    def put(self, spec: Spec) -> Running:
        """Start a part, or start it anew if it differs. Raises: DidNotStart."""
        return Running.of(self._call("PUT", f"/parts/{spec.name}", spec.as_json()))

    def delete(self, name: str) -> None:
        """Stop a part for good."""
        self._call("DELETE", f"/parts/{name}")

    def stop(self) -> None:
        """End the daemon and all of its parts; return once they are gone."""
        self._call("POST", "/stop")
        try:
            psutil.Process(self.pid).wait(_STOP_SECONDS)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired as error:
            raise DeployError(f"the daemon (pid {self.pid}) does not end; kill {self.pid}") from error

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_ANSWER_SECONDS)
        try:
            headers = {"X-Token": self.token, "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            value = json.loads(answer.read() or "null")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DeployError(
                f"the daemon of this deployment (pid {self.pid}) does not answer: {error}. "
                "Apply again: it is started anew."
            ) from error
        finally:
            connection.close()
        if answer.status == 409:
            raise DidNotStart("\n".join([value["what"], *value["facts"]]))
        return value


def running(folder: Folder) -> Daemon | None:
    """Return the daemon of a deployment, None if none runs."""
    try:
        daemon = Daemon(**json.loads(folder.daemon.read_text()))
        daemon.parts()
    except (FileNotFoundError, DeployError):
        return None
    return daemon


def started(folder: Folder) -> Daemon:
    """Return the daemon of a deployment, started now if none runs; its parts work.

    Raises: DeployError when it cannot start.
    """
    if found := running(folder):
        return found
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.daemon.unlink(missing_ok=True)
    with folder.complaint.open("w") as complaint:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "emulators.cloud.daemon", str(folder.path)],
            cwd=HOME,
            stdin=subprocess.DEVNULL,
            stdout=complaint,
            stderr=complaint,
            start_new_session=True,
        )
    return _ready(folder, process)


def _ready(folder: Folder, process: "subprocess.Popen[bytes]") -> Daemon:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            said = folder.complaint.read_text().strip()[-2000:]
            raise DeployError(f"The daemon of this deployment could not start.\n{said}")
        if folder.daemon.exists() and (found := running(folder)):
            return found
        time.sleep(0.05)
    process.terminate()
    raise DeployError(
        f"The daemon was not ready within {_START_SECONDS} s. {folder.log} has what its parts said."
    )
