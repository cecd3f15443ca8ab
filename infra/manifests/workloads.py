"""What runs: every task type with its limits, and the functions that are no task type."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.adapters.catalogue import load_catalogue
from shared.domain.task_type import TaskType

CAP: Final = 40
"""Instances of one type at the most: the database takes so many connections and no more."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One function. `audience` is what Google's callers must say; the API is called by others."""

    name: str
    is_task_type: bool
    caller: str
    cpu: float = 1
    memory_mb: int = 512
    concurrency: int = 80
    least: int = 1
    most: int = 2
    seconds: int = 120

    @property
    def cloud_name(self) -> str:
        """As it is called in clusters and host names."""
        return self.name.replace("_", "-")

    @property
    def values(self) -> Mapping[str, str]:
        """What the templates ask for."""
        return {
            "name": self.name,
            "cloud_name": self.cloud_name,
            "caller": self.caller,
            "part": "task-type" if self.is_task_type else "system",
            "cpu": f"{round(self.cpu * 1000)}m",
            "cpu_request": f"{round(self.cpu * 250)}m",
            "memory": f"{self.memory_mb}Mi",
            "concurrency": str(self.concurrency),
            "least": str(self.least),
            # Knative can end the last instance of what need not be warm.
            "knative_least": str(self.least - 1),
            "most": str(self.most),
            "seconds": str(self.seconds),
            # A function ends within 10 s; the rest is for connections to move away.
            "grace_seconds": "30",
        }


SYSTEM: Final = (
    Workload("enqueue", is_task_type=False, caller="api-gateway", least=2, most=30, seconds=60),
    Workload("relay", is_task_type=False, caller="scheduler"),
    Workload("dead_letter", is_task_type=False, caller="push"),
)


def workloads(root: Path) -> list[Workload]:
    """All functions of the checkout at `root`, by name.

    Raises: Misconfigured when a task type's folder is not right.
    """
    types = [_of_type(task_type) for task_type in load_catalogue(root).values()]
    return sorted([*types, *SYSTEM], key=lambda workload: workload.name)


def _of_type(task_type: TaskType) -> Workload:
    limits = task_type.limits
    return Workload(
        task_type.name,
        is_task_type=True,
        caller="push",
        cpu=limits.cpu,
        memory_mb=limits.memory_mb,
        concurrency=limits.concurrency,
        most=min(limits.max_instances, CAP),
        seconds=limits.ack_deadline_seconds,
    )
