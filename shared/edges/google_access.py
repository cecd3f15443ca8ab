"""The policy of `CLOUDTASKER_AUTH=google`: callers bring ID tokens of accounts on a list.

Who is on the list may do everything: scopes belong to API keys.
"""

from shared.domain.api_key import Scope
from shared.edges.access import Caller
from shared.edges.behind_gateway import BehindGateway
from shared.edges.id_token import IdTokenCheck
from shared.edges.token_claims import Expected
from shared.settings import Settings


class GoogleAccess:
    """See `AccessPolicy`."""

    def __init__(self, settings: Settings, check: IdTokenCheck | None = None) -> None:
        expected = Expected(frozenset(settings.auth_audiences), frozenset(settings.auth_callers))
        # Never the platform's to check: that has checked the gateway's own token, if any.
        self._check = check or IdTokenCheck("signature", expected, settings.push_issuer_keys_url)
        self._gateway = BehindGateway(settings)

    def check_bind(self, host: str) -> None:
        """Every address may be served: callers bring tokens."""

    async def admit(self, caller: Caller, scope: Scope | None) -> str:
        """See `AccessPolicy.admit`."""
        return await self._check.check(await self._gateway.authorization_of(caller))
