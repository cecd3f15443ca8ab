"""gRPC on the HTTP port: relayed byte by byte, beside REST."""

import asyncio
import socket

import grpc
import httpx
import pytest
from aiohttp import web

from emulators.pubsub import protos
from emulators.pubsub.errors import PortTaken
from emulators.pubsub.rest.listener import HttpListener
from tests.contract.pubsub.processes import ours

TOPIC, SUBSCRIPTION = "projects/p/topics/letters", "projects/p/subscriptions/readers"
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """An emulator."""
    with ours(tmp_path_factory.mktemp("pubsub"), durability="memory") as running:
        yield running


@pytest.fixture
def call(running):
    """Call a method by the HTTP port."""
    with grpc.insecure_channel(running.rest, options=OPTIONS) as channel:

        def call(method, request, answer_type):
            send = channel.unary_unary(f"/google.pubsub.v1.{method}")
            return answer_type.FromString(send(request.SerializeToString(), timeout=20))

        yield call


def connect(running):
    """Return a bare connection to the HTTP port."""
    host, port = running.rest.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_what_is_made_by_grpc_on_the_http_port_is_there_by_rest(running, call):
    call("Publisher/CreateTopic", protos.Topic(name=TOPIC), protos.Topic)

    assert httpx.get(f"http://{running.rest}/v1/{TOPIC}").json()["name"] == TOPIC


def test_many_megabytes_pass_both_ways_and_arrive_whole(call):
    topic, subscription = f"{TOPIC}-large", f"{SUBSCRIPTION}-large"
    body = bytes(range(256)) * 36_000
    call("Publisher/CreateTopic", protos.Topic(name=topic), protos.Topic)
    resource = protos.Subscription(name=subscription, topic=topic)
    call("Subscriber/CreateSubscription", resource, protos.Subscription)

    message = protos.PubsubMessage(data=body)
    for _ in range(3):
        request = protos.PublishRequest(topic=topic, messages=[message])
        call("Publisher/Publish", request, protos.PublishResponse)
    request = protos.PullRequest(subscription=subscription, max_messages=3)
    received = call("Subscriber/Pull", request, protos.PullResponse).received_messages

    assert received
    assert all(one.message.data == body for one in received)


def test_a_connection_of_another_protocol_is_refused(running):
    with connect(running) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello")
        assert sock.recv(12) == b"HTTP/1.0 400"


def test_callers_that_leave_early_do_no_harm(running, call):
    for opening in (b"", b"P", b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with connect(running) as sock:
            sock.sendall(opening)

    request = protos.ListTopicsRequest(project="projects/p")
    call("Publisher/ListTopics", request, protos.ListTopicsResponse)


async def test_a_listener_that_stops_closes_who_has_said_nothing():
    listener = HttpListener(web.Application(), host="127.0.0.1", port=0, grpc_port=1)
    port = await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"P")
    silent, _ = await asyncio.open_connection("127.0.0.1", port)
    other, other_writer = await asyncio.open_connection("127.0.0.1", port)
    other_writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await other.readline()).startswith(b"HTTP/1.1 404")  # so all three have been accepted

    await listener.stop()

    async with asyncio.timeout(5):
        assert await reader.read() == b""
        assert await silent.read() == b""


async def test_a_listener_refuses_a_port_that_is_taken():
    listener = HttpListener(web.Application(), host="127.0.0.1", port=0, grpc_port=1)
    port = await listener.start()
    other = HttpListener(web.Application(), host="127.0.0.1", port=port, grpc_port=1)

    with pytest.raises(PortTaken, match="--http-port"):
        await other.start()
    for one in (listener, other):
        await one.stop()


def test_connections_that_say_nothing_do_not_hold_up_a_stop(tmp_path):
    with (
        ours(tmp_path, durability="memory") as running,
        connect(running),
        connect(running) as half,
    ):
        half.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        status, seconds = running.terminate()

    assert status == 0
    assert seconds < 2
