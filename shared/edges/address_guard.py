"""Which URLs a task may reach for a caller (SSRF guard). Decides before any connection; opens none.

Source: OWASP, "Server-Side Request Forgery Prevention".
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pydantic import HttpUrl

from shared.domain.outcome import MayPass, RejectTask
from shared.edges.global_address import is_global

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Every address of a host name, as text. Raises: OSError when the name cannot be resolved."""

PORTS: Final = (443, 8443)
RESOLVE_SECONDS: Final = 10.0
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+")
_PRIVATE_SUFFIXES: Final = ("localhost", "local", "internal")


class BlockedAddress(RejectTask):
    """The URL must not be reached from here. The reason names no address that it resolved to."""


class Unresolved(MayPass):
    """The name has no address now; the DNS may be in trouble: worth another attempt."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the name for TLS and Host, and the checked addresses to connect to."""

    host: str
    addresses: tuple[str, ...]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host` by the system's resolver, in the order to try them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def checked_target(
    url: HttpUrl,
    *,
    allow: Collection[str] = (),
    resolve: Resolve = resolve,
    ports: Collection[int] = PORTS,
) -> Target:
    """Where a request for `url` shall connect to.

    `allow` holds `host:port` pairs that may be private, on any port, and plain http. The name is
    resolved once, here: whoever connects to the target's addresses cannot be rebound.
    Raises: BlockedAddress; Unresolved.
    """
    host = (url.host or "").strip("[]").removesuffix(".")
    port = 443 if url.port is None else url.port  # 0 is a port that a URL can name
    allowed = _pair(host, port) in allow
    if not allowed:
        _check_form(url.scheme, host, port, ports)
    addresses = await _addresses(host, port, resolve)
    if not addresses or not (allowed or all(map(is_global, addresses))):
        raise BlockedAddress(f"{host} is not on the public internet")
    return Target(host, tuple(addresses))


def _pair(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check_form(scheme: str, host: str, port: int, ports: Collection[int]) -> None:
    """What can be refused without asking a name server."""
    if scheme != "https":
        raise BlockedAddress(f"only https URLs may be reached, not {scheme}")
    if port not in ports:
        open_ports = " or ".join(map(str, ports))
        raise BlockedAddress(f"port {port} may not be reached; use {open_ports}")
    if _is_literal(host):
        return
    if not _NAME.fullmatch(host) or host.rpartition(".")[2] in _PRIVATE_SUFFIXES:
        raise BlockedAddress(f"{host} is not the full name of a public host")


async def _addresses(host: str, port: int, resolve: Resolve) -> list[str]:
    if _is_literal(host):
        return [host]
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            return await resolve(host, port)
    except OSError:  # also what a time-out is
        raise Unresolved(f"{host} cannot be resolved") from None


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
