"""Who may call the API: one policy object for REST and gRPC, so that neither can forget it.

Denies by default. A policy decides on addresses and credentials alone and reads no request body.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.domain.api_key import Scope
from shared.domain.errors import Misconfigured
from shared.domain.ports import KeyStore
from shared.settings import Settings

_NOT_CHOSEN: Final = (
    "CLOUDTASKER_AUTH must be chosen in production: without it anybody could enqueue tasks; "
    "`none` serves this machine only"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request says of who sent it.

    `server_address` is where it arrived; `authority` is HTTP's Host, None where no web page of
    another host can call (gRPC). `headers` have lower-case names.
    """

    server_address: str
    authority: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


class AccessPolicy(Protocol):
    """Decides who may do what."""

    def check_bind(self, host: str) -> None:
        """Raises: Misconfigured when a server of this policy may not listen on `host`."""
        ...

    async def admit(self, caller: Caller, scope: Scope | None) -> str:
        """Who `caller` is, once it may do what needs `scope`; None needs no more than to be known.

        The answer is for the audit: `key:<id>`, an e-mail address, or `local`.

        Raises: Unauthenticated, with the reason for the log; Forbidden, with the missing scope;
        LedgerUnavailable when it cannot be told now.
        """
        ...


def check_choice(settings: Settings) -> None:
    """Raises: Misconfigured when the settings do not say who may call."""
    if not settings.auth:
        raise Misconfigured(_NOT_CHOSEN)


def access_policy(settings: Settings, keys: KeyStore | None = None) -> AccessPolicy:
    """The policy that `settings` choose; `keys` are needed for `keys`.

    Raises: Misconfigured when none is chosen where one must be, or what it needs is not set.
    """
    check_choice(settings)
    if settings.auth == "none":
        from shared.edges.loopback_only import LoopbackOnly

        return LoopbackOnly()
    if settings.auth == "google":
        from shared.edges.google_access import GoogleAccess

        return GoogleAccess(settings)
    from shared.edges.key_access import KeyAccess

    if keys is None:
        raise Misconfigured("CLOUDTASKER_AUTH=keys needs a store of keys")
    return KeyAccess(keys, settings)
