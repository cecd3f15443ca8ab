"""Tokens are signed once an hour for each account and audience; the key file is made safely."""

import stat

import pytest

from emulators.pubsub.signing_key import SigningKey
from emulators.pubsub.tokens import LIFETIME, RENEW_BEFORE, TokenIssuer


@pytest.fixture
def now():
    return [1_700_000_000.0]


@pytest.fixture
def issuer(now):
    return TokenIssuer(None, lambda: now[0])


def test_a_token_is_used_again_until_it_is_nearly_over(issuer, now):
    first = issuer.token("a@b", "audience")

    now[0] += LIFETIME - RENEW_BEFORE - 1
    assert issuer.token("a@b", "audience") == first
    now[0] += 1
    assert issuer.token("a@b", "audience") != first


def test_each_account_and_audience_has_its_own_token(issuer):
    tokens = {issuer.token(email, audience) for email in ("a@b", "c@d") for audience in ("x", "y")}

    assert len(tokens) == 4


def test_the_key_is_kept_readable_for_its_owner_alone(tmp_path):
    path = tmp_path / "key.pem"
    made = SigningKey.load_or_create(path)

    assert SigningKey.load_or_create(path).id == made.id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_half_written_key_of_a_killed_process_is_made_anew(tmp_path):
    path = tmp_path / "key.pem"
    path.with_suffix(".part").write_bytes(b"half")

    SigningKey.load_or_create(path)

    assert list(tmp_path.iterdir()) == [path]
