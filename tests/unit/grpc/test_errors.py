"""Errors as statuses: complete, small, and silent about what is not the caller's business."""

from uuid import UUID

import grpc
import pytest
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from grpc_gateway.errors import STATUS, internal_status, status_of
from shared.domain.errors import (
    CloudTaskerError,
    Code,
    Forbidden,
    IdempotencyConflict,
    InvalidField,
    InvalidRequest,
    LedgerUnavailable,
    Misconfigured,
    RequestTooLarge,
    Unauthenticated,
    WrongState,
)

ID = UUID("01890000-0000-7000-8000-000000000000")
TRAILER_BYTES = 8192
"""What a client accepts as metadata by default."""


def detail(status, kind):
    [packed] = [one for one in status.details if one.Is(kind.DESCRIPTOR)]
    return kind.FromString(packed.value)


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_status_and_none_is_unknown(code):
    assert STATUS[code] not in (grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidRequest("x"), 3, "INVALID"),
        (IdempotencyConflict("k", ID), 6, "IDEMPOTENCY_CONFLICT"),
        (WrongState(ID, "dead", "cancelled"), 9, "WRONG_STATE"),
        (RequestTooLarge(10), 8, "TOO_LARGE"),
        (LedgerUnavailable("x"), 14, "UNAVAILABLE"),
        (Unauthenticated("x"), 16, "UNAUTHENTICATED"),
        (Forbidden("read"), 7, "FORBIDDEN"),
    ],
)
def test_an_error_has_its_code_and_a_reason_to_match_on(error, code, reason):
    status = status_of(error)
    info = detail(status, error_details_pb2.ErrorInfo)

    assert (status.code, info.reason, info.domain) == (code, reason, "cloudtasker")


@pytest.mark.parametrize("kind", [Unauthenticated, LedgerUnavailable, Misconfigured])
def test_what_only_the_log_may_know_is_not_told(kind):
    assert b"secret" not in status_of(kind("secret")).SerializeToString()


def test_an_unexpected_error_is_told_by_its_id_alone():
    status = internal_status("7f3a")

    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    assert detail(status, error_details_pb2.RequestInfo).request_id == "7f3a"


def test_problems_that_do_not_fit_are_counted():
    fields = [InvalidField(f"field_{n}", "is wrong" * 20) for n in range(100)]
    shown = detail(status_of(InvalidRequest("x", fields)), error_details_pb2.BadRequest)

    *named, last = shown.field_violations
    assert last.description == f"and {100 - len(named)} more problems"
    assert len(named) > 5


def test_a_long_text_is_cut_at_a_character():
    message = status_of(InvalidRequest("é" * 1000)).message

    assert message == "é" * (len(message) - 1) + "…"


def test_a_lone_surrogate_of_a_caller_does_not_break_the_answer():
    error = InvalidRequest("\ud800", [InvalidField("\udfff", "\ud800")])

    assert status_of(error).message == "?"


@given(st.text(max_size=3000), st.lists(st.tuples(st.text(), st.text()), max_size=300))
def test_whatever_the_caller_sent_the_answer_fits_into_its_trailers(text, problems):
    fields = [InvalidField(field * 9, problem * 99) for field, problem in problems]
    error: CloudTaskerError = InvalidRequest(text, fields)
    status = status_of(error)

    percent_encoded = 3 * len(status.message.encode())
    assert percent_encoded + len(status.SerializeToString()) * 4 / 3 + 200 < TRAILER_BYTES
