"""API keys: what one is, how it is written, what it allows. Pure: randomness and time are values.

Only the SHA-256 of a key's secret is ever kept, so nobody can read a key back.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

SECRET_BYTES: Final = 32
ID_BYTES: Final = 8
MAX_NAME: Final = 100
_TOKEN: Final = re.compile(r"ct_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


class Scope(StrEnum):
    """What a caller may do."""

    ENQUEUE = "enqueue"
    """Hand in tasks."""
    READ = "read"
    """See tasks, with their payloads and results, and counters."""
    MANAGE = "manage"
    """Change what happens to tasks: cancel them."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, without its secret. Times are aware UTC."""

    id: str
    name: str
    scopes: frozenset[Scope]
    digest: bytes
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    unknown_scopes: frozenset[str] = frozenset()
    """Scopes of another version of this code. They allow nothing."""

    def problem(self, secret: str, now: datetime) -> str | None:
        """Why this key does not admit who brings `secret` at `now`; None when it does."""
        if not hmac.compare_digest(self.digest, digest_of(secret)):
            return f"a wrong secret for key {self.id}"
        if self.revoked_at is not None:
            return f"key {self.id} was revoked at {self.revoked_at:%Y-%m-%d %H:%M} UTC"
        if self.expires_at is not None and now >= self.expires_at:
            return f"key {self.id} expired at {self.expires_at:%Y-%m-%d %H:%M} UTC"
        return None


def scopes_of(words: Iterable[str]) -> tuple[frozenset[Scope], frozenset[str]]:
    """The scopes that `words` name, and the words that are no scope of this version."""
    said = frozenset(words)
    known = frozenset(scope for scope in Scope if scope in said)
    return known, said - known


def token_of(random_bytes: bytes) -> tuple[str, str, str]:
    """Make a key of 40 random bytes: its id, its secret, and the token that a caller brings."""
    if len(random_bytes) != ID_BYTES + SECRET_BYTES:
        raise ValueError(f"a key is made of {ID_BYTES + SECRET_BYTES} bytes")
    key_id = random_bytes[:ID_BYTES].hex()
    secret = urlsafe_b64encode(random_bytes[ID_BYTES:]).decode().rstrip("=")
    return key_id, secret, f"ct_{key_id}_{secret}"


def parse_token(token: str) -> tuple[str, str] | None:
    """The id and the secret of a token, None for what is no token of ours."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


def digest_of(secret: str) -> bytes:
    """What is kept of a secret. It has 256 random bits, so no salt and no slow hash are needed."""
    return hashlib.sha256(secret.encode()).digest()
