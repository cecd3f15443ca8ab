"""P16: a second process of a function, and a thousand tasks asleep in one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.bench.queue.ours import Ours
from tests.e2e.local_stack import LocalStack

CONCURRENCY: Final = 2
NOTE: Final = (
    f"one and two processes: each takes {CONCURRENCY} tasks at once (`concurrency`), as one"
    " instance of the cloud would. At the default of 80 the two cores that everything shares are"
    " the limit, not the process, and a second one could show nothing"
)
ASLEEP: Final = 1000
SLEEP: Final = {"task_type": "noop", "payload": {"sleep_seconds": 0.005}}
CPU: Final = {"task_type": "noop", "payload": {"cpu_seconds": 0.001}}
_LONG_SECONDS: Final = 5


@contextmanager
def scaled(folder: Path, processes: int) -> Iterator[Ours]:
    """A stack of its own whose noop has so many processes."""
    home = folder / f"processes-{processes}"
    home.mkdir()
    overrides = home / "overrides.yaml"
    overrides.write_text(f"noop: {{concurrency: {CONCURRENCY}}}\n")
    environ = {"CLOUDTASKER_TASK_OVERRIDES": str(overrides)}
    stack = LocalStack(home, f"--scale=noop={processes}", environ=environ)
    try:
        stack.start()
        ours = Ours(stack)
        yield ours
        ours.close()
    finally:
        stack.stop()


def asleep_at_once(ours: Ours) -> int:
    """How many of 1,000 tasks that sleep 5 s slept at the same moment in the function's process."""
    label = f"asleep-{time.time_ns()}"
    task: dict[str, Any] = {
        "task_type": "noop",
        "payload": {"sleep_seconds": _LONG_SECONDS},
        "labels": {"run": label},
    }
    with ours.held():
        ours.fill(ASLEEP, task)
    ours.all_done()
    rows = ours.database.run(
        "SELECT extract(epoch FROM started_at)::float8, extract(epoch FROM finished_at)::float8"
        " FROM tasks WHERE labels @> CAST(:label AS jsonb)",
        label=json.dumps({"run": label}),
    )
    return most_at_once([(float(began), float(ended)) for began, ended in rows])


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """The largest number of spans that share a moment; one that ends as another begins does not."""
    changes = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
