"""Gets and reads a JSON Web Key Set (RFC 7517). Blocking; one request, no proxy, no redirect.

With the standard library's client: it is needed once an hour, and an HTTP library costs 0.4 s of
every cold start.
"""

import http.client
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from shared.domain.errors import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

FETCH_SECONDS: Final = 3.0
_MAX_BYTES: Final = 256 * 1024
_MAX_KEYS: Final = 100
_MIN_BITS: Final = 2048


class KeysUnavailable(Exception):
    """The key set could not be fetched, or is none; the message says why."""


def check_address(url: str) -> None:
    """Raises: Misconfigured when `url` is no address that `fetch_jwks` can ask."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise Misconfigured(
            f"CLOUDTASKER_PUSH_ISSUER_KEYS_URL is {url!r}; it must be https://… or http://…"
        )


def fetch_jwks(url: str) -> tuple[bytes, str]:
    """The body of `url`, which `check_address` accepts, and its Cache-Control header.

    Raises: KeysUnavailable.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, parts.port, timeout=FETCH_SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(_MAX_BYTES + 1)
        if response.status != 200:
            raise KeysUnavailable(f"the issuer's keys answered {response.status}")
        if len(body) > _MAX_BYTES:
            raise KeysUnavailable(f"the issuer's keys are over {_MAX_BYTES} bytes")
        return body, response.getheader("Cache-Control", "")
    except (OSError, http.client.HTTPException) as away:
        raise KeysUnavailable(f"{type(away).__name__}: {away}") from None
    finally:
        connection.close()


def public_keys(body: bytes) -> "dict[str, RSAPublicKey]":
    """The RSA signing keys of a key set, by key id; what is no such key is passed over.

    Raises: KeysUnavailable when none is left.
    """
    try:
        listed = json.loads(body)["keys"][:_MAX_KEYS]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeysUnavailable("the issuer's keys are not a JSON Web Key Set") from None
    keys = {entry["kid"]: key for entry in listed if (key := _public_key(entry)) is not None}
    if not keys:
        raise KeysUnavailable("the issuer's key set holds no RSA key")
    return keys


def _public_key(entry: Any) -> "RSAPublicKey | None":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt.algorithms import RSAAlgorithm
    from jwt.exceptions import InvalidKeyError

    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        key = RSAAlgorithm.from_jwk(entry)
    except (InvalidKeyError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_BITS else None
