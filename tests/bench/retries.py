"""`python -m tests.bench.retries`: both ways to bring failed tasks back, one task in five failing.

Pub/Sub slows a whole push subscription when many of its deliveries are nacked. The emulator does
so too, as documented, unless told otherwise; the local stack tells it otherwise, so this measures
on an emulator of its own. Each run: many tasks at once, every fifth fails its first attempt.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.local_stack import CHECKOUT, LocalStack, eventually, local_stack
from tests.support.ports import free_port

COUNT: Final = 200
PATIENCE_SECONDS: Final = 150.0
OVERRIDES: Final = "noop: {{retry: {{by: {by}, min_seconds: 1, max_seconds: 10}}}}"


def main() -> None:
    """Print a line for each way and each behaviour of Pub/Sub, in turn."""
    print(f"{COUNT} tasks, one in five fails once; back-off 1 to 10 s")
    print(f"{'retry.by':10} {'push back-off':14} {'good ones':>12} {'all':>10} {'tasks/s':>8}")
    for by in ("pubsub", "ledger"):
        for backoff in ("documented", "off"):
            good, every, done = measured(by, backoff)
            rate = done / every
            said = f"{every:8.1f} s" if done == COUNT else f"{done} of {COUNT}"
            print(f"{by:10} {backoff:14} {good:10.1f} s {said:>10} {rate:8.1f}", flush=True)


def measured(by: str, backoff: str) -> tuple[float, float, int]:
    """Seconds until all that never fail were done, until all were, and how many then were."""
    with tempfile.TemporaryDirectory(prefix="cloudtasker-retries-", dir="/var/tmp") as name:
        folder = Path(name)
        overrides = folder / "overrides.yaml"
        overrides.write_text(OVERRIDES.format(by=by))
        with emulator(folder, backoff) as environ:
            environ["CLOUDTASKER_TASK_OVERRIDES"] = str(overrides)
            with local_stack(folder, **environ) as stack:
                return storm(stack)


def storm(stack: LocalStack) -> tuple[float, float, int]:
    """See `measured`."""
    warm = stack.enqueue("noop", {})
    stack.wait(warm)
    tasks: list[dict[str, Any]] = [
        {
            "task_type": "noop",
            "payload": {"fail_times": 1} if n % 5 == 0 else {},
            "labels": {"run": "bad" if n % 5 == 0 else "good"},
        }
        for n in range(COUNT)
    ]
    began = time.monotonic()
    stack.enqueue_all(tasks)
    good_at, good, bad = 0.0, 0, 0
    while good + bad < COUNT and time.monotonic() - began < PATIENCE_SECONDS:
        time.sleep(0.1)
        good, bad = stack.count("succeeded", "run:good"), stack.count("succeeded", "run:bad")
        if good == COUNT * 4 // 5 and not good_at:
            good_at = time.monotonic() - began
    took = time.monotonic() - began
    return good_at or took, took, good + bad


@contextmanager
def emulator(folder: Path, backoff: str) -> Iterator[dict[str, str]]:
    """An emulator of our own, and what a stack must be told of it."""
    port, http = free_port(), free_port()
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--http-port": str(http),
        "--data-dir": str(folder / "pubsub"),
        "--push-backoff": backoff,
    }
    words = [word for pair in options.items() for word in pair]
    command = [sys.executable, "-m", "emulators.pubsub", *words]
    with (folder / "pubsub.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(http), 20, "the emulator answers")
        yield {
            "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{port}",
            "CLOUDTASKER_PUSH_ISSUER_KEYS_URL": f"http://127.0.0.1:{http}/oauth2/v3/certs",
        }
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/_emulator/health").is_success
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
