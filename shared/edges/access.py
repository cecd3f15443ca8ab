"""Who may call the API: one policy object for REST and gRPC, so that neither can forget it.

Denies by default. It decides on addresses and credentials alone and reads no request body.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from shared.domain.errors import Misconfigured, Unauthenticated
from shared.settings import Settings

_NOT_CHOSEN: Final = (
    "CLOUDTASKER_AUTH must be chosen in production: without it anybody could enqueue tasks; "
    "`none` serves this machine only"
)
_NOT_AVAILABLE: Final = (
    "CLOUDTASKER_AUTH={auth} is not available in this version; `none` serves this machine only"
)

_MAX_AUTHORITY: Final = 255


@dataclass(frozen=True, slots=True)
class LoopbackOnly:
    """The policy of `CLOUDTASKER_AUTH=none`: no credentials, and nobody but this machine."""

    def check_bind(self, host: str) -> None:
        """Raises: Misconfigured when a server that listens on `host` could be reached from outside.

        For servers that choose their own address. An edge that does not, checks each request.
        """
        if not is_loopback(host):
            raise Misconfigured(
                f"HOST is {host}, and CLOUDTASKER_AUTH=none serves this machine only; "
                "set HOST=127.0.0.1"
            )

    def admit(self, server_address: str, authority: str) -> None:
        """Let a request pass that arrived at `server_address` for the host `authority`.

        The authority (HTTP's Host) is checked too: a web page whose name was made to resolve to
        127.0.0.1 reaches this port, but under its own name.
        Raises: Unauthenticated, with the reason for the log.
        """
        if not is_loopback(server_address):
            raise Unauthenticated(
                f"CLOUDTASKER_AUTH=none serves loopback only, not {server_address[:100] or '?'}"
            )
        if not is_loopback(_host_of(authority)):
            raise Unauthenticated(
                f"CLOUDTASKER_AUTH=none serves the host localhost only, not {authority[:100]!r}"
            )


AccessPolicy = LoopbackOnly
"""The policies there are; authenticated ones join by a union."""


def access_policy(settings: Settings) -> AccessPolicy:
    """The policy that `settings` choose.

    Raises: Misconfigured when none is chosen where one must be, or it is not available.
    """
    if not settings.auth:
        raise Misconfigured(_NOT_CHOSEN)
    if settings.auth != "none":
        raise Misconfigured(_NOT_AVAILABLE.format(auth=settings.auth))
    return LoopbackOnly()


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, without port) is this machine talking to itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=64)
def _host_of(authority: str) -> str:
    """The host of `host:port`, with an IPv6 address freed of its brackets; empty when broken."""
    if len(authority) > _MAX_AUTHORITY or any(mark in authority for mark in "/?#@\\ "):
        return ""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""
