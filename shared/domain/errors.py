"""One tree of errors; each class has a protocol-neutral `code` that the edges' tables map.

The message says what failed, the value, the limit it broke, and the fix where there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID


class Code(StrEnum):
    """What kind of failure it was, whatever the protocol."""

    INVALID = "invalid"
    UNKNOWN_TASK_TYPE = "unknown_task_type"
    NOT_FOUND = "not_found"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    ALREADY_EXISTS = "already_exists"
    WRONG_STATE = "wrong_state"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    TOO_BUSY = "too_busy"
    LEASE_LOST = "lease_lost"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class InvalidField:
    """One problem of a caller's input: the path of the field, and what is wrong with it."""

    field: str
    problem: str


class CloudTaskerError(Exception):
    """Root of the errors that the product raises on purpose."""

    code: ClassVar[Code]
    fields: tuple[InvalidField, ...] = ()


class InvalidRequest(CloudTaskerError):
    """The request cannot be read, or one of its own fields is wrong; nothing was stored."""

    code = Code.INVALID

    def __init__(self, message: str, fields: Sequence[InvalidField] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class InvalidPayload(InvalidRequest):
    """The payload does not fit its task type's model; nothing was stored."""

    def __init__(self, task_type: str, fields: Sequence[InvalidField]) -> None:
        said = "; ".join(f"{f.field}: {f.problem}" for f in fields)
        super().__init__(f"payload of {task_type} rejected: {said}", fields)


class UnknownTaskType(CloudTaskerError):
    """No such task type is deployed; nothing was stored."""

    code = Code.UNKNOWN_TASK_TYPE

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = get_close_matches(name[:64], known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; known: {', '.join(sorted(known))}"
        super().__init__(f'no task type "{name[:100]}"{hint}')
        self.fields = (InvalidField("task_type", str(self)),)


class TaskNotFound(CloudTaskerError):
    """No task has this id."""

    code = Code.NOT_FOUND

    def __init__(self, task_id: UUID | str) -> None:
        super().__init__(f"no task {task_id}")


class OperationNotFound(CloudTaskerError):
    """No bulk operation has this id."""

    code = Code.NOT_FOUND

    def __init__(self, operation_id: UUID | str) -> None:
        super().__init__(f"no operation {operation_id}")


class NotFound(CloudTaskerError):
    """Nothing has this name or id."""

    code = Code.NOT_FOUND

    def __init__(self, what: str) -> None:
        super().__init__(f"no {what}")


class AlreadyExists(CloudTaskerError):
    """The name is taken; what has it is untouched."""

    code = Code.ALREADY_EXISTS

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} exists already; choose another name, or delete it first")


class ScheduleOfFile(CloudTaskerError):
    """The schedule stands in a task.yaml, so that only the file can end it; it is untouched."""

    code = Code.WRONG_STATE

    def __init__(self, name: str) -> None:
        super().__init__(
            f"schedule {name} stands in its task type's task.yaml, so it was not deleted; "
            "remove it there, or pause it"
        )


class IdempotencyConflict(CloudTaskerError):
    """The idempotency key was used with another payload; the earlier task is untouched."""

    code = Code.IDEMPOTENCY_CONFLICT

    def __init__(self, key: str, task_id: UUID, what: Literal["task", "group"] = "task") -> None:
        super().__init__(
            f'idempotency key "{key}" belongs to {what} {task_id}, which has another payload; '
            "use a new key, or send the same payload"
        )
        self.task_id = task_id
        self.what = what


class WrongState(CloudTaskerError):
    """The task is not in a state from which this move is allowed; it is untouched."""

    code = Code.WRONG_STATE

    def __init__(self, task_id: UUID, state: str, move: str) -> None:
        super().__init__(f"task {task_id} is {state}, so it was not {move}")


class RequestTooLarge(CloudTaskerError):
    """The request is above the limit; it was not read to its end."""

    code = Code.TOO_LARGE

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"request body is over {limit_bytes} bytes; send a smaller payload")


class UnsupportedMediaType(CloudTaskerError):
    """The body's content type or encoding is not one that is read here."""

    code = Code.UNSUPPORTED_MEDIA_TYPE


class Unauthenticated(CloudTaskerError):
    """The caller did not prove who it is. The reason goes to the log, never to the caller."""

    code = Code.UNAUTHENTICATED


class Forbidden(CloudTaskerError):
    """The caller is known and may not do this; nothing was done."""

    code = Code.FORBIDDEN

    def __init__(self, needed: str) -> None:
        super().__init__(f"this needs the scope {needed!r}, which the caller does not have")


class LedgerUnavailable(CloudTaskerError):
    """Postgres did not answer: what was asked may or may not have happened. Safe to repeat."""

    code = Code.UNAVAILABLE


class TooManyWatchers(CloudTaskerError):
    """As many tasks are watched here as this process can."""

    code = Code.TOO_BUSY

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} watchers are served here already; try again, or poll the task")


class LeaseLost(CloudTaskerError):
    """The attempt no longer holds its task: another run has it, or it is finished."""

    code = Code.LEASE_LOST

    def __init__(self, task_id: UUID, token: int) -> None:
        super().__init__(f"fencing token {token} of task {task_id} is no longer valid")


class Misconfigured(CloudTaskerError):
    """The process cannot work as it is set up; the message lists every problem."""

    code = Code.MISCONFIGURED
