"""Reading a body: counted while it arrives, only so long, and known to be unread otherwise."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request

from shared.domain.errors import RequestTooLarge
from shared.edges.http_body import has_unread_body, read_body
from shared.edges.http_errors import HttpError


def request_of(*messages, headers=()):
    """A request whose body arrives in `messages`; after them nothing comes any more."""
    waiting = list(messages)

    async def receive():
        if waiting:
            return waiting.pop(0)
        return await asyncio.Future()

    return Request({"type": "http", "headers": list(headers)}, receive)


def chunk(body: bytes, more: bool = True):
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_pieces_is_read_whole():
    request = request_of(chunk(b"one "), chunk(b""), chunk(b"two", more=False))

    assert await read_body(request) == b"one two"


async def test_a_body_of_the_limit_is_accepted_and_a_longer_one_refused_at_once():
    assert await read_body(request_of(chunk(b"123", more=False)), limit=3) == b"123"
    with pytest.raises(RequestTooLarge):
        await read_body(request_of(chunk(b"1234")), limit=3)


@pytest.mark.parametrize("length", [b"4", b"9" * 5000])
async def test_a_declared_length_above_the_limit_is_refused_unread(length):
    with pytest.raises(RequestTooLarge):
        await read_body(request_of(headers=[(b"content-length", length)]), limit=3)


@pytest.mark.parametrize("length", [b"1", b"-5", b"x", "²".encode()])
async def test_a_wrong_declared_length_is_not_believed(length):
    request = request_of(chunk(b"1234"), headers=[(b"content-length", length)])
    with pytest.raises(RequestTooLarge):
        await read_body(request, limit=3)


async def test_a_body_that_does_not_end_in_time_is_a_timeout():
    with pytest.raises(HttpError) as refused:
        await read_body(request_of(chunk(b"1")), seconds=0.01)

    assert refused.value.problem.status == 408


async def test_a_caller_that_leaves_is_a_disconnect():
    with pytest.raises(ClientDisconnect):
        await read_body(request_of(chunk(b"1"), {"type": "http.disconnect"}))


@pytest.mark.parametrize(
    ("headers", "unread"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"5")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
async def test_a_body_is_unread_until_it_was_read(headers, unread):
    request = request_of(chunk(b"hello", more=False), headers=headers)
    assert has_unread_body(request) == unread

    await read_body(request)
    assert not has_unread_body(request)
