from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.api_key import ApiKey, Scope, digest_of, parse_token, token_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MADE = bytes(range(40))


def key(**changes) -> ApiKey:
    _, secret, _ = token_of(MADE)
    fields = {"expires_at": None, "revoked_at": None, **changes}
    return ApiKey("00", "ci", frozenset({Scope.READ}), digest_of(secret), NOW, **fields)


@given(st.binary(min_size=40, max_size=40))
def test_a_token_is_read_back_as_its_id_and_secret(made):
    key_id, secret, token = token_of(made)

    assert parse_token(token) == (key_id, secret)


@given(st.text(max_size=80))
def test_any_other_text_is_no_token(text):
    assert parse_token(text) is None


def test_a_key_of_too_little_randomness_is_not_made():
    with pytest.raises(ValueError, match="40 bytes"):
        token_of(bytes(39))


def test_the_right_secret_is_accepted():
    _, secret, _ = token_of(MADE)

    assert key().problem(secret, NOW) is None


def test_a_wrong_secret_is_refused_whatever_else_is_wrong():
    assert "wrong secret" in str(key(revoked_at=NOW).problem("x", NOW))


def test_a_revoked_key_is_refused():
    _, secret, _ = token_of(MADE)

    assert "revoked" in str(key(revoked_at=NOW).problem(secret, NOW))


def test_a_key_ends_at_its_moment():
    _, secret, _ = token_of(MADE)
    ending = key(expires_at=NOW)

    assert ending.problem(secret, NOW - timedelta(microseconds=1)) is None
    assert "expired" in str(ending.problem(secret, NOW))


def test_what_is_kept_is_not_the_secret():
    _, secret, _ = token_of(MADE)

    assert secret.encode() not in key().digest
    assert len(key().digest) == 32
