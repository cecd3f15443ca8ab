"""What every store of blobs does; one body for memory and for a folder through fsspec."""

import pytest

from shared.adapters.fsspec_blobs import FsspecBlobs
from shared.adapters.memory_blobs import MemoryBlobs
from shared.domain.blob import BlobMissing, BlobsUnavailable

KEY = "payloads/018f0000-0000-7000-8000-000000000001"
OTHER = "results/018f0000-0000-7000-8000-000000000002.png"


@pytest.fixture(params=["memory", "folder"])
def blobs(request, tmp_path):
    if request.param == "memory":
        return MemoryBlobs()
    return FsspecBlobs(f"file://{tmp_path}/not/yet")


@pytest.mark.parametrize("content", [b"", b"\0\xff{}", b"x" * 3_000_000])
async def test_what_was_put_is_what_is_got(blobs, content):
    await blobs.put(KEY, content)
    assert await blobs.get(KEY) == content


async def test_a_second_put_replaces_the_first(blobs):
    await blobs.put(KEY, b"a longer first one")
    await blobs.put(KEY, b"second")
    assert await blobs.get(KEY) == b"second"


async def test_a_blob_that_is_not_there_is_missing(blobs):
    with pytest.raises(BlobMissing, match=KEY):
        await blobs.get(KEY)


async def test_a_deleted_blob_is_gone_and_deleting_again_does_not_matter(blobs):
    await blobs.put(KEY, b"1")
    await blobs.put(OTHER, b"2")
    await blobs.delete([KEY, "payloads/never-there"])
    await blobs.delete([KEY])
    assert await blobs.keys() == [OTHER]


async def test_the_keys_of_all_blobs_are_listed_sorted(blobs):
    assert await blobs.keys() == []
    await blobs.put(OTHER, b"2")
    await blobs.put(KEY, b"1")
    assert await blobs.keys() == [KEY, OTHER]


async def test_a_folder_that_cannot_be_used_is_a_store_that_is_away(tmp_path):
    (tmp_path / "file").write_text("in the way")
    blobs = FsspecBlobs(f"file://{tmp_path}/file")
    with pytest.raises(BlobsUnavailable):
        await blobs.put(KEY, b"1")
