"""The policy of `CLOUDTASKER_AUTH=keys`: callers bring API keys of our own.

A key is looked up once in a few seconds, not at each request: so a revoked one works for that
long at the most, and who guesses ids costs the database little.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.domain.api_key import ApiKey, Scope, parse_token
from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.ports import KeyStore
from shared.edges.access import Caller
from shared.edges.behind_gateway import BehindGateway
from shared.settings import Settings
from shared.telemetry import Event, log

KEEP_SECONDS: Final = 5.0
"""How long a key, or that there is none, is believed without asking again."""
USED_SECONDS: Final = 60.0
"""How exact the moment of a key's last use is."""
MAX_KEPT: Final = 4096
HEADER: Final = "x-api-key"


@dataclass(frozen=True, slots=True)
class _Kept:
    key: ApiKey | None
    until: float


@dataclass(frozen=True, slots=True)
class _Lookup:
    """One that runs, for all who need its key meanwhile."""

    began: float
    task: asyncio.Task[ApiKey | None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class KeyAccess:
    """See `AccessPolicy`. `clock` is monotonic, `now` is aware UTC."""

    def __init__(
        self,
        keys: KeyStore,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._keys = keys
        self._gateway = BehindGateway(settings)
        self._clock = clock
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._lookups: dict[str, _Lookup] = {}
        self._noted: dict[str, float] = {}

    def check_bind(self, host: str) -> None:
        """Every address may be served: callers bring keys."""

    async def admit(self, caller: Caller, scope: Scope | None) -> str:
        """See `AccessPolicy.admit`."""
        key_id, secret = await self._brought(caller)
        key = await self._find(key_id)
        if key is None:
            raise Unauthenticated(f"no key {key_id}")
        if problem := key.problem(secret, self._now()):
            raise Unauthenticated(problem)
        if scope is not None and scope not in key.scopes:
            raise Forbidden(scope.value)
        await self._note(key.id)
        return f"key:{key.id}"

    async def _brought(self, caller: Caller) -> tuple[str, str]:
        token = caller.headers.get(HEADER) or _bearer(await self._gateway.authorization_of(caller))
        brought = parse_token(token)
        if brought is None:
            raise Unauthenticated("no API key, or one that is none of ours")
        return brought

    async def _find(self, key_id: str) -> ApiKey | None:
        now = self._clock()
        kept = self._kept.get(key_id)
        if kept is not None and now < kept.until:
            return kept.key
        lookup = self._lookups.get(key_id)
        if lookup is None or now >= lookup.began + KEEP_SECONDS:
            lookup = _Lookup(now, asyncio.ensure_future(self._look_up(key_id, now)))
            self._lookups[key_id] = lookup
            lookup.task.add_done_callback(lambda task: self._ended(key_id, task))
        # A caller who gives up must not end the lookup of the others.
        return await asyncio.shield(lookup.task)

    async def _look_up(self, key_id: str, began: float) -> ApiKey | None:
        """What the store says; believed for a time that counts from `began`, as it may be slow."""
        key = await self._keys.find(key_id)
        if key is not None and key.unknown_scopes:
            unknown = ", ".join(sorted(key.unknown_scopes))
            log(Event.KEY_SCOPES_UNKNOWN, severity="WARNING", key=key_id, scopes=unknown)
        until = began + KEEP_SECONDS
        kept = self._kept.get(key_id)
        if kept is None or kept.until < until:
            if key_id not in self._kept and len(self._kept) >= MAX_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key_id] = _Kept(key, until)
        return key

    def _ended(self, key_id: str, task: asyncio.Task[ApiKey | None]) -> None:
        if (lookup := self._lookups.get(key_id)) and lookup.task is task:
            del self._lookups[key_id]
        if not task.cancelled():
            task.exception()  # asked for, as everybody who waited may have left

    async def _note(self, key_id: str) -> None:
        now = self._clock()
        if now >= self._noted.get(key_id, now):
            self._noted[key_id] = now + USED_SECONDS
            try:
                await self._keys.used(key_id)
            except Exception as failure:
                # A caller who proved who it is goes in, whatever became of this note.
                log(Event.KEY_USE_NOT_NOTED, severity="WARNING", key=key_id, error=failure)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
