"""The domain's errors as google.rpc.Status with details. One table; never UNKNOWN.

What a caller may not see (configuration, who failed to authenticate and why, the text of a database
error or of an exception) is replaced by a constant text here.
"""

from typing import Final

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from shared.domain.errors import CloudTaskerError, Code, IdempotencyConflict, InvalidField

DOMAIN: Final = "cloudtasker"
RETRY_SECONDS: Final = 1

STATUS: Final = {
    Code.INVALID: StatusCode.INVALID_ARGUMENT,
    Code.UNKNOWN_TASK_TYPE: StatusCode.INVALID_ARGUMENT,
    Code.NOT_FOUND: StatusCode.NOT_FOUND,
    Code.IDEMPOTENCY_CONFLICT: StatusCode.ALREADY_EXISTS,
    Code.ALREADY_EXISTS: StatusCode.ALREADY_EXISTS,
    Code.WRONG_STATE: StatusCode.FAILED_PRECONDITION,
    Code.TOO_LARGE: StatusCode.RESOURCE_EXHAUSTED,
    Code.UNSUPPORTED_MEDIA_TYPE: StatusCode.INVALID_ARGUMENT,
    Code.UNAUTHENTICATED: StatusCode.UNAUTHENTICATED,
    Code.FORBIDDEN: StatusCode.PERMISSION_DENIED,
    Code.UNAVAILABLE: StatusCode.UNAVAILABLE,
    Code.TOO_BUSY: StatusCode.RESOURCE_EXHAUSTED,
    Code.LEASE_LOST: StatusCode.ABORTED,
    Code.MISCONFIGURED: StatusCode.INTERNAL,
}

_CONSTANT_TEXTS: Final = {
    Code.UNAUTHENTICATED: "the call is not authenticated",
    Code.UNAVAILABLE: "the ledger did not answer: what was asked may or may not have happened; "
    "repeat it with the same idempotency key",
    Code.MISCONFIGURED: "the gateway is not set up correctly; its log says how",
}

# A status travels in the answer's trailers, and clients refuse more than 8 KB of those. The message
# travels twice, once percent-encoded (up to three bytes for one), and the details in base64.
_MESSAGE_BYTES: Final = 600
_FIELD_BYTES: Final = 200
_PROBLEM_BYTES: Final = 400
_VIOLATIONS_BYTES: Final = 2800


def status_of(error: CloudTaskerError) -> status_pb2.Status:
    """The status that tells a caller of `error`, small enough for an answer's trailers."""
    text = _CONSTANT_TEXTS.get(error.code, str(error))
    details: list[Message] = [_error_info(error)]
    if error.fields:
        details.append(_bad_request(error.fields))
    if error.code is Code.UNAVAILABLE:
        delay = duration_pb2.Duration(seconds=RETRY_SECONDS)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _status(STATUS[error.code], text, details)


def internal_status(request_id: str) -> status_pb2.Status:
    """The status of a defect of ours: nothing but an id, which the log has with the reason."""
    details = [
        error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    return _status(StatusCode.INTERNAL, f"internal error; request id {request_id}", details)


def _status(code: StatusCode, text: str, details: list[Message]) -> status_pb2.Status:
    packed = [any_pb2.Any() for _ in details]
    for wrapper, detail in zip(packed, details, strict=True):
        wrapper.Pack(detail)
    return status_pb2.Status(
        code=code.value[0], message=_clipped(text, _MESSAGE_BYTES), details=packed
    )


def _error_info(error: CloudTaskerError) -> error_details_pb2.ErrorInfo:
    known = (
        {f"{error.what}_id": str(error.task_id)} if isinstance(error, IdempotencyConflict) else {}
    )
    return error_details_pb2.ErrorInfo(reason=error.code.upper(), domain=DOMAIN, metadata=known)


def _bad_request(fields: tuple[InvalidField, ...]) -> error_details_pb2.BadRequest:
    """As many violations as fit; a last one counts those that do not."""
    answer = error_details_pb2.BadRequest()
    for shown, one in enumerate(fields):
        answer.field_violations.add(
            field=_clipped(one.field, _FIELD_BYTES),
            description=_clipped(one.problem, _PROBLEM_BYTES),
        )
        if answer.ByteSize() > _VIOLATIONS_BYTES:
            del answer.field_violations[-1]
            answer.field_violations.add(description=f"and {len(fields) - shown} more problems")
            break
    return answer


def _clipped(text: str, limit_bytes: int) -> str:
    """`text` as valid Unicode of at most `limit_bytes` in UTF-8; a cut is shown by an ellipsis."""
    raw = text.encode(errors="replace")
    if len(raw) <= limit_bytes:
        return raw.decode()
    return raw[: limit_bytes - 3].decode(errors="ignore") + "…"
