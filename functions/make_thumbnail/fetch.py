"""Reads one image from a checked target: bounded in time and size, no redirect, no proxy."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import HttpUrl

from shared.domain.outcome import MayPass, RejectTask
from shared.edges.address_guard import Target
from shared.edges.pinned_request import send_pinned, system_tls

if TYPE_CHECKING:
    import httpx

MAX_IMAGE_BYTES: Final = 10_000_000
_PASSING: Final = (408, 425, 429)
_HEADERS: Final = {
    "Accept": "image/*",
    "Accept-Encoding": "identity",
    "User-Agent": "CloudTasker",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection to each address may take, and all of it; under the time limit."""

    connect_seconds: float = 10.0
    whole_seconds: float = 40.0


class NotFetched(MayPass):
    """The image did not come: worth another attempt."""


class NoImageThere(RejectTask):
    """The answer is final, and holds no image that could be used."""


async def fetch(
    url: HttpUrl,
    target: Target,
    *,
    tls: ssl.SSLContext | None = None,
    patience: Patience = Patience(),
) -> bytes:
    """What a GET of `url` answers, at most 10,000,000 bytes.

    Raises: NoImageThere for a redirect, a 4xx, or a larger body; NotFetched for what may pass.
    """
    import httpx

    timeout = httpx.Timeout(patience.whole_seconds, connect=patience.connect_seconds)
    try:
        async with (
            asyncio.timeout(patience.whole_seconds),
            httpx.AsyncClient(
                verify=tls or system_tls(), trust_env=False, timeout=timeout
            ) as client,
        ):
            response = await send_pinned(client, "GET", url, target, _HEADERS)
            try:
                return await _body(response, target.host)
            finally:
                await response.aclose()
    except (httpx.TransportError, TimeoutError) as error:
        reason = f"{type(error).__name__} {error}".strip()
        raise NotFetched(f"{target.host}: {reason}") from error


async def _body(response: "httpx.Response", host: str) -> bytes:
    _check_status(response.status_code, host)
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) > MAX_IMAGE_BYTES:
            raise NoImageThere(f"{host} answered more than {MAX_IMAGE_BYTES:,} bytes")
    return bytes(read)


def _check_status(status: int, host: str) -> None:
    said = f"{host} answered {status}"
    if 300 <= status < 400:
        raise NoImageThere(f"{said}; redirects are not followed, use the final URL")
    if 400 <= status < 500 and status not in _PASSING:
        raise NoImageThere(said)
    if status != 200:
        raise NotFetched(said)
