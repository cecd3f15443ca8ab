"""The running stack and the Postgres below it, as the tests of outages ask them."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.e2e.local_stack import LocalStack, eventually
from tests.support.postgres import PostgresServer

DATABASE = "outages"
MARGIN = 3.0
"""Times are promised to users; a loaded machine is given three times as long."""


@dataclass(frozen=True)
class System:
    """What is asked in SQL goes past the product."""

    stack: LocalStack
    postgres: PostgresServer

    def rows(self, label: str, state: str = "") -> int:
        """How many tasks of a label there are, or are in a state."""
        where = f"labels->>'test' = '{label}'" + (f" AND state = '{state}'" if state else "")
        return int(
            str(self.postgres.run(f"SELECT count(*) FROM tasks WHERE {where}", DATABASE)[0][0])
        )

    def wait_for(self, label: str, count: int, limit: float) -> None:
        """Until so many of a label have succeeded."""
        eventually(lambda: self.rows(label, "succeeded") == count, limit, f"{count} of {label}")


def tasks(label: str, count: int, **payload: Any) -> list[dict[str, Any]]:
    """As a batch takes them."""
    return [{"task_type": "noop", "payload": payload, "labels": {"test": label}}] * count


def fresh(name: str) -> str:
    """A label that no other test has."""
    return f"{name}-{uuid4().hex[:8]}"
