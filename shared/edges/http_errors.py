"""Errors as HTTP says them: RFC 9457 problem details, from one table of the domain's codes.

What a caller reads holds no SQL, no traceback and no reason of a refused credential.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from shared.domain.errors import CloudTaskerError, Code, IdempotencyConflict, InvalidField

MEDIA_TYPE: Final = "application/problem+json"
MAX_ERRORS: Final = 100
"""A body of 1 MB may hold a hundred thousand wrong fields; an answer names the first of them."""
_MAX_FIELD: Final = 200
_MAX_DETAIL: Final = 2000


class FieldErrorJson(TypedDict):
    """One problem of the request."""

    field: Annotated[
        str, Field(description="Path of the field, dotted; empty for the body itself.")
    ]
    problem: str


class ProblemJson(TypedDict):
    """Why a request was refused (RFC 9457). Decide on `code`; texts may change."""

    type: Annotated[str, Field(description="A stable URN that ends in the code.")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    code: str
    errors: Annotated[list[FieldErrorJson], Field(max_length=MAX_ERRORS)]
    task_id: NotRequired[
        Annotated[str, Field(description="The task that has the idempotency key.")]
    ]
    group_id: NotRequired[
        Annotated[str, Field(description="The group that has the idempotency key.")]
    ]
    instance: NotRequired[
        Annotated[str, Field(description="URN of this request in the log; only with 500.")]
    ]


@dataclass(frozen=True, slots=True)
class Said:
    """How one code is said: its status and title, and a fixed detail where the error's own text
    is not for the caller."""

    status: HTTPStatus
    title: str
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


TABLE: Final[Mapping[Code, Said]] = {
    Code.INVALID: Said(HTTPStatus.BAD_REQUEST, "The request is not valid"),
    Code.UNKNOWN_TASK_TYPE: Said(HTTPStatus.BAD_REQUEST, "There is no such task type"),
    Code.NOT_FOUND: Said(HTTPStatus.NOT_FOUND, "There is no such thing"),
    Code.IDEMPOTENCY_CONFLICT: Said(
        HTTPStatus.CONFLICT, "The idempotency key belongs to another payload"
    ),
    Code.ALREADY_EXISTS: Said(HTTPStatus.CONFLICT, "The name is taken"),
    Code.WRONG_STATE: Said(HTTPStatus.CONFLICT, "Its state does not allow this"),
    Code.TOO_LARGE: Said(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large"),
    Code.UNSUPPORTED_MEDIA_TYPE: Said(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body's type is not read here"
    ),
    Code.UNAUTHENTICATED: Said(
        HTTPStatus.UNAUTHORIZED,
        "The caller is not known",
        "the caller did not prove that it may call this API; the reason is in the server's log",
        {"WWW-Authenticate": "Bearer"},
    ),
    Code.FORBIDDEN: Said(HTTPStatus.FORBIDDEN, "The caller may not do this"),
    Code.UNAVAILABLE: Said(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The ledger does not answer",
        "what was asked may or may not have happened; repeat it, with the same idempotency key",
        {"Retry-After": "1"},
    ),
    Code.TOO_BUSY: Said(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The process is too busy for this",
        headers={"Retry-After": "5"},
    ),
    Code.LEASE_LOST: Said(HTTPStatus.CONFLICT, "The attempt no longer holds its task"),
    Code.MISCONFIGURED: Said(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The server is not set up",
        "the server is not set up correctly; the reason is in its log",
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal, ready to be said over HTTP."""

    code: str
    status: HTTPStatus
    title: str
    detail: str
    fields: tuple[InvalidField, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    task_id: str = ""
    group_id: str = ""
    instance: str = ""

    def as_json(self) -> ProblemJson:
        """The body of the answer, of bounded size whatever the caller sent."""
        shown = self.fields[:MAX_ERRORS]
        problem: ProblemJson = {
            "type": f"urn:cloudtasker:problem:{self.code}",
            "title": self.title,
            "status": int(self.status),
            "detail": _cut(self.detail, _MAX_DETAIL),
            "code": self.code,
            "errors": [
                {"field": _cut(f.field, _MAX_FIELD), "problem": _cut(f.problem, _MAX_DETAIL)}
                for f in shown
            ],
        }
        if self.task_id:
            problem["task_id"] = self.task_id
        if self.group_id:
            problem["group_id"] = self.group_id
        if self.instance:
            problem["instance"] = self.instance
        return problem


class HttpError(Exception):
    """A refusal that only HTTP knows: a wrong path or method, a body that never came."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: CloudTaskerError) -> Problem:
    """What HTTP says of `error`."""
    said = TABLE[error.code]
    return Problem(
        code=error.code.value,
        status=said.status,
        title=said.title,
        detail=said.detail or str(error),
        fields=error.fields,
        headers=said.headers,
        **_holder(error),
    )


def _holder(error: CloudTaskerError) -> dict[str, str]:
    """Who has the idempotency key that the request came with."""
    if not isinstance(error, IdempotencyConflict):
        return {}
    return {f"{error.what}_id": str(error.task_id)}


def unexpected(request_id: str) -> Problem:
    """What HTTP says of an error that nobody foresaw: where to look, and nothing else."""
    return Problem(
        code="internal",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title="The server failed",
        detail=f"an error that nobody foresaw; the server's log has it under {request_id}",
        instance=f"urn:cloudtasker:request:{request_id}",
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
