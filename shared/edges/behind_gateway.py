"""Whose credentials count when API Gateway stands in front: the gateway's own prove that it does.

API Gateway calls as its own account, in `Authorization`, and hands the caller's header on as
`X-Forwarded-Authorization`. Anybody could write that header, so it counts only beside a token of
the gateway's account.
"""

from typing import Final

from shared.edges.access import Caller
from shared.edges.id_token import IdTokenCheck
from shared.edges.token_claims import Expected
from shared.settings import Settings

FORWARDED: Final = "x-forwarded-authorization"


class BehindGateway:
    """Finds the header that the caller itself sent."""

    def __init__(self, settings: Settings, check: IdTokenCheck | None = None) -> None:
        self._check = check
        if settings.auth_gateway and check is None:
            expected = Expected.one(settings.push_audience, settings.auth_gateway)
            self._check = IdTokenCheck(settings.push_auth, expected, settings.push_issuer_keys_url)

    async def authorization_of(self, caller: Caller) -> str | None:
        """The caller's own Authorization. Raises: Unauthenticated for a false gateway."""
        if self._check is None:
            return caller.headers.get("authorization")
        await self._check.check(caller.headers.get("authorization"))
        return caller.headers.get(FORWARDED)
