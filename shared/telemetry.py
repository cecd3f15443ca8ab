"""What the product says in its logs: a closed list of events, one JSON line each, on stdout.

The fields are Cloud Logging's. Never a payload, a result, a token or a key; it holds no client
of any logging service, as that would cost a second at start.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Final, Literal, TextIO

from shared.log_lines import JsonLines, PrettyLines
from shared.settings import Settings

Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Field = str | int | float | bool | None

_LOGGER: Final = logging.getLogger("cloudtasker")
_LEVELS: Final = logging.getLevelNamesMapping()
_BOUND: ContextVar[Mapping[str, Field]] = ContextVar("bound_log_fields", default={})  # noqa: B039
_CHATTY: Final = ("httpx", "httpcore", "aiosmtplib", "asyncio")
"""Libraries whose INFO lines say what our events say, or hold addresses of callers."""


class Event(StrEnum):
    """Everything that our own code logs. Add a name here before you log it."""

    PROCESS_READY = "process_ready"
    """The process has read its settings and built what it needs; once a process."""
    PROCESS_STOPPING = "process_stopping"
    """SIGTERM or SIGINT arrived: no new work, runs get their grace."""
    MISCONFIGURED = "misconfigured"
    """The process cannot work as it is set up; every problem is in the message."""
    FAULT = "fault"
    """An error that no code expected, with its traceback: a defect of ours."""

    REQUEST_REFUSED = "request_refused"
    """The API did not accept a caller: who it is, or what it may do."""
    KEY_SCOPES_UNKNOWN = "key_scopes_unknown"
    """An API key has scopes that this version does not know; they allow nothing."""
    KEY_USE_NOT_NOTED = "key_use_not_noted"
    """The last use of an API key could not be written; its caller was let in all the same."""
    TASK_ENQUEUED = "task_enqueued"
    """A task is stored, and its caller has its id."""
    TASK_CANCELLED = "task_cancelled"
    """A caller cancelled a task; `state` says whether it waited, or runs and was asked to stop."""
    TASK_REDRIVEN = "task_redriven"
    """A person put a dead task back to work."""
    SCHEDULE_CHANGED = "schedule_changed"
    """A person made, deleted, paused or resumed a schedule."""
    BACKLOG_REPUBLISHED = "backlog_republished"
    """A person had messages of queued tasks sent again."""
    QUEUE_PAUSED = "queue_paused"
    """A person paused a task type: its tasks are held."""
    QUEUE_RESUMED = "queue_resumed"
    """A person let a task type work again."""

    TASK_RUNNING = "task_running"
    """A handler is still at it after a second; a shorter run is one line, its end."""
    TASK_SUCCEEDED = "task_succeeded"
    """The attempt's result is recorded."""
    TASK_FAILED = "task_failed"
    """The attempt failed and the task will be retried; with its traceback, if not a `MayPass`."""
    TASK_DEAD = "task_dead"
    """The task is given up on: its attempts are spent; with a traceback as above."""
    TASK_REJECTED = "task_rejected"
    """The task is dead at once: its handler said so, or its payload no longer validates."""
    TASK_POSTPONED = "task_postponed"
    """The handler raised RetryLater."""
    TASK_SNOOZED = "task_snoozed"
    """The handler raised Snooze."""
    TASK_RELEASED = "task_released"
    """The process stopped before the handler ended; another one runs the task again."""
    TASK_STOPPED = "task_stopped"
    """A run ended because its task was cancelled."""
    TASK_GIVEN_BACK = "task_given_back"
    """A dead letter had attempts left: the task will work again."""
    DEAD_LETTER_BURIED = "dead_letter_buried"
    """A dead letter arrived, and its task is not to be worked on again."""

    DELIVERY_REFUSED = "delivery_refused"
    """A delivery did not get its task; `why` says the reason, which is mostly harmless."""
    STALE_GENERATION = "stale_generation"
    """A delivery was about a generation that a redrive has replaced."""
    LEASE_LOST = "lease_lost"
    """An attempt overran its lease; its outcome was not recorded, another run has the task."""
    DELIVERY_KEPT_ON_DESK = "delivery_kept_on_desk"
    """A delivery could not be understood, or its task is unknown; a person shall look at it."""
    SUBSCRIPTION_REFUSED = "subscription_refused"
    """A push came from another subscription than the one this function serves."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of an event
    """A caller did not prove that it is Google's; `why` is never told to the caller."""
    ISSUER_KEYS_UNAVAILABLE = "issuer_keys_unavailable"
    """The keys that push tokens are signed with could not be fetched; known ones stay in use."""

    LEDGER_UNAVAILABLE = "ledger_unavailable"
    """Postgres did not answer; what was asked may or may not have happened."""
    RELAY_ROUND = "relay_round"
    """A call of the relay brought something back."""
    DEAD_LETTERS_STUCK = "dead_letters_stuck"
    """A call of the relay could publish none of the dead letters that wait: not permitted, or their
    type is gone. The tasks' rows have their reasons; nothing is lost."""


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all logging of this process, ours and the libraries', to stdout as `settings.log` says.

    Safe to repeat: the last call wins.
    """
    # The framework may have swapped sys.stdout for the time of a request; lines need the real one.
    handler = logging.StreamHandler(stream or sys.__stdout__ or sys.stdout)
    lines = PrettyLines if settings.log == "pretty" else JsonLines
    handler.setFormatter(lines(settings.project, _BOUND.get))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def log(
    event: Event,
    *,
    severity: Severity = "INFO",
    message: str = "",
    error: BaseException | None = None,
    **fields: Field,
) -> None:
    """Write one line about `event`: what is bound, and `fields` over it (None is left out).

    `message` is for a reader, and is the event's name in words when it is empty; `error` adds its
    traceback. A field `traceparent` gives the line its trace.
    """
    _LOGGER.log(
        _LEVELS[severity],
        message or event.value.replace("_", " "),
        exc_info=error,
        extra={"event": event.value, "fields": fields},
        stacklevel=2,
    )


@contextmanager
def bound(**fields: Field) -> Iterator[None]:
    """Put `fields` on every line that is logged inside the block, by whatever logger.

    For the whole product: task_id, task_type, attempt, generation, message_id, traceparent. It
    follows the work into the tasks and threads that the block starts.
    """
    token = _BOUND.set({**_BOUND.get(), **fields})
    try:
        yield
    finally:
        _BOUND.reset(token)
