"""Cloud Run's own check before a service: only who has `run.invoker` on it may call.

An ASGI application around another; it knows nothing of what is behind.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt

from emulators.cloud import grants
from emulators.cloud.folder import Folder

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_PROBE = "/ready"  # the platform's own probes ask without a token
_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_KEPT_TOKENS = 1000


class Refused(Exception):
    """A request that does not reach the service: its status, and why."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


class Keys(Protocol):
    """Finds the key that a token says it is signed with."""

    def get_signing_key_from_jwt(self, token: str) -> Any:
        """Return it. Raises: PyJWTError when there is none."""


class InvokerCheck:
    """Lets through who may invoke the service `name`, by the grants of the folder at the moment."""

    def __init__(self, app: App, name: str, folder: Folder, keys: Keys) -> None:
        self._app = app
        self._name = name
        self._folder = folder
        self._keys = keys
        self._known: dict[str, tuple[str, float]] = {}
        self._invokers: tuple[int, set[str]] = (0, set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403, or hand the request on."""
        if scope["type"] == "http" and scope["path"] != _PROBE:
            try:
                await self._admit(dict(scope["headers"]).get(b"authorization", b"").decode())
            except Refused as refused:
                return await _answer(send, refused)
        return await self._app(scope, receive, send)

    async def _admit(self, authorization: str) -> None:
        invokers = self._who_may()
        if invokers & set(grants.EVERYBODY):
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(403, f"{self._name} may not be called without a token")
        email = await self._email_of(token)
        if f"serviceAccount:{email}" not in invokers:
            raise Refused(403, f"{email} has not {grants.RUN_INVOKER} on {self._name}")

    def _who_may(self) -> set[str]:
        """Return the invokers; the files are read again when one of them has come or gone."""
        changed = (self._folder.path / "grants").stat().st_mtime_ns
        if self._invokers[0] != changed:
            members = grants.members_of(self._folder, grants.RUN_INVOKER, self._name)
            self._invokers = (changed, members)
        return self._invokers[1]

    async def _email_of(self, token: str) -> str:
        email, until = self._known.get(token, ("", 0.0))
        if time.time() < until:
            return email
        try:
            key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            claims = jwt.decode(
                token, key, ["RS256"], issuer=list(_ISSUERS), options={"verify_aud": False}
            )
        except jwt.PyJWTError as error:
            raise Refused(401, f"the token is not valid: {error}") from error
        if not _is_for(self._name, str(claims.get("aud", ""))):
            raise Refused(401, f"the token's audience is not {self._name}: {claims.get('aud')}")
        if len(self._known) >= _KEPT_TOKENS:
            self._known.clear()
        self._known[token] = (str(claims.get("email", "")), float(claims["exp"]))
        return self._known[token][0]


def _is_for(name: str, audience: str) -> bool:
    """Whether an audience is an address that Cloud Run gives the service, or its address here."""
    host = urlsplit(audience).hostname or ""
    return host == "127.0.0.1" or (host.startswith(f"{name}-") and host.endswith(".run.app"))


async def _answer(send: Send, refused: Refused) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{refused}\n".encode()})
