"""What every peer's program does in the same way. Standard library alone: each venv has it."""

import json
import os
import sys
import time
from collections.abc import Callable

PAYLOAD = {"to": "ana@example.com", "subject": "Welcome", "body": "x" * 120}
"""About 180 bytes, for every queue alike."""
PORT = int(os.environ.get("BENCH_PORT", "0"))
REDIS = f"redis://127.0.0.1:{PORT}"


def started(sent_at: float) -> None:
    """In a handler: write down how long ago the producer sent it; 0 is not to be written."""
    if sent_at:
        with open(os.environ["BENCH_STARTS"], "a") as starts:
            starts.write(f"{time.time() - sent_at}\n")


def produce(send: Callable[[float], object]) -> None:
    """The program: `send(0.0)` hands in one task; with a moment, its handler notes the delay."""
    what, count = sys.argv[1], int(sys.argv[2])
    if what == "enqueue":
        began = time.perf_counter()
        for _ in range(count):
            send(0.0)
        print(json.dumps(time.perf_counter() - began))
        return
    for _ in range(count):
        time.sleep(0.015)
        send(time.time())
