"""One POST to a checked target: bounded in time and size, no redirect, no proxy, no second look-up.

Knows HTTP; knows neither which targets are allowed nor what an answer means for the task.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from pydantic import HttpUrl

from functions.deliver_webhook.address_guard import Target

if TYPE_CHECKING:
    import httpx

PATIENCE_SECONDS: Final = 45.0
"""Until the answer's status; under the task type's time limit, so that the error says why."""
CONNECT_SECONDS: Final = 10.0
EXCERPT_SECONDS: Final = 5.0
EXCERPT_BYTES: Final = 4096


class NoAnswer(Exception):
    """Nothing that could be read came back; the receiver may or may not have seen the request."""


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What the receiver answered; `excerpt` is the beginning of the text, empty if it is none."""

    status: int
    headers: Mapping[str, str]
    excerpt: str
    duration_ms: int


async def post(
    url: HttpUrl,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    tls: ssl.SSLContext | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> WebhookAnswer:
    """POST `body` to `url` at the addresses of `target`, trying the next where one is deaf.

    Raises: NoAnswer when there is no status within `patience_seconds`.
    """
    import httpx

    # httpx logs each URL, and a webhook's URL may hold a secret.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    timeout = httpx.Timeout(patience_seconds, connect=min(CONNECT_SECONDS, patience_seconds))
    try:
        async with httpx.AsyncClient(
            verify=tls or _system_tls(), trust_env=False, timeout=timeout
        ) as client:
            return await _first_answer(client, url, target, body, headers, patience_seconds)
    except (httpx.TransportError, TimeoutError) as error:
        raise NoAnswer(f"{target.host}: {type(error).__name__} {error}".strip()) from error


@cache
def _system_tls() -> ssl.SSLContext:
    """Loading the certificate authorities costs tens of milliseconds, so it is done once."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


async def _first_answer(
    client: "httpx.AsyncClient",
    url: HttpUrl,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    patience_seconds: float,
) -> WebhookAnswer:
    started = time.perf_counter()
    async with asyncio.timeout(patience_seconds):
        response = await _send(client, url, target, body, headers)
    duration_ms = round((time.perf_counter() - started) * 1000)
    try:
        excerpt = await _excerpt(response)
    finally:
        await response.aclose()
    return WebhookAnswer(response.status_code, response.headers, excerpt, duration_ms)


async def _send(
    client: "httpx.AsyncClient",
    url: HttpUrl,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
) -> "httpx.Response":
    """The request names the host; the connection goes to an address that was checked."""
    import httpx

    named = httpx.URL(str(url))
    headers = {**headers, "Host": named.netloc.decode()}
    failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
    for address in target.addresses:
        request = client.build_request(
            "POST",
            named.copy_with(host=address),
            content=body,
            headers=headers,
            extensions={"sni_hostname": target.host.strip("[]")},
        )
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as deaf:
            failure = deaf
    raise failure or httpx.ConnectError("no address")


async def _excerpt(response: "httpx.Response") -> str:
    """The beginning of a textual body. The status already decides, so nothing here may fail."""
    import httpx

    if not _is_text(response):
        return ""
    read = bytearray()
    with suppress(httpx.TransportError, TimeoutError):
        async with asyncio.timeout(EXCERPT_SECONDS):
            async for chunk in response.aiter_raw():
                read += chunk
                if len(read) >= EXCERPT_BYTES:
                    break
    # A row cannot hold NUL characters.
    return bytes(read[:EXCERPT_BYTES]).decode("utf-8", "replace").replace("\0", "\ufffd")


def _is_text(response: "httpx.Response") -> bool:
    content_type: str = response.headers.get("content-type", "")
    encoding: str = response.headers.get("content-encoding", "identity")
    media_type = content_type.partition(";")[0].strip().lower()
    textual = media_type.startswith("text/") or media_type.endswith(("json", "xml"))
    return textual and encoding.lower() == "identity"
