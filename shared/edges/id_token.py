"""Decides whether a caller has an ID token of Google's for the right audience and account.

One check for pushes, the scheduler, API Gateway and callers; no branch says "local". The reason of
a refusal is for the log and never for the caller.
Source: Pub/Sub, "Authenticate push subscriptions"; OpenID Connect Core 3.1.3.7.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.domain.errors import Unauthenticated
from shared.edges.issuer_keys import IssuerKeys
from shared.edges.token_claims import LEEWAY_SECONDS, Expected, claims_problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_HEADER_CHARACTERS: Final = 8192
MARKER: Final = "SIGNATURE_REMOVED_BY_GOOGLE"
"""What Cloud Run puts in the signature's place once it has verified it."""
_ALGORITHM: Final = "RS256"
_MAX_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token whose signature was verified with `key`."""

    key_id: str
    key: "RSAPublicKey"
    expires_at: float
    email: str


class IdTokenCheck:
    """Checks Authorization headers; `mode` is a value of CLOUDTASKER_PUSH_AUTH.

    Verified tokens are remembered until they expire or their key goes: Pub/Sub sends one token
    for up to an hour, and a signature costs 100 µs, a look 2 µs.
    """

    def __init__(
        self,
        mode: str,
        expected: Expected,
        keys_url: str,
        *,
        keys: IssuerKeys | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._mode = mode
        self._expected = expected
        self._keys = keys or IssuerKeys(keys_url)
        self._now = now
        self._remembered: dict[bytes, _Verified] = {}

    async def check(self, authorization: str | None) -> str:
        """The e-mail address of the caller, who is one that it may be; empty where none is asked.

        Raises: Unauthenticated.
        """
        if self._mode == "none":
            return ""
        token = _bearer(authorization)
        if self._mode == "platform":
            return self._check_claims(_claims_behind_the_platform(token))
        return await self._remembered_email(token) or await self._verify(token)

    async def _remembered_email(self, token: str) -> str:
        known = self._remembered.get(_digest(token))
        if known is None or self._now() > known.expires_at + LEEWAY_SECONDS:
            return ""
        return known.email if await self._keys.get(known.key_id) is known.key else ""

    async def _verify(self, token: str) -> str:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            key_id, key = await self._key_of(header)
            claims = jwt.decode(token, key, algorithms=[_ALGORITHM], options=_SIGNATURE_ONLY)
        except (jwt.InvalidTokenError, ValueError, TypeError) as forged:
            raise Unauthenticated(f"{type(forged).__name__}: {forged}") from None
        email = self._check_claims(claims)
        self._remember(token, _Verified(key_id, key, claims["exp"], email))
        return email

    async def _key_of(self, header: Mapping[str, Any]) -> "tuple[str, RSAPublicKey]":
        if header.get("alg") != _ALGORITHM:
            raise Unauthenticated(f"algorithm {header.get('alg')!r:.40}, not {_ALGORITHM}")
        key_id = header.get("kid")
        key = await self._keys.get(key_id) if isinstance(key_id, str) else None
        if key is None or not isinstance(key_id, str):
            raise Unauthenticated(f"the issuer has no key {key_id!r:.80}")
        return key_id, key

    def _check_claims(self, claims: Mapping[str, Any]) -> str:
        if problem := claims_problem(claims, self._expected, self._now()):
            raise Unauthenticated(problem)
        return str(claims["email"])

    def _remember(self, token: str, verified: _Verified) -> None:
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))
        self._remembered[_digest(token)] = verified


_SIGNATURE_ONLY: Final[Any] = {
    "verify_signature": True,
    **dict.fromkeys(
        ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"), False
    ),
}
"""`claims_problem` judges the claims, on a clock that is passed in."""


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise Unauthenticated("no Authorization header")
    if len(authorization) >= MAX_HEADER_CHARACTERS:
        raise Unauthenticated(f"an Authorization header of {len(authorization)} characters")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or token.count(".") != 2 or not token.isascii():
        raise Unauthenticated("the Authorization header is not a bearer JSON Web Token")
    return token


def _claims_behind_the_platform(token: str) -> Mapping[str, Any]:
    """The claims of a token that Cloud Run has verified, and whose signature it has removed."""
    import jwt

    if token.rpartition(".")[2] != MARKER:
        raise Unauthenticated("the platform has not replaced the token's signature")
    try:
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, TypeError) as broken:
        raise Unauthenticated(f"{type(broken).__name__}: {broken}") from None
    return claims


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
