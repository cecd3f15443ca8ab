"""Which claims an ID token must carry. Pure: the time is a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

ISSUERS: Final = frozenset({"https://accounts.google.com", "accounts.google.com"})
LEEWAY_SECONDS: Final = 60.0
"""How far the issuer's clock and ours may be apart."""
_END_OF_TIME: Final = 1e11


@dataclass(frozen=True, slots=True)
class Expected:
    """The audiences and the e-mails that are accepted."""

    audiences: frozenset[str]
    emails: frozenset[str]

    @classmethod
    def one(cls, audience: str, email: str) -> Self:
        """One audience and one e-mail."""
        return cls(frozenset({audience}), frozenset({email}))


def claims_problem(claims: Mapping[str, Any], expected: Expected, now: float) -> str | None:
    """Why `claims` are refused at `now` (Unix seconds), or None when they are accepted."""
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or issuer not in ISSUERS:
        return f"issuer {issuer!r:.100}"
    audience, email = claims.get("aud"), claims.get("email")
    if not isinstance(audience, str) or audience not in expected.audiences:
        return f"audience {audience!r:.200}, not {_any_of(expected.audiences)}"
    if not isinstance(email, str) or email not in expected.emails:
        return f"e-mail {email!r:.200}, not {_any_of(expected.emails)}"
    if claims.get("email_verified") is not True:
        return "an e-mail that the issuer has not verified"
    return _time_problem(claims, now)


def _any_of(accepted: frozenset[str]) -> str:
    return " or ".join(map(repr, sorted(accepted)))


def _time_problem(claims: Mapping[str, Any], now: float) -> str | None:
    issued_at, expires_at = _time(claims.get("iat")), _time(claims.get("exp"))
    if issued_at is None or expires_at is None:
        return "no time of issue or of expiry"
    if now > expires_at + LEEWAY_SECONDS:
        return f"expired {now - expires_at:.0f} s ago"
    if now < issued_at - LEEWAY_SECONDS:
        return f"issued {issued_at - now:.0f} s in the future"
    not_before = _time(claims.get("nbf", issued_at))
    if not_before is None or now < not_before - LEEWAY_SECONDS:
        return "not valid yet"
    return None


def _time(value: Any) -> float | None:
    """Unix seconds, or None for what is no moment of this era (texts, NaN, infinities)."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < _END_OF_TIME else None
