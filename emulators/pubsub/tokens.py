"""OIDC identity tokens with the claims of Google's; no HTTP here."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulators.pubsub.signing_key import SigningKey

ISSUER = "https://accounts.google.com"
LIFETIME = 3600
RENEW_BEFORE = 300  # a token from the cache is good for at least this long


class TokenIssuer:
    """Signs tokens for any service account. `wall` returns seconds since 1970."""

    def __init__(self, key_file: Path | None, wall: Callable[[], float]) -> None:
        self._key_file = key_file
        self._wall = wall
        self._cached: dict[tuple[str, str], tuple[float, str]] = {}

    @cached_property
    def key(self) -> "SigningKey":
        """The signing key; the first use loads or makes it."""
        from emulators.pubsub.signing_key import SigningKey

        return SigningKey.load_or_create(self._key_file)

    def token(self, email: str, audience: str) -> str:
        """Return a token with e-mail claims, good for five minutes or more; signed once an hour."""
        now = self._wall()
        good_until, token = self._cached.get((email, audience), (0.0, ""))
        if now >= good_until:
            token = self.sign(email, audience, include_email=True)
            self._cached[email, audience] = (now + LIFETIME - RENEW_BEFORE, token)
        return token

    def sign(self, email: str, audience: str, *, include_email: bool) -> str:
        """Return a new token for the service account `email`."""
        now = int(self._wall())
        unique_id = _unique_id(email)
        claims: dict[str, str | int | bool] = {
            "iss": ISSUER,
            "aud": audience,
            "azp": unique_id,
            "sub": unique_id,
            "iat": now,
            "exp": now + LIFETIME,
        }
        if include_email:
            claims |= {"email": email, "email_verified": True}
        return self.key.sign(claims)


def _unique_id(email: str) -> str:
    """Return the 21 digits that stand for an account, always the same for the same e-mail."""
    digest = int.from_bytes(hashlib.sha256(email.encode()).digest())
    return str(10**20 + digest % (9 * 10**20))
