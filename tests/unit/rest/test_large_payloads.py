"""Payloads above 256 KB over REST, with a blob store and without."""

import hashlib
import json

import pytest

from shared.domain.blob import INLINE_BYTES, MAX_LARGE_BODY_BYTES
from shared.domain.requests import MAX_BODY_BYTES
from tests.support.memory_api import memory_api
from tests.unit.rest.conftest import open_http

JSON = {"content-type": "application/json"}


@pytest.fixture
def memory():
    return memory_api(large=True)


def body_of(size: int) -> bytes:
    """A good request of exactly `size` bytes."""
    empty = json.dumps({"task_type": "greet", "payload": {"name": "Ada", "note": ""}}).encode()
    return empty.replace(b'"note": ""', b'"note": "' + b"x" * (size - len(empty)) + b'"')


async def test_a_large_payload_is_accepted_and_its_task_says_where_it_stands(http, memory):
    body = body_of(5_000_000)
    answer = await http.post("/enqueue-task", content=body, headers=JSON)
    task = (await http.get(answer.headers["location"])).json()

    [(key, content)] = memory.blobs.content.items()
    assert answer.status_code == 202
    assert json.loads(content) == json.loads(body)["payload"]
    assert task["payload"] == {}
    assert task["payload_blob"] == {
        "key": key,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


async def test_with_a_blob_store_a_body_of_ten_megabytes_is_read_and_one_byte_more_is_not(http):
    at = body_of(MAX_LARGE_BODY_BYTES - 1000) + b" " * 1000
    answers = [
        await http.post("/enqueue-task", content=body, headers=JSON) for body in (at, at + b" ")
    ]
    assert [answer.status_code for answer in answers] == [202, 413]


async def test_without_a_blob_store_the_limit_stays_and_the_payload_stands_in_its_row():
    memory = memory_api()
    async with open_http(memory) as http:
        above = await http.post("/enqueue-task", content=body_of(MAX_BODY_BYTES + 1), headers=JSON)
        below = await http.post("/enqueue-task", content=body_of(INLINE_BYTES * 2), headers=JSON)
        task = (await http.get(below.headers["location"])).json()
    assert (above.status_code, below.status_code) == (413, 202)
    assert len(task["payload"]["note"]) > INLINE_BYTES
    assert task["payload_blob"] is None


async def test_a_batch_keeps_its_limit(http):
    content = b'{"tasks": [' + body_of(MAX_BODY_BYTES) + b"]}"
    answer = await http.post("/enqueue-tasks", content=content, headers=JSON)
    assert answer.status_code == 413


async def test_a_blob_store_that_is_away_is_told_and_nothing_is_stored(http, memory):
    memory.blobs.reachable = False
    answer = await http.post("/enqueue-task", content=body_of(INLINE_BYTES * 2), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert memory.ledger.rows == {}
