"""From a payload to a blob and a result; through the function's own edge, too."""

from base64 import b64encode
from uuid import UUID

import pytest

from functions.make_thumbnail.handler import make_thumbnail
from functions.make_thumbnail.imaging import UnusableImage
from functions.make_thumbnail.payload import MakeThumbnail
from shared.adapters.memory_blobs import MemoryBlobs
from shared.bootstrap import Runner
from shared.domain.blob import BlobsUnavailable, owner_of
from shared.domain.errors import Misconfigured
from shared.domain.task import NewTask, State
from shared.domain.task_type import Limits, TaskType
from shared.edges.address_guard import BlockedAddress
from shared.edges.task_context import TaskContext
from shared.edges.task_function import task_function
from shared.readiness import Readiness
from shared.services.execute import ExecuteService
from shared.settings import Settings
from tests.support.push import PROJECT, calling
from tests.unit.edges.hostile_urls import lying_dns
from tests.unit.edges.stage import SETTINGS
from tests.unit.make_thumbnail.images import encoded, opened, two_coloured

TASK_ID = UUID("0190c5e4-7a3b-7def-8abc-1234567890ab")


def context(blobs, attempt=1):
    return TaskContext(TASK_ID, "make_thumbnail", attempt, 5, 0, "", Settings(), blobs=blobs)


def inline(content, **payload):
    given = {"max_width": 30, "max_height": 30, **payload}
    return MakeThumbnail(image_base64=b64encode(content).decode(), **given)


async def test_the_thumbnail_stands_in_the_blob_store_under_its_task():
    blobs = MemoryBlobs()
    result = await make_thumbnail(inline(encoded(two_coloured()), format="webp"), context(blobs))

    key = f"results/{TASK_ID}.webp"
    content = blobs.content[key]
    assert result == {"blob": key, "width": 30, "height": 20, "bytes": len(content)}
    assert opened(content).size == (30, 20)
    assert owner_of(key) == TASK_ID


async def test_another_attempt_overwrites_it():
    blobs = MemoryBlobs()
    payload = inline(encoded(two_coloured()))
    first = await make_thumbnail(payload, context(blobs))

    assert first == await make_thumbnail(payload, context(blobs, attempt=2))
    assert list(blobs.content) == [first["blob"]]


async def test_without_a_blob_store_it_says_what_is_not_set():
    with pytest.raises(Misconfigured, match="CLOUDTASKER_BLOBS_URL is not set"):
        await make_thumbnail(inline(encoded(two_coloured())), context(None))


async def test_a_blob_store_that_is_away_is_an_ordinary_failure():
    blobs = MemoryBlobs()
    blobs.reachable = False
    with pytest.raises(BlobsUnavailable):
        await make_thumbnail(inline(encoded(two_coloured())), context(blobs))


async def test_what_is_no_image_stores_nothing():
    blobs = MemoryBlobs()
    with pytest.raises(UnusableImage):
        await make_thumbnail(inline(b"no image"), context(blobs))
    assert blobs.content == {}


@pytest.mark.parametrize(
    "url",
    ["https://loopback.example.com/a.png", "https://127.0.0.1/a.png", "http://8.8.8.8/a.png"],
)
async def test_an_address_that_is_not_public_rejects_the_task(url):
    payload = MakeThumbnail(url=url, max_width=30, max_height=30)
    with pytest.raises(BlockedAddress):
        await make_thumbnail(payload, context(MemoryBlobs()), resolve=lying_dns)


@pytest.mark.parametrize(
    ("content", "state"), [(encoded(two_coloured()), State.SUCCEEDED), (b"no", State.DEAD)]
)
async def test_a_delivery_to_the_function_ends_the_task(stage, content, state):
    task_type = TaskType("make_thumbnail", Limits(), MakeThumbnail)
    blobs = MemoryBlobs()

    def open_runner(name, handle):
        service = ExecuteService(task_type, handle, stage.ledger)
        return Runner(SETTINGS, task_type, service, Readiness({}), blobs)

    function = task_function("make_thumbnail", make_thumbnail, open_runner=open_runner)
    payload = inline(content).model_dump(mode="json")
    await stage.ledger.add([NewTask(TASK_ID, "make_thumbnail", payload, "")])
    async with calling(function) as stage.client:
        subscription = f"projects/{PROJECT}/subscriptions/tasks-make-thumbnail-push"
        answer = await stage.push(
            TASK_ID,
            task_type="make_thumbnail",
            subscription=subscription,
            attributes={"task_type": "make_thumbnail"},
        )

    task = await stage.task(TASK_ID)
    assert (answer.status_code, task.state) == (204, state)
    assert sorted(blobs.content) == ([task.result["blob"]] if state is State.SUCCEEDED else [])
