"""Blobs through fsspec: a folder (`file:///…`), or a bucket (`gs://name`).

Imported at the first use: fsspec costs a start 0.2 s, gcsfs 1.1 s. All calls block,
so they run in threads.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shared.domain.blob import BlobMissing, BlobsUnavailable

T = TypeVar("T")


class FsspecBlobs:
    """See `Blobs`. `url` names the folder or bucket, with a path in it or not."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._opened: tuple[Any, str, tuple[type[Exception], ...]] | None = None

    async def put(self, key: str, content: bytes) -> None:
        """See `Blobs.put`."""
        await self._call(lambda fs, root: fs.pipe_file(f"{root}/{key}", content), key)

    async def get(self, key: str) -> bytes:
        """See `Blobs.get`."""
        return await self._call(lambda fs, root: bytes(fs.cat_file(f"{root}/{key}")), key)

    async def delete(self, keys: Sequence[str]) -> None:
        """See `Blobs.delete`."""
        for key in keys:
            try:
                await self._call(_removal(key), key)
            except BlobMissing:
                continue

    async def keys(self) -> list[str]:
        """See `Blobs.keys`."""
        return await self._call(
            lambda fs, root: sorted(path.removeprefix(f"{root}/") for path in fs.find(root)), ""
        )

    async def _call(self, call: Callable[[Any, str], T], key: str) -> T:
        return await asyncio.to_thread(self._blocking, call, key)

    def _blocking(self, call: Callable[[Any, str], T], key: str) -> T:
        self._opened = self._opened or _open(self._url)
        filesystem, root, errors = self._opened
        try:
            return call(filesystem, root)
        except FileNotFoundError:
            raise BlobMissing(key) from None
        except errors as away:
            raise BlobsUnavailable(f"the blob store did not answer: {away}") from away


def _removal(key: str) -> Callable[[Any, str], Any]:
    return lambda fs, root: fs.rm_file(f"{root}/{key}")


def _open(url: str) -> tuple[Any, str, tuple[type[Exception], ...]]:
    """The file system, the path in it, and what it raises when it is away."""
    from fsspec.core import url_to_fs

    if not url.startswith("gs://"):
        filesystem, root = url_to_fs(url, auto_mkdir=True, skip_instance_cache=True)
        return filesystem, root, (OSError,)
    from aiohttp import ClientError
    from gcsfs.retry import HttpError
    from google.auth.exceptions import GoogleAuthError

    filesystem, root = url_to_fs(url, use_listings_cache=False)
    return filesystem, root, (OSError, HttpError, ClientError, GoogleAuthError)
