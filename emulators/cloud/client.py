"""The command's side of the supervisor: start one, find the one that runs, tell it what to do."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import httpx

from emulators.cloud.daemon import CONTROL, FAILURE
from emulators.cloud.environment import HOST
from emulators.cloud.errors import DeployError
from emulators.cloud.folder import Folder
from emulators.cloud.specs import Spec
from emulators.cloud.version import CHECKOUT, version
from emulators.stack import environment
from emulators.terraform.provider import CloudError

_START_SECONDS = 60
_STOP_SECONDS = 40
_CALL_SECONDS = 660  # the longest job's own limit, and a little


class Client:
    """Calls one supervisor. What it refuses is a CloudError, so that Terraform shows it."""

    def __init__(self, port: int, token: str) -> None:
        self._http = httpx.Client(
            base_url=f"http://{HOST}:{port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_CALL_SECONDS,
            trust_env=False,
        )

    def describe(self) -> dict[str, Any]:
        """Return what `Supervisor.describe` says."""
        return self._call("GET", "/")

    def put(self, name: str, spec: Spec) -> int:
        """Make a part; return its port."""
        return int(self._call("PUT", f"/parts/{name}", spec.content())["port"])

    def remove(self, name: str, of: str = "") -> None:
        """End a part, when it is still that of the resource `of`."""
        self._call("DELETE", f"/parts/{name}?of={of}")

    def restart(self, name: str) -> None:
        """Start a part anew."""
        self._call("POST", f"/parts/{name}/restart")

    def run(self, name: str, spec: Spec) -> None:
        """Run a job to its end."""
        self._call("POST", f"/jobs/{name}", spec.content())

    def stop(self) -> None:
        """Tell the supervisor to end."""
        self._call("POST", "/stop")

    def _call(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, json=content)
            said: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise CloudError(
                f"the deployment's supervisor does not answer ({type(error).__name__}). Apply "
                "again: it is started, and what was made stays"
            ) from error
        if answer.is_error:
            raise CloudError(said.get("error", f"the supervisor answered {answer.status_code}"))
        return said


def running(folder: Folder) -> Client | None:
    """Return the supervisor that runs on `folder`, None if there is none."""
    control = folder.read(folder.path / CONTROL)
    if control is None:
        return None
    client = Client(control["port"], control["token"])
    try:
        client.describe()
    except CloudError:  # a file that a killed one left
        return None
    return client


def started(folder: Folder) -> Client:
    """Return the supervisor of `folder`, started if need be; one of older code is replaced.

    Raises: DeployError with the reason why it cannot be.
    """
    if client := running(folder):
        if client.describe().get("version") == version():
            return client
        stopped(folder)
    for name in (CONTROL, FAILURE):
        (folder.path / name).unlink(missing_ok=True)
    process = _spawn(folder)
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if (folder.path / CONTROL).exists() and (client := running(folder)):
            return client
        if process.poll() is not None:
            raise DeployError(_failure(folder))
        time.sleep(0.05)
    process.terminate()
    raise DeployError(
        f"the deployment did not start within {_START_SECONDS} s. {folder.log} tells what it did"
    )


def stopped(folder: Folder) -> None:
    """End the supervisor of `folder` and wait until it has; one that does not run is none."""
    client = running(folder)
    if client is None:
        return
    pid = int(client.describe()["pid"])
    client.stop()
    until = time.monotonic() + _STOP_SECONDS
    while _is_alive(pid):
        if time.monotonic() > until:
            raise DeployError(f"the supervisor (pid {pid}) does not end. Fix: kill -9 {pid}")
        time.sleep(0.05)


def _spawn(folder: Folder) -> "subprocess.Popen[bytes]":
    own = environment.base(CHECKOUT, os.environ)
    with open(os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        return subprocess.Popen(  # noqa: S603  ourselves
            [sys.executable, "-m", "emulators.cloud.daemon", str(folder.path)],
            cwd=CHECKOUT,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _failure(folder: Folder) -> str:
    file = folder.path / FAILURE
    said = file.read_text() if file.exists() else f"see {folder.log}"
    return (
        f"the deployment could not start: {said}\n"
        "Its addresses stand in its state, so none of them moves by itself.\n"
        "Fix: stop what is in the way, then apply again; nothing was changed."
    )


def _is_alive(pid: int) -> bool:
    with suppress(ChildProcessError):  # not a child of ours
        os.waitpid(pid, os.WNOHANG)  # one that has ended is a zombie until it is waited for
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
