"""API keys for tests: one that is kept in a store, and the token that a caller brings."""

from datetime import UTC, datetime
from hashlib import sha256

from shared.domain.api_key import ApiKey, Scope, digest_of, token_of
from shared.domain.ports import KeyStore

CREATED = datetime(2026, 11, 24, 12, tzinfo=UTC)


def made_key(name: str, *scopes: Scope, **fields) -> tuple[ApiKey, str]:
    """A key that is the same for the same name, and its token."""
    key_id, secret, token = token_of((sha256(name.encode()).digest() * 2)[:40])
    return ApiKey(key_id, name, frozenset(scopes), digest_of(secret), CREATED, **fields), token


async def kept_key(store: KeyStore, name: str, *scopes: Scope, **fields) -> str:
    """Keep a key of some scopes; return its token."""
    key, token = made_key(name, *scopes, **fields)
    await store.add(key)
    return token
