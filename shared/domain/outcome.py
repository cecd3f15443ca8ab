"""What a handler may raise to decide its task's outcome, and the verdict that follows.

Any other exception is a failure: the task is retried until its attempts are spent.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final


class RejectTask(Exception):
    """Never again: the task is dead at once, whatever attempts are left."""


class MayPass(Exception):
    """Something outside did not work, as it must be expected to at times.

    A failure like any other, but one line of the log: a traceback would say nothing more.
    """


MAX_AFTER_SECONDS: Final = 100 * 366 * 86_400.0


class RetryLater(Exception):
    """Run again after `after_seconds` (at once when negative); costs an attempt as a failure does.

    Raises: ValueError for what is no time, or over a hundred years.
    """

    def __init__(self, after_seconds: float, reason: str = "") -> None:
        if not after_seconds <= MAX_AFTER_SECONDS:
            raise ValueError(
                f"after_seconds is {after_seconds!r}; it must be a hundred years at most"
            )
        super().__init__(reason or f"retry after {after_seconds:g} s")
        self.after_seconds = max(0.0, after_seconds)


class TaskCancelled(Exception):
    """The handler has stopped because its task was cancelled; see `TaskContext.cancelled`."""


class Snooze(Exception):
    """Not yet: run at `until` (aware); costs no attempt."""

    def __init__(self, until: datetime, reason: str = "") -> None:
        if until.tzinfo is None:
            raise ValueError("until must be an aware datetime")
        super().__init__(reason or f"snoozed until {until.isoformat()}")
        self.until = until


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt did not succeed, as the row keeps it."""

    kind: str
    message: str

    def as_json(self) -> dict[str, str]:
        """The form in the row and in answers."""
        return {"kind": self.kind, "message": self.message}


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned `result` (a JSON value)."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised, or overran its time limit."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Rejected:
    """The handler raised RejectTask, or the payload no longer fits its model."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Postponed:
    """The handler raised RetryLater."""

    after_seconds: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The handler raised Snooze."""

    until: datetime
    failure: Failure


@dataclass(frozen=True, slots=True)
class Released:
    """The process is stopping before the handler ended: run again at once, at no cost."""

    failure: Failure = Failure("released", "the process was stopped before the handler ended")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The handler has stopped because somebody cancelled its task."""


Verdict = Succeeded | Failed | Rejected | Postponed | Snoozed | Released | Cancelled
