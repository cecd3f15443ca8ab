"""`make_thumbnail` and a real HTTP server: what it asks and reads, and what answers mean."""

from io import BytesIO

import pytest
from PIL import Image
from pydantic import HttpUrl

from functions.make_thumbnail.fetch import (
    MAX_IMAGE_BYTES,
    NoImageThere,
    NotFetched,
    Patience,
    fetch,
)
from functions.make_thumbnail.handler import make_thumbnail
from functions.make_thumbnail.payload import MakeThumbnail
from shared.adapters.fsspec_blobs import FsspecBlobs
from shared.edges.address_guard import BlockedAddress, Target
from shared.edges.task_context import TaskContext
from shared.settings import Settings
from tests.integration.task_types.conftest import TASK_ID
from tests.integration.task_types.receiver import answering
from tests.integration.task_types.trickle import trickling
from tests.support.ports import free_port

LOCAL = Target("127.0.0.1", ("127.0.0.1",))


@pytest.fixture
def get(receiver):
    async def call(path="/a.png", **options):
        return await fetch(HttpUrl(f"http://{receiver.host}{path}"), LOCAL, **options)

    return call


async def test_an_image_from_a_url_ends_as_a_file(receiver, tmp_path):
    file = BytesIO()
    Image.new("RGB", (60, 40), "red").save(file, "PNG")
    receiver.answer = answering(200, body=file.getvalue())
    payload = MakeThumbnail(url=f"http://{receiver.host}/a.png?b=c", max_width=30, max_height=30)
    blobs = FsspecBlobs(tmp_path.as_uri())
    context = TaskContext(TASK_ID, "make_thumbnail", 1, 5, 0, "", Settings(), blobs=blobs)

    result = await make_thumbnail(payload, context, allow=[receiver.host])

    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("GET", "/a.png?b=c", b"")
    assert request.headers["Host"] == receiver.host
    assert Image.open(tmp_path / result["blob"]).size == (30, 20)


async def test_what_webhooks_may_reach_is_not_open_to_images(receiver):
    settings = Settings(webhook_allow=(receiver.host,))
    payload = MakeThumbnail(url=f"http://{receiver.host}/a.png", max_width=30, max_height=30)
    context = TaskContext(TASK_ID, "make_thumbnail", 1, 5, 0, "", settings)

    with pytest.raises(BlockedAddress):
        await make_thumbnail(payload, context)
    assert receiver.requests == []


async def test_exactly_the_limit_is_read_and_a_byte_more_is_refused(receiver, get):
    receiver.answer = answering(200, body=b"x" * MAX_IMAGE_BYTES)
    assert len(await get()) == MAX_IMAGE_BYTES

    receiver.answer = answering(200, body=b"x" * (MAX_IMAGE_BYTES + 1))
    with pytest.raises(NoImageThere, match="more than 10,000,000 bytes"):
        await get()


async def test_a_redirect_is_not_followed(receiver, get):
    receiver.answer = answering(302, headers={"Location": f"http://{receiver.host}/b.png"})

    with pytest.raises(NoImageThere, match="redirects are not followed"):
        await get()
    assert [request.path for request in receiver.requests] == ["/a.png"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_4xx_is_final(receiver, get, status):
    receiver.answer = answering(status)
    with pytest.raises(NoImageThere, match=f"answered {status}"):
        await get()


@pytest.mark.parametrize("status", [204, 206, 408, 425, 429, 500, 503])
async def test_what_may_pass_is_a_failure(receiver, get, status):
    receiver.answer = answering(status)
    with pytest.raises(NotFetched, match=f"answered {status}"):
        await get()


async def test_nobody_there_is_a_failure():
    with pytest.raises(NotFetched, match=r"127\.0\.0\.1"):
        await fetch(HttpUrl(f"http://127.0.0.1:{free_port()}/"), LOCAL)


async def test_a_body_that_never_ends_is_a_failure_in_time():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"
    async with trickling(head, b"x") as port:
        with pytest.raises(NotFetched, match="TimeoutError"):
            await fetch(
                HttpUrl(f"http://127.0.0.1:{port}/"), LOCAL, patience=Patience(whole_seconds=0.3)
            )
