"""Errors over HTTP: every code is mapped, and nothing reaches a caller that is not for it."""

import uuid

import pytest

from shared.domain.errors import (
    AlreadyExists,
    Code,
    Forbidden,
    IdempotencyConflict,
    InvalidField,
    InvalidRequest,
    LeaseLost,
    LedgerUnavailable,
    Misconfigured,
    RequestTooLarge,
    TaskNotFound,
    TooManyWatchers,
    Unauthenticated,
    UnknownTaskType,
    UnsupportedMediaType,
    WrongState,
)
from shared.edges.http_errors import MAX_ERRORS, TABLE, problem_of, unexpected

ID = uuid.UUID(int=7)
STATUSES = [
    (InvalidRequest("wrong"), 400),
    (UnknownTaskType("gret", ["greet"]), 400),
    (Unauthenticated("why"), 401),
    (Forbidden("read"), 403),
    (TaskNotFound(ID), 404),
    (IdempotencyConflict("key", ID), 409),
    (AlreadyExists("schedule a"), 409),
    (WrongState(ID, "running", "cancelled"), 409),
    (LeaseLost(ID, 1), 409),
    (TooManyWatchers(1000), 503),
    (RequestTooLarge(10), 413),
    (UnsupportedMediaType("gzip"), 415),
    (Misconfigured("why"), 500),
    (LedgerUnavailable("why"), 503),
]


def test_every_code_of_the_domain_has_a_status_and_a_title():
    assert set(TABLE) == set(Code)
    assert {error.code for error, _ in STATUSES} == set(Code)


@pytest.mark.parametrize(("error", "status"), STATUSES)
def test_a_problem_has_the_members_of_rfc_9457_and_our_code(error, status):
    problem = problem_of(error).as_json()

    assert problem["status"] == status
    assert problem["type"] == f"urn:cloudtasker:problem:{error.code.value}"
    assert problem["code"] == error.code.value
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize("kind", [LedgerUnavailable, Misconfigured, Unauthenticated])
def test_what_is_for_the_operator_is_not_told_to_the_caller(kind):
    secret = 'SELECT * FROM tasks; postgresql://user:password@10.0.0.1/db "Traceback"'

    assert secret not in str(problem_of(kind(secret)).as_json())


def test_an_unavailable_ledger_says_when_to_come_back():
    assert problem_of(LedgerUnavailable("away")).headers == {"Retry-After": "1"}


def test_an_unexpected_error_names_the_request_and_nothing_else():
    problem = unexpected("abc").as_json()

    assert problem["status"] == 500
    assert problem["instance"] == "urn:cloudtasker:request:abc"


def test_an_answer_is_bounded_whatever_was_sent():
    fields = [InvalidField("f" * 5000, "p" * 5000) for _ in range(MAX_ERRORS + 1)]
    problem = problem_of(InvalidRequest("d" * 50_000, fields)).as_json()

    assert len(problem["errors"]) == MAX_ERRORS
    assert len(problem["errors"][0]["field"]) < 300
    assert len(problem["detail"]) < 3000
