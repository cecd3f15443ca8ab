"""A connection to the HTTP port: to whom it is handed, and that a relay loses nothing."""

import asyncio
from types import SimpleNamespace

import pytest

from emulators.pubsub.rest.front import PREFACE, End, Front, Relay
from tests.support.ports import free_port


class FakeTransport:
    """Remembers what was done to it."""

    def __init__(self):
        self.written = b""
        self.reading = True
        self.closed = False
        self.closing = asyncio.Event()
        self.protocol = None

    def set_protocol(self, protocol):
        self.protocol = protocol

    def write(self, data):
        self.written += data

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def close(self):
        self.closed = True
        self.closing.set()


class Http(asyncio.Protocol):
    """Stands for aiohttp."""

    def __init__(self):
        self.seen = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.seen += data


@pytest.fixture
def front():
    """A new connection: its front, its transport and who has not been decided on."""
    undecided, transport = set(), FakeTransport()
    front = Front(Http, ("127.0.0.1", 1), undecided)
    front.connection_made(transport)
    return SimpleNamespace(front=front, transport=transport, undecided=undecided)


@pytest.fixture
def ends():
    """Two joined ends."""
    ends = End(), End()
    for end in ends:
        end.connection_made(FakeTransport())
    ends[0].join(ends[1])
    ends[1].join(ends[0])
    return ends


@pytest.mark.parametrize(
    "pieces", [[b"GET / HTTP/1.1"], [b"P", b"UT / HTTP/1.1"], [b"PRI * HTTP/2.1"]]
)
def test_what_is_not_http_2_is_handed_to_the_http_side_with_every_byte(front, pieces):
    for piece in pieces[:-1]:
        front.front.data_received(piece)
        assert front.transport.protocol is None
    front.front.data_received(pieces[-1])

    assert isinstance(front.transport.protocol, Http)
    assert front.transport.protocol.seen == b"".join(pieces)
    assert front.transport.protocol.transport is front.transport


async def test_http_2_is_relayed_once_its_preface_is_there(front):
    for number in range(len(PREFACE)):
        assert front.transport.protocol is None
        front.front.data_received(PREFACE[number : number + 1])

    assert isinstance(front.transport.protocol, Relay)


def test_a_connection_is_undecided_until_it_has_been_handed_on(front):
    assert front.undecided == {front.transport}
    front.front.data_received(b"GET")
    assert front.undecided == set()


def test_a_connection_that_is_lost_is_no_longer_undecided(front):
    front.front.connection_lost(None)

    assert front.undecided == set()


def test_what_came_before_the_ends_were_joined_is_passed_on_first():
    one, other = End(), End()
    one.connection_made(FakeTransport())
    other.connection_made(FakeTransport())
    one.data_received(b"a")
    one.data_received(b"b")

    one.join(other)
    one.data_received(b"c")

    assert other.transport.written == b"abc"


def test_an_end_that_cannot_write_stops_the_other_from_reading(ends):
    ends[0].pause_writing()
    assert not ends[1].transport.reading
    ends[0].resume_writing()
    assert ends[1].transport.reading


def test_the_loss_of_an_end_closes_the_other(ends):
    ends[0].connection_lost(None)

    assert ends[1].transport.closed


async def test_a_relay_reads_nothing_before_it_is_connected_and_closes_if_it_cannot(
    unused_tcp_port,
):
    relay, transport = Relay(("127.0.0.1", unused_tcp_port)), FakeTransport()
    relay.connection_made(transport)
    assert not transport.reading

    async with asyncio.timeout(5):
        await transport.closing.wait()


async def test_a_caller_that_leaves_while_the_relay_connects_leaves_no_connection():
    closed = asyncio.Event()

    async def serve(reader, _):
        assert await reader.read() == b""
        closed.set()

    server = await asyncio.start_server(serve, "127.0.0.1", free_port())
    relay = Relay(server.sockets[0].getsockname())
    relay.connection_made(FakeTransport())
    relay.connection_lost(None)

    async with server, asyncio.timeout(5):
        await closed.wait()
