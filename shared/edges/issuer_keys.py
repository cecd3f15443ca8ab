"""The issuer's public keys, by key id: fetched when first needed, kept as long as they may be.

A caller who invents key ids must not make us fetch, and an issuer that is away must not make us
refuse: what is known stays in use.
"""

import asyncio
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from shared import telemetry
from shared.edges.blocking import in_thread
from shared.edges.jwks import FETCH_SECONDS, KeysUnavailable, check_address, fetch_jwks, public_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MIN_KEEP_SECONDS: Final = 300.0
MAX_KEEP_SECONDS: Final = 86_400.0
QUIET_SECONDS: Final = 60.0
"""The shortest time between two fetches, as long as any key is known."""
FIRST_RETRY_SECONDS: Final = 5.0
"""The same while no key is known, when nothing can be accepted anyway."""
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})\b")


class IssuerKeys:
    """The keys at `url` (a JSON Web Key Set). For one event loop."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = FETCH_SECONDS,
    ) -> None:
        """Raises: Misconfigured when `url` is not one of http or https."""
        check_address(url)
        self._url = url
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._keys: dict[str, RSAPublicKey] = {}
        self._fresh_until = self._quiet_until = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, key_id: str) -> "RSAPublicKey | None":
        """The key with this id, or None when the issuer has none; waits for at most one fetch.

        Keys that are past their time are still served while they are being fetched anew.
        """
        known = self._keys.get(key_id)
        if known is not None:
            if self._clock() >= self._fresh_until:
                self._fetch()
            return known
        fetching = self._fetch()
        if fetching is not None:
            await asyncio.shield(fetching)
        return self._keys.get(key_id)

    def _fetch(self) -> "asyncio.Task[None] | None":
        """The fetch under way, a new one, or None when it is too early for another."""
        if self._fetching is None and self._clock() >= self._quiet_until:
            self._quiet_until = self._clock() + QUIET_SECONDS
            self._fetching = asyncio.get_running_loop().create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                said, cache_control = await in_thread(lambda: fetch_jwks(self._url))
            self._keys = public_keys(said)
            self._fresh_until = self._clock() + keep_seconds(cache_control)
        except (KeysUnavailable, TimeoutError) as away:
            self._fresh_until = self._clock() + QUIET_SECONDS
            if not self._keys:
                self._quiet_until = self._clock() + FIRST_RETRY_SECONDS
            telemetry.log(
                telemetry.Event.ISSUER_KEYS_UNAVAILABLE,
                severity="ERROR",
                why=str(away) or f"no answer within {self._patience_seconds:g} s",
                url=self._url,
                known_keys=len(self._keys),
            )
        finally:
            self._fetching = None


def keep_seconds(cache_control: str) -> float:
    """How long keys that came with this Cache-Control header are fresh: 5 minutes to 24 hours."""
    found = _MAX_AGE.search(cache_control.lower())
    asked = float(found[1]) if found else 0.0
    return min(max(asked, MIN_KEEP_SECONDS), MAX_KEEP_SECONDS)
