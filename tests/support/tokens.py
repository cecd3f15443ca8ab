"""An issuer of OIDC tokens with real RSA keys, and a server of its keys that counts its callers."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from tests.support.ports import free_port

AUDIENCE = "https://greet.example.com"
EMAIL = "pubsub-push@cloudtasker-local.iam.gserviceaccount.com"
KEY_ID = "key-1"


def private_key(name: str = KEY_ID) -> RSAPrivateKey:
    """One key a name and a test run: making one takes a tenth of a second."""
    return _key(name)


@cache
def _key(_name: str) -> RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def claims(now: float | None = None, **changes: Any) -> dict[str, Any]:
    """The claims of a good push token issued at `now`; a change to None leaves a claim out."""
    issued_at = int(time.time() if now is None else now)
    good = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "azp": "1234567890",
        "sub": "1234567890",
        "email": EMAIL,
        "email_verified": True,
        "iat": issued_at,
        "exp": issued_at + 3600,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(said: dict[str, Any], key_id: str = KEY_ID, signed_with: str | None = None) -> str:
    """A token of `said`, signed with RS256."""
    key = private_key(signed_with or key_id)
    return jwt.encode(said, key, "RS256", headers={"kid": key_id})


def part(value: Any) -> str:
    """A token's header or payload in its written form."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(header: dict[str, Any], said: Any, secret: bytes) -> str:
    """A token whose signature is an HMAC: what key confusion sends."""
    signed = f"{part(header)}.{part(said)}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def key_set(*key_ids: str) -> dict[str, Any]:
    """The JSON Web Key Set of the keys with these ids."""
    entries = []
    for key_id in key_ids or (KEY_ID,):
        entry = RSAAlgorithm.to_jwk(private_key(key_id).public_key(), as_dict=True)
        entries.append({**entry, "kid": key_id, "alg": "RS256", "use": "sig"})
    return {"keys": entries}


class KeyServer:
    """Serves `body` with `status` and `cache_control`; counts `fetches`; `hold` makes it slow."""

    def __init__(self) -> None:
        self.body = json.dumps(key_set()).encode()
        self.status = 200
        self.cache_control = "public, max-age=3600"
        self.fetches = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.url = ""

    def serve(self, *key_ids: str) -> None:
        """From now on, these keys."""
        self.body = json.dumps(key_set(*key_ids)).encode()


@contextmanager
def key_server() -> Iterator[KeyServer]:
    """A KeyServer on a free port of 127.0.0.1."""
    state = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.fetches += 1
            state.go_on.wait(20)
            self.send_response(state.status)
            self.send_header("Cache-Control", state.cache_control)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_: Any) -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/oauth2/v3/certs"
    try:
        yield state
    finally:
        state.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
