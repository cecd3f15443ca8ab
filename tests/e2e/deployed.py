"""A deployment of a copy of the checkout, by the command line that `make deploy-local` calls."""

import json
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

from infra.package import build
from tests.e2e.local_stack import CHECKOUT, COMMAND, eventually

ENVIRONMENT = "dev"
_PARTS = ("infra", "functions", "shared", "protos", "grpc_gateway")
_LIMIT_SECONDS = 240


class Deployed:
    """One deployment in `tmp`; every method that runs a command fails with what it printed."""

    def __init__(self, tmp: Path) -> None:
        self.root = tmp / "checkout"
        self.folder = self.root / ".cloudtasker" / "deploy" / ENVIRONMENT
        for name in _PARTS:
            shutil.copytree(
                CHECKOUT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        (self.root / "requirements").mkdir()
        shutil.copy(CHECKOUT / "requirements" / "runtime.txt", self.root / "requirements")

    def package(self) -> Path:
        """Build the archive of what the copy has now."""
        return build(self.root / "dist", self.root)

    def run(self, command: str, *arguments: object, allowed: int = 0) -> str:
        """Return what a command printed."""
        words = [sys.executable, "-m", "emulators.cloud", command, ENVIRONMENT, "--root", self.root]
        ended = subprocess.run(
            [str(word) for word in (*words, *arguments)],
            cwd=CHECKOUT,
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
        assert ended.returncode == allowed, f"{ended.stdout}\n{ended.stderr}\n{self.log()}"
        return ended.stdout + ended.stderr

    def changes(self, *arguments: object) -> list[str]:
        """Return what a plan would do, one line a resource."""
        said = self.run("plan", *arguments)
        return [] if "Nothing to change" in said else [line.strip() for line in said.splitlines()]

    def key(self) -> str:
        """Make the API's first key, as its owner does."""
        words = [
            COMMAND,
            "keys",
            "create",
            "--name",
            "test",
            "--scope",
            "enqueue",
            "--scope",
            "read",
        ]
        made = subprocess.run(
            [str(word) for word in (*words, "-q")],
            env=self._environ() | {"CLOUDTASKER_STATE": str(self.folder / "state.json")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def api(self, key: str) -> httpx.Client:
        """Return a client of the output `api_url`, with a key."""
        return httpx.Client(
            base_url=self.output("api_url"),
            headers={"X-API-Key": key},
            verify=ssl.create_default_context(cafile=self.folder / "ca.pem"),
            timeout=15,
        )

    def output(self, name: str) -> str:
        """Return one of Terraform's outputs."""
        state = json.loads((self.folder / "terraform.tfstate").read_bytes())
        value: str = state["outputs"][name]["value"]
        return value

    def state(self) -> dict[str, Any]:
        """Return where all parts are."""
        content: dict[str, Any] = json.loads((self.folder / "state.json").read_bytes())
        return content

    def processes(self) -> list[psutil.Process]:
        """Return the processes that belong to it."""
        found = [psutil.Process(self.state()["pids"]["stack"])]
        return found + found[0].children(recursive=True)

    def log(self) -> str:
        """Return the end of what its parts printed."""
        file = self.folder / "deployment.log"
        return file.read_text()[-3000:] if file.exists() else ""

    def _environ(self) -> dict[str, str]:
        return {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CLOUDTASKER_", "PUBSUB_", "TF_"))
        }


def run_task(api: httpx.Client, task_type: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Enqueue a task and return it once it has succeeded."""
    accepted = api.post("/enqueue-task", json={"task_type": task_type, "payload": payload})
    assert accepted.status_code == 202, accepted.text
    address = f"/tasks/{accepted.json()['task_id']}"

    def succeeded() -> dict[str, Any] | None:
        task: dict[str, Any] = api.get(address).json()
        return task if task["state"] == "succeeded" else None

    task: dict[str, Any] = eventually(succeeded, 30, "the task has succeeded")
    return task
