"""What counts as an answer on a push connection, and what an endpoint may make us read."""

import asyncio

import pytest

from emulators.pubsub.push.connection import (
    MOST_ANSWER_BYTES,
    MOST_HEAD_BYTES,
    Connection,
    ConnectionClosed,
)


class FakeTransport(asyncio.Transport):
    """Keeps what is written; tells its protocol when it is closed."""

    def __init__(self, connection):
        super().__init__()
        self.connection = connection
        self.written = b""
        self.closed = ""

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = self.closed or "close"

    def abort(self):
        self.closed = "abort"


@pytest.fixture
def connection():
    lost = []
    connection = Connection(lost.append)
    connection.lost = lost
    connection.transport = FakeTransport(connection)
    connection.connection_made(connection.transport)
    return connection


async def answer(connection, *chunks, end=None):
    """Send a request, feed `chunks` as the answer; `end` is then how the connection ends."""
    sending = asyncio.ensure_future(connection.send(b"POST / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0)
    for chunk in chunks:
        connection.data_received(chunk)
    if end:
        connection.connection_lost(None if end == "closed" else ConnectionResetError("reset"))
    async with asyncio.timeout(1):
        return await sending


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def test_the_status_counts_once_the_answer_is_whole(connection):
    assert await answer(connection, OK[:20], OK[20:-1], OK[-1:]) == 200
    assert connection.usable


async def test_a_connection_carries_one_answer_after_the_other(connection):
    assert await answer(connection, OK) == 200
    assert await answer(connection, OK.replace(b"200", b"500")) == 500


@pytest.mark.parametrize("end", ["closed", "reset"])
@pytest.mark.parametrize(
    "part",
    [OK[:-2], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
)
async def test_an_answer_that_is_broken_off_is_none(connection, part, end):
    with pytest.raises(ConnectionError, match="broke off"):
        await answer(connection, part, end=end)


async def test_an_answer_without_a_length_ends_with_the_connection(connection):
    assert await answer(connection, b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", end="closed") == 200


async def test_the_length_of_the_answer_before_does_not_count(connection):
    await answer(connection, OK)

    assert await answer(connection, b"HTTP/1.1 200 OK\r\n\r\nhello", end="closed") == 200


async def test_an_answer_without_a_length_that_is_reset_is_none(connection):
    with pytest.raises(ConnectionError, match="broke off"):
        await answer(connection, b"HTTP/1.1 200 OK\r\n\r\nhel", end="reset")


async def test_whoever_keeps_a_connection_is_told_of_its_end(connection):
    await answer(connection, OK)
    assert connection.lost == []

    connection.connection_lost(None)

    assert connection.lost == [connection]


async def test_an_end_without_an_answer_is_told_apart(connection):
    with pytest.raises(ConnectionClosed):
        await answer(connection, end="closed")


async def test_interim_answers_are_waited_through(connection):
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"

    assert await answer(connection, interim, interim + OK) == 200


async def test_processing_is_an_answer_and_ends_the_connection(connection):
    assert await answer(connection, b"HTTP/1.1 102 Processing\r\n\r\n") == 102
    assert not connection.usable


async def test_switching_protocols_is_no_answer(connection):
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"

    with pytest.raises(ConnectionError, match="not HTTP"):
        await answer(connection, switch)


async def test_endless_headers_are_given_up(connection):
    lines = [b"HTTP/1.1 200 OK\r\n", *(b"X: " + b"y" * 1000 + b"\r\n",) * 70]

    with pytest.raises(ConnectionError, match="does not end"):
        await answer(connection, *lines)
    assert connection.transport.closed == "abort"


async def test_endless_interim_answers_are_given_up(connection):
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"

    with pytest.raises(ConnectionError, match="does not end"):
        await answer(connection, *(interim,) * (MOST_HEAD_BYTES // len(interim) + 1))


async def test_an_endless_body_is_given_up(connection):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
    chunk = b"x" * (MOST_ANSWER_BYTES // 10)

    with pytest.raises(ConnectionError, match="does not end"):
        await answer(connection, head, *(chunk,) * 10)


async def test_a_body_within_the_bounds_is_read_past(connection):
    size = MOST_HEAD_BYTES * 2
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size

    assert await answer(connection, head, b"x" * (size - 1), b"x") == 200


async def test_giving_up_while_sending_drops_what_was_not_sent(connection):
    sending = asyncio.ensure_future(connection.send(b"POST / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    assert connection.transport.closed == "abort"
    assert not connection.usable


async def test_what_nobody_asked_for_ends_the_connection(connection):
    connection.data_received(OK)

    assert not connection.usable
