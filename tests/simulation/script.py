"""What a handler will do, run by run: the payload of a simulated task."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from shared.domain.payload import Payload
from shared.domain.task_type import Limits, TaskType

ENDINGS: Final = ("ok", "fail", "crash", "reject", "later", "snooze")
WEIGHTS: Final = (55, 28, 5, 3, 5, 4)
MOST_RUNS: Final = 40
"""After so many runs a script always ends well: nothing snoozes for ever."""


class Script(Payload):
    """One task's acts: `endings` and `seconds`, one each a run; the last counts for all later."""

    name: str
    once: bool = False
    endings: list[str]
    seconds: list[float]


@dataclass(frozen=True, slots=True)
class Act:
    """How one run goes."""

    ending: str
    seconds: float


def act_of(script: Script, run: int) -> Act:
    """What the run of this number (from 1) does."""
    n = min(run, len(script.endings)) - 1
    ending = "ok" if run > MOST_RUNS and script.endings[n] == "snooze" else script.endings[n]
    return Act(ending, script.seconds[n])


def written(random: Random, name: str) -> dict[str, Any]:
    """A script by chance: mostly short and good, sometimes for ever fatal to its process."""
    common = {"name": name, "once": random.random() < 0.3}
    if random.random() < 0.2:
        return {**common, "endings": [random.choice(("fail", "crash"))], "seconds": [0.1]}
    acts = random.randint(1, 6)
    endings = random.choices(ENDINGS, WEIGHTS, k=acts)
    seconds = [random.choice((0.0, 0.05, 1.0, 8.0, 25.0, 45.0, 90.0)) for _ in endings]
    return {**common, "endings": [*endings, "ok"], "seconds": [*seconds, 0.1]}


def catalogue() -> dict[str, TaskType]:
    """One type retried by Pub/Sub, often within a lease, and one by the ledger, after it."""
    common = {"time_limit_seconds": 60, "ack_deadline_seconds": 90}
    by_broker = {**common, "retry": {"by": "pubsub", "min_seconds": 2, "max_seconds": 60}}
    by_ledger = {**common, "retry": {"by": "ledger", "min_seconds": 40, "max_seconds": 60}}
    return {
        "brokered": TaskType("brokered", Limits.model_validate(by_broker), Script),
        "ledgered": TaskType("ledgered", Limits.model_validate(by_ledger), Script),
    }
