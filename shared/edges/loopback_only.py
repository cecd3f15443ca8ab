"""The policy of `CLOUDTASKER_AUTH=none`: no credentials, and nobody but this machine."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from shared.domain.api_key import Scope
from shared.domain.errors import Misconfigured, Unauthenticated
from shared.edges.access import Caller
from shared.edges.actor import LOCAL

_MAX_AUTHORITY: Final = 255


@dataclass(frozen=True, slots=True)
class LoopbackOnly:
    """See `AccessPolicy`. Who is on this machine may do everything."""

    def check_bind(self, host: str) -> None:
        """Raises: Misconfigured when a server that listens on `host` could be reached from outside.

        For servers that choose their own address. An edge that does not, checks each request.
        """
        if not is_loopback(host):
            raise Misconfigured(
                f"HOST is {host}, and CLOUDTASKER_AUTH=none serves this machine only; "
                "set HOST=127.0.0.1"
            )

    async def admit(self, caller: Caller, scope: Scope | None) -> str:
        """Let a request pass that arrived at this machine's own address, for its own name.

        The authority is checked too: a web page whose name was made to resolve to 127.0.0.1
        reaches this port, but under its own name.
        Raises: Unauthenticated, with the reason for the log.
        """
        address, authority = caller.server_address, caller.authority
        if not is_loopback(address):
            raise Unauthenticated(
                f"CLOUDTASKER_AUTH=none serves loopback only, not {address[:100] or '?'}"
            )
        if authority is not None and not is_loopback(_host_of(authority)):
            raise Unauthenticated(
                f"CLOUDTASKER_AUTH=none serves the host localhost only, not {authority[:100]!r}"
            )
        return LOCAL


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
