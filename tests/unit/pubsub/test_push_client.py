"""The push client's pool: connections are used again, and nothing is kept of what is gone."""

import asyncio

import pytest

from emulators.pubsub.push.client import PushClient
from tests.support.ports import free_port
from tests.unit.pubsub.conftest import ManualClock

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Server:
    """An endpoint on a free port that answers every request with `answer`."""

    def __init__(self):
        self.answer = OK
        self.closing = 0  # requests that are answered by closing the connection
        self.writers = []
        self.heads = []
        self.asked = asyncio.Event()

    async def serve(self, reader, writer):
        self.writers.append(writer)
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                self.asked.set()
                if self.closing:
                    self.closing -= 1
                    return writer.close()
                writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def server():
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", free_port())
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/a?b=c"
    yield server
    listening.close()


@pytest.fixture
async def client():
    client = PushClient(ManualClock(), user_agent="me")
    yield client
    client.close()


async def post(client, server, headers=None):
    async with asyncio.timeout(5):
        return await client.post(server.url, b"", headers or {}, 10)


async def test_a_request_says_where_to_and_who(client, server):
    outcome = await post(client, server, {"X": "y"})

    (head,) = server.heads
    host = server.url.split("/")[2].encode()
    assert (outcome.status, outcome.acked) == (200, True)
    assert head.split(b"\r\n")[:5] == [
        b"POST /a?b=c HTTP/1.1",
        b"Host: " + host,
        b"User-Agent: me",
        b"X: y",
        b"Content-Length: 0",
    ]


async def test_a_connection_is_used_again(client, server):
    await post(client, server)
    await post(client, server)

    assert len(server.writers) == 1


async def test_nothing_is_kept_of_an_endpoint_that_closed_its_connections(client, server):
    await post(client, server)
    assert len(client._idle) == 1

    server.writers[0].close()
    async with asyncio.timeout(5):
        while client._idle:  # noqa: ASYNC110 (the socket's end is told to nobody else)
            await asyncio.sleep(0)


async def test_a_used_connection_that_closes_at_once_had_died_while_idle(client, server):
    await post(client, server)
    server.closing = 1

    assert (await post(client, server)).status == 200
    assert len(server.writers) == 2


async def test_a_new_connection_that_closes_is_a_problem(client, server):
    server.closing = 1

    outcome = await post(client, server)

    assert "closed the connection" in outcome.problem
    assert len(server.heads) == 1


async def test_a_time_out_is_over_with_its_request(server):
    clock = ManualClock()
    client = PushClient(clock, user_agent="me")

    await post(client, server)
    clock.advance(11)

    assert (await post(client, server)).acked


async def test_a_connection_that_the_endpoint_wants_closed_is_not_used_again(client, server):
    server.answer = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")

    await post(client, server)
    await post(client, server)

    assert len(server.writers) == 2


async def test_the_time_out_is_the_clocks(server):
    clock = ManualClock()
    client = PushClient(clock, user_agent="me")
    server.answer = b""
    sending = asyncio.ensure_future(post(client, server))
    await asyncio.wait_for(server.asked.wait(), 5)
    clock.advance(9)
    await asyncio.sleep(0)
    assert not sending.done()

    clock.advance(1)

    assert (await sending).problem == "no answer within 10 s"


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "127.0.0.1:1"])
async def test_an_endpoint_that_cannot_be_is_a_problem_and_no_exception(client, host):
    outcome = await client.post(f"http://{host}/", b"", {}, 10)

    assert outcome.status is None
    assert outcome.problem
