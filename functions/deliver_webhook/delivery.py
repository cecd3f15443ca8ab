"""One POST to a checked target: bounded in time and size, no redirect, no proxy, no second look-up.

Knows HTTP; knows neither which targets are allowed nor what an answer means for the task.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import HttpUrl

from shared.domain.outcome import MayPass
from shared.edges.address_guard import Target
from shared.edges.pinned_request import send_pinned, system_tls

if TYPE_CHECKING:
    import httpx

EXCERPT_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each part may take; together under the task type's time limit.

    `answer_seconds` counts from the start to the answer's headers, `connect_seconds` for each
    address, `excerpt_seconds` from the headers.
    """

    connect_seconds: float = 10.0
    answer_seconds: float = 40.0
    excerpt_seconds: float = 5.0


class NoAnswer(MayPass):
    """Nothing that could be read came back; the receiver may or may not have seen the request."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What to POST, and the checked addresses of the URL's host."""

    url: HttpUrl
    target: Target
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What the receiver answered; `excerpt` is the beginning of the text, empty if it is none."""

    status: int
    headers: Mapping[str, str]
    excerpt: str
    duration_ms: int


async def post(
    webhook: WebhookRequest,
    *,
    tls: ssl.SSLContext | None = None,
    patience: Patience = Patience(),
) -> WebhookAnswer:
    """POST `webhook` to its target, trying the next address where one is deaf.

    Raises: NoAnswer when there is no status in time.
    """
    import httpx

    timeout = httpx.Timeout(patience.answer_seconds, connect=patience.connect_seconds)
    try:
        async with httpx.AsyncClient(
            verify=tls or system_tls(), trust_env=False, timeout=timeout
        ) as client:
            return await _answer(client, webhook, patience)
    except (httpx.TransportError, TimeoutError) as error:
        reason = f"{type(error).__name__} {error}".strip()
        raise NoAnswer(f"{webhook.target.host}: {reason}") from error


async def _answer(
    client: "httpx.AsyncClient", webhook: WebhookRequest, patience: Patience
) -> WebhookAnswer:
    started = time.perf_counter()
    async with asyncio.timeout(patience.answer_seconds):
        response = await send_pinned(
            client, "POST", webhook.url, webhook.target, webhook.headers, webhook.body
        )
    duration_ms = round((time.perf_counter() - started) * 1000)
    try:
        excerpt = await _excerpt(response, patience.excerpt_seconds)
    finally:
        await response.aclose()
    return WebhookAnswer(response.status_code, response.headers, excerpt, duration_ms)


async def _excerpt(response: "httpx.Response", within_seconds: float) -> str:
    """The beginning of a textual body. The status already decides, so nothing here may fail."""
    import httpx

    if not _is_text(response):
        return ""
    read = bytearray()
    with suppress(httpx.TransportError, TimeoutError):
        async with asyncio.timeout(within_seconds):
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
