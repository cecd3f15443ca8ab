"""The real `cloudtasker dev` as a process, on free ports and in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.ports import free_port

COMMAND = Path(sys.executable).with_name("cloudtasker")
CHECKOUT = Path(__file__).resolve().parents[2]
START_LIMIT_SECONDS = 100
WEBHOOKS = free_port()
"""The port of this machine that webhooks of the shared stack may go to."""


def eventually(check: Callable[[], Any], limit: float, what: str) -> Any:
    """The first truthy answer of `check` within `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        if answer := check():
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what}")
        time.sleep(0.05)


class LocalStack:
    """One run of the stack; `state` is the content of its state file."""

    def __init__(
        self,
        folder: Path,
        *args: str,
        root: Path = CHECKOUT,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = folder / "state"
        self.log_file = folder / "stack.log"
        self.root = root
        ports = [f"--{name}-port={free_port()}" for name in ("rest", "grpc", "pubsub", "mail")]
        self._command = [COMMAND, "dev", "--json", "--data-dir", self.data_dir, *ports, *args]
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.state: dict[str, Any] = {}

    def start(self) -> float:
        """Start and wait until everything is ready; the seconds that it took."""
        began = time.monotonic()
        keep = {
            k: v for k, v in os.environ.items() if not k.startswith(("CLOUDTASKER_", "PUBSUB_"))
        }
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in self._command],
                cwd=self.root,
                env={**keep, **self._environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await_ready(self._process, time.time())
        return time.monotonic() - began

    def _await_ready(self, process: "subprocess.Popen[bytes]", began: float) -> None:
        def ready() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"the stack ended:\n{self.log_file.read_text()[-4000:]}")
            state = self.data_dir / "state.json"
            return state.exists() and state.stat().st_mtime > began

        try:
            eventually(ready, START_LIMIT_SECONDS, "the stack is ready")
        except AssertionError:
            print(self.log_file.read_text()[-8000:])
            raise
        self.reread()

    def reread(self) -> None:
        """Read the state file again: pids change when a part is restarted."""
        self.state = json.loads((self.data_dir / "state.json").read_text())

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        assert self._process
        return self._process.pid

    def pid_of(self, part: str) -> int:
        """Of a part, as it is now."""
        self.reread()
        return int(self.state["pids"][part])

    def stop(self, how: signal.Signals = signal.SIGINT) -> float:
        """End it; the seconds until it had ended."""
        if self._process is None:
            return 0.0
        began = time.monotonic()
        self._process.send_signal(how)
        self._process.wait(60)
        self._process = None
        return time.monotonic() - began

    def enqueue(self, task_type: str, payload: dict[str, Any], **more: Any) -> str:
        """The id of a task that was accepted."""
        body = {"task_type": task_type, "payload": payload, **more}
        answer = httpx.post(f"{self.state['rest']}/enqueue-task", json=body, timeout=30)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def enqueue_all(self, tasks: list[dict[str, Any]]) -> list[str]:
        """The ids of a batch that was accepted whole."""
        url = f"{self.state['rest']}/enqueue-tasks"
        answer = httpx.post(url, json={"tasks": tasks}, timeout=60)
        assert answer.status_code == 202, answer.text
        return [result["task_id"] for result in answer.json()["results"]]

    def task(self, task_id: str) -> dict[str, Any]:
        """The task as the API shows it."""
        answer = httpx.get(f"{self.state['rest']}/tasks/{task_id}", timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait(self, task_id: str, state: str = "succeeded", limit: float = 60) -> dict[str, Any]:
        """The task once it is in `state`."""
        seen: dict[str, Any] = {}

        def there() -> bool:
            seen.update(self.task(task_id))
            return bool(seen["state"] == state)

        try:
            eventually(there, limit, f"task {task_id} is {state}")
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {seen}") from None
        return seen

    def count(self, state: str, label: str) -> int:
        """How many tasks of a label are in a state."""
        found, token = 0, ""
        while True:
            query = {"state": state, "label": label, "page_size": "500"}
            if token:
                query["page_token"] = token
            page = httpx.get(f"{self.state['rest']}/tasks", params=query, timeout=60).json()
            found += len(page["tasks"])
            token = page["next_page_token"]
            if not token:
                return found

    def logs(self, **fields: Any) -> list[dict[str, Any]]:
        """The log lines of all parts that have these fields."""
        lines = []
        for text in self.log_file.read_text().splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and fields.items() <= line.items():
                lines.append(line)
        return lines

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What the command line says to this stack."""
        return subprocess.run(
            [COMMAND, *words],
            cwd=self.root,
            env={**os.environ, "CLOUDTASKER_STATE": str(self.data_dir / "state.json")},
            capture_output=True,
            text=True,
            timeout=60,
        )


@contextmanager
def local_stack(folder: Path, *args: str, **environ: str) -> Iterator[LocalStack]:
    """A running stack, stopped afterwards; its log is printed when the test fails."""
    stack = LocalStack(folder, *args, environ=environ)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
