"""Which HTTP status tells Pub/Sub what, and which log line goes with each error. Tables, no rules.

Pub/Sub takes 102, 200, 201, 202 and 204 for an ack and everything else for a nack.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starlette.responses import JSONResponse, Response

from shared import telemetry
from shared.domain.errors import CloudTaskerError, Code
from shared.domain.settlement import Answer
from shared.telemetry import Event, Severity

STATUS_OF: Final[Mapping[Answer, int]] = MappingProxyType({Answer.ACK: 204, Answer.NACK: 503})
"""A nack is 503, not 500: the handler failed, or had no time; the function itself is well."""


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The answer to a delivery whose handling raised, and how it is logged."""

    status: int
    event: Event
    severity: Severity = "ERROR"


# Nothing is recorded when an error reaches the edge, so all but a lost lease (another run has the
# task) are nacks: the message comes again, and a row that is to blame dies by its own count.
_DEFECT: Final = ErrorAnswer(503, Event.FAULT)
ANSWER_TO: Final[Mapping[Code, ErrorAnswer]] = MappingProxyType(
    {
        Code.UNAUTHENTICATED: ErrorAnswer(401, Event.TOKEN_REFUSED, "WARNING"),
        Code.UNAVAILABLE: ErrorAnswer(503, Event.LEDGER_UNAVAILABLE),
        Code.MISCONFIGURED: ErrorAnswer(500, Event.MISCONFIGURED),
        Code.LEASE_LOST: ErrorAnswer(204, Event.LEASE_LOST, "WARNING"),
        Code.FORBIDDEN: _DEFECT,
        Code.TOO_BUSY: _DEFECT,
        Code.ALREADY_EXISTS: _DEFECT,
        Code.INVALID: _DEFECT,
        Code.UNKNOWN_TASK_TYPE: _DEFECT,
        Code.NOT_FOUND: _DEFECT,
        Code.IDEMPOTENCY_CONFLICT: _DEFECT,
        Code.WRONG_STATE: _DEFECT,
        Code.TOO_LARGE: _DEFECT,
        Code.UNSUPPORTED_MEDIA_TYPE: _DEFECT,
    }
)


def error_answer(error: CloudTaskerError) -> Response:
    """The answer of the table; what is said to the caller is constant, the reason is logged."""
    answer = ANSWER_TO[error.code]
    traceback = error if answer.event is Event.FAULT else None
    telemetry.log(answer.event, severity=answer.severity, error=traceback, why=str(error))
    if error.code is not Code.UNAUTHENTICATED:
        return Response(status_code=answer.status)
    # Its body was not read, so the connection is of no more use.
    headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}
    return JSONResponse({"error": "unauthenticated"}, status_code=answer.status, headers=headers)
