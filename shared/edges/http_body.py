"""Reads the body of a request: only JSON, only so much, only for so long."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from shared.domain.errors import RequestTooLarge, UnsupportedMediaType
from shared.domain.requests import MAX_BODY_BYTES
from shared.edges.http_errors import HttpError, Problem
from shared.edges.strict_json import loads

BODY_SECONDS: Final = 10.0
"""How long a caller may take to send a body."""
_BYTES_IN_TIME: Final = 5_000_000
"""What is allowed to be larger than this is given more time."""
_BIG_BYTES: Final = 65_536
"""A larger body is parsed in a thread: the worst of 1 MB takes half a second, and others wait."""
_READ: Final = "cloudtasker.body_was_read"


async def read_json(request: Request) -> Any:
    """As `read_sized_json`, without the size."""
    value, _ = await read_sized_json(request)
    return value


async def read_sized_json(request: Request, limit: int = MAX_BODY_BYTES) -> tuple[Any, int]:
    """The value that the request's body holds, and the body's size in bytes.

    Raises: UnsupportedMediaType, RequestTooLarge, InvalidRequest; HttpError with 408.
    """
    check_media_type(request.headers.get("content-type"), request.headers.get("content-encoding"))
    seconds = BODY_SECONDS * max(1, limit / _BYTES_IN_TIME)
    body = await read_body(request, limit, seconds)
    if len(body) > _BIG_BYTES:
        return await asyncio.to_thread(loads, body), len(body)
    return loads(body), len(body)


def check_media_type(content_type: str | None, content_encoding: str | None) -> None:
    """Accept `application/json` and `application/…+json`, in UTF-8, not compressed.

    Raises: UnsupportedMediaType. A compressed body could grow a thousandfold when it is read.
    """
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(
            f"content-encoding {content_encoding[:100]!r} is not read here; send it uncompressed"
        )
    essence, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    kind, _, subtype = essence.partition("/")
    if kind != "application" or not (subtype == "json" or subtype.endswith("+json")):
        raise UnsupportedMediaType(
            f"content-type {(content_type or '')[:100]!r} is not read here; send application/json"
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(f"charset {value[:100]!r} is not read here; send UTF-8")


async def read_body(
    request: Request, limit: int = MAX_BODY_BYTES, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body, counted while it arrives: a wrong Content-Length does not matter.

    Raises: RequestTooLarge above `limit` bytes, at once when Content-Length says so already;
    HttpError with 408 after `seconds`; ClientDisconnect.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise RequestTooLarge(limit)
    try:
        async with asyncio.timeout(seconds):
            body = await _received(request, limit)
    except TimeoutError:
        raise HttpError(_too_slow(seconds)) from None
    request.scope[_READ] = True
    return body


async def _received(request: Request, limit: int) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            raise RequestTooLarge(limit)
        more = message.get("more_body", False)
    return bytes(body)


def has_unread_body(request: Request) -> bool:
    """Whether the caller may still be sending: then the connection must end with the answer."""
    if _READ in request.scope:
        return False
    declared = request.headers.get("content-length", "0")
    return declared != "0" or "transfer-encoding" in request.headers


def _too_slow(seconds: float) -> Problem:
    return Problem(
        code="request_timeout",
        status=HTTPStatus.REQUEST_TIMEOUT,
        title="The body did not arrive in time",
        detail=f"the request's body was not complete after {seconds:g} s",
    )
