"""Make a small copy of an image. Knows where images come from; knows nothing of their formats."""

import ssl
from base64 import b64decode
from collections.abc import Collection
from functools import partial
from typing import Any

from functions.make_thumbnail.fetch import fetch
from functions.make_thumbnail.imaging import thumbnail
from functions.make_thumbnail.payload import MakeThumbnail
from shared.edges.address_guard import Resolve, checked_target, resolve
from shared.edges.blocking import in_thread
from shared.edges.task_context import TaskContext


async def make_thumbnail(
    payload: MakeThumbnail,
    context: TaskContext,
    *,
    resolve: Resolve = resolve,
    allow: Collection[str] = (),
    tls: ssl.SSLContext | None = None,
) -> dict[str, Any]:
    """Store the thumbnail; return `{"blob", "width", "height", "bytes"}`.

    Safe to repeat: another attempt overwrites the same blob. `allow` holds `host:port` pairs that
    may be private. Raises: RejectTask for a blocked address, a redirect, a 4xx, and an image that
    is too large or unreadable; NotFetched and Unresolved for what may pass; Misconfigured without
    a blob store.
    """
    content = await _content(payload, resolve=resolve, allow=allow, tls=tls)
    small = await in_thread(
        partial(
            thumbnail,
            content,
            max_width=payload.max_width,
            max_height=payload.max_height,
            to=payload.format,
        )
    )
    return {
        "blob": await context.keep(payload.format, small.content),
        "width": small.width,
        "height": small.height,
        "bytes": len(small.content),
    }


async def _content(
    payload: MakeThumbnail,
    *,
    resolve: Resolve,
    allow: Collection[str],
    tls: ssl.SSLContext | None,
) -> bytes:
    if payload.url is None:
        return b64decode(payload.image_base64 or "")
    target = await checked_target(payload.url, allow=allow, resolve=resolve)
    return await fetch(payload.url, target, tls=tls)
