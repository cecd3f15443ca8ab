"""Push: the request, what counts as an ack, redelivery, dead letters."""

import asyncio
import base64
import itertools
import json
import urllib.request

import pytest
from aiohttp import web

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import (
    DEAD,
    DEAD_READERS,
    SUBSCRIPTION,
    eventually,
)
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """An emulator without the push back-off, which would make these tests long."""
    with ours(tmp_path_factory.mktemp("push"), "--push-backoff", "off") as running:
        yield running


@pytest.fixture
async def client(emulator, connect):
    """A connection to it; topics and subscriptions are gone afterwards."""
    client = connect(emulator)
    yield client
    async for found in await client.subscriber.list_subscriptions(project="projects/integration"):
        await client.subscriber.delete_subscription(subscription=found.name)
    async for found in await client.publisher.list_topics(project="projects/integration"):
        await client.publisher.delete_topic(topic=found.name)


def to(receiver, path="/push", **fields):
    return {"push_config": {"push_endpoint": receiver.url + path, **fields}}


def retry(minimum, maximum):
    return {
        "retry_policy": {
            "minimum_backoff": {"seconds": minimum},
            "maximum_backoff": {"seconds": maximum},
        }
    }


async def test_the_request_is_the_documented_one(client, receiver):
    await client.create(**to(receiver, "/push?token=a"))
    (message_id,) = await client.publish(b"hello", attributes={"colour": "blue"})
    await receiver.until(1)

    (request,) = receiver.requests
    message = request.body["message"]
    published = message["publishTime"]
    assert request.path == "/push?token=a"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("APIs-Google")
    assert "Authorization" not in request.headers
    assert request.body == {
        "subscription": SUBSCRIPTION,
        "message": {
            "data": base64.b64encode(b"hello").decode(),
            "attributes": {"colour": "blue"},
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": published,
            "publish_time": published,
        },
    }


async def test_the_ordering_key_and_the_attempt_are_there_when_they_mean_something(
    client, receiver
):
    await client.create_topic(DEAD)
    await client.create(**to(receiver), dead_letter_policy={"dead_letter_topic": DEAD})
    await client.publish(b"x", ordering_key="k")
    await receiver.until(1)

    assert receiver.requests[0].body["message"]["orderingKey"] == "k"
    assert receiver.requests[0].body["deliveryAttempt"] == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_an_ack_status_finishes_the_message(client, receiver, status):
    receiver.answers = [status]
    await client.create(**to(receiver))
    await client.publish(b"x")

    await eventually(lambda: unacked(client) == 0 and len(receiver.requests) == 1)


@pytest.mark.parametrize("status", [203, 205, 301, 302, 307, 400, 404, 429, 500, 503])
async def test_every_other_status_is_a_nack(client, receiver, status):
    receiver.answers = [status]
    await client.create(**to(receiver))
    await client.publish(b"x")

    await receiver.until(2)
    assert {request.path for request in receiver.requests} == {"/push"}


async def test_the_interim_status_102_is_an_ack(client):
    """The endpoint never sends a final answer."""
    requests = []

    async def answer_102(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        requests.append(head)
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer_102, "127.0.0.1", free_port()) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = f"http://127.0.0.1:{port}/"
        await client.create(push_config={"push_endpoint": endpoint})
        await client.publish(b"x")

        await eventually(lambda: len(requests) == 1 and unacked(client) == 0)


async def test_redirects_are_not_followed(client, receiver):
    async def redirect(_):
        return web.Response(status=302, headers={"Location": receiver.url + "/elsewhere"})

    receiver.answers = [redirect]
    await client.create(**to(receiver))
    await client.publish(b"x")

    await receiver.until(2)
    assert [request.path for request in receiver.requests] == ["/push", "/push"]


async def test_no_answer_within_the_ack_deadline_is_a_nack(client, receiver):
    async def hang(_):
        await asyncio.sleep(60)

    receiver.answers = [hang]
    await client.create(**to(receiver), ack_deadline_seconds=10)
    await client.publish(b"x")

    await receiver.until(2, limit_seconds=30)
    first, second = receiver.requests
    assert second.at - first.at > 9.5


async def test_a_connection_that_breaks_is_a_nack(client, receiver):
    async def break_off(request):
        request.transport.abort()
        return web.Response()

    receiver.answers = [break_off]
    await client.create(**to(receiver))
    await client.publish(b"x")

    await receiver.until(2)


async def test_a_used_connection_that_breaks_over_a_request_is_a_nack(client, receiver):
    """It is not sent again at once: the endpoint had it, and may have died of it."""

    async def die_of_it(request):
        await asyncio.sleep(0.6)
        request.transport.abort()
        return web.Response()

    await client.create_topic(DEAD)
    await client.create(**to(receiver), dead_letter_policy={"dead_letter_topic": DEAD})
    await client.publish(b"warm-up")
    await receiver.until(1)
    receiver.answers = [die_of_it]
    await client.publish(b"x")
    await receiver.until(3)

    assert [request.body["deliveryAttempt"] for request in receiver.requests] == [1, 1, 2]
    assert receiver.requests[0].connection is receiver.requests[1].connection


async def test_an_answer_that_is_not_http_is_a_nack(client):
    requests = []

    async def answer_nonsense(reader, writer):
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer_nonsense, "127.0.0.1", free_port()) as server:
        port = server.sockets[0].getsockname()[1]
        await client.create(push_config={"push_endpoint": f"http://127.0.0.1:{port}/"})
        await client.publish(b"x")

        await eventually(lambda: len(requests) >= 2)


async def test_an_endpoint_that_starts_later_gets_what_waited_for_it(client):
    port = free_port()
    got = []

    async def handle(request):
        got.append(await request.json())
        return web.Response(status=204)

    await client.create(push_config={"push_endpoint": f"http://127.0.0.1:{port}/"})
    await client.publish(b"x")
    await asyncio.sleep(0.3)
    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()

    await eventually(lambda: len(got) == 1)
    await runner.cleanup()


async def test_connections_are_used_again_and_a_stale_one_is_replaced_at_once(client, receiver):
    await client.create(**to(receiver))
    for count in (1, 2, 3):
        await client.publish(b"x")
        await receiver.until(count)
        await eventually(lambda: unacked(client) == 0)
    assert len({id(request.connection) for request in receiver.requests}) == 1

    receiver.requests[-1].connection.abort()
    await client.publish(b"y")
    await receiver.until(4)

    await eventually(lambda: unacked(client) == 0)
    assert len(receiver.requests) == 4


async def test_the_gaps_between_attempts_grow_as_the_retry_policy_says(client, receiver):
    receiver.answers = [500] * 3
    policy = {"minimum_backoff": "0.2s", "maximum_backoff": "0.5s"}
    await client.create(**to(receiver), retry_policy=policy)
    await client.publish(b"x")
    await receiver.until(4)

    times = [request.at for request in receiver.requests]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    for gap, expected in zip(gaps, [0.2, 0.4, 0.5], strict=True):
        assert expected - 0.02 < gap < expected + 0.3


async def test_a_dead_letter_carries_the_message_and_four_attributes(client, receiver):
    receiver.answers = [500] * 5
    await client.create(DEAD_READERS, DEAD)
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    await client.create(**to(receiver), dead_letter_policy=policy)
    (message_id,) = await client.publish(b"x", attributes={"colour": "blue"}, ordering_key="k")

    (received,) = await client.pull(1, DEAD_READERS)

    assert [request.body["deliveryAttempt"] for request in receiver.requests] == [1, 2, 3, 4, 5]
    attributes = dict(received.message.attributes)
    published = attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime")
    assert attributes == {
        "colour": "blue",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "readers",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "integration",
    }
    sent = receiver.requests[0].body["message"]["publishTime"]
    assert published[:23] == sent[:23]
    assert published.endswith("+00:00")
    assert received.message.data == b"x"
    assert received.message.ordering_key == "k"
    assert received.message.message_id != message_id
    assert unacked(client) == 0


async def test_a_missing_dead_letter_topic_loses_nothing(client, receiver):
    receiver.answers = [500] * 7
    await client.create_topic(DEAD)
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    await client.create(**to(receiver), dead_letter_policy=policy)
    await client.publisher.delete_topic(topic=DEAD)
    await client.publish(b"x")
    await receiver.until(8)

    attempts = [request.body["deliveryAttempt"] for request in receiver.requests]
    assert attempts == list(range(1, 9))


async def test_a_changed_endpoint_gets_the_redelivery(client, receiver):
    receiver.answers = [500]
    await client.create(**to(receiver, "/old"), **retry(1, 1))
    await client.publish(b"x")
    await receiver.until(1)

    await client.subscriber.modify_push_config(
        subscription=SUBSCRIPTION, push_config={"push_endpoint": receiver.url + "/new"}
    )
    await receiver.until(2)

    assert [request.path for request in receiver.requests] == ["/old", "/new"]


async def test_a_push_subscription_turned_to_pull_is_pulled(client, receiver):
    receiver.answers = [500]
    await client.create(**to(receiver), **retry(1, 1))
    await client.publish(b"x")
    await receiver.until(1)

    await client.subscriber.modify_push_config(subscription=SUBSCRIPTION, push_config={})

    assert (await client.pull(1))[0].message.data == b"x"
    assert len(receiver.requests) == 1


async def test_one_message_of_an_ordering_key_is_out_at_a_time(client, receiver):
    out, most = set(), []

    async def note(request):
        number = json.loads(await request.text())["message"]["messageId"]
        out.add(number)
        most.append(len(out))
        await asyncio.sleep(0.01)
        out.discard(number)
        return web.Response(status=204)

    receiver.answers = [note] * 20
    await client.create(**to(receiver), enable_message_ordering=True)
    ids = await client.publish(*(b"%d" % number for number in range(20)), ordering_key="k")
    await receiver.until(20)

    assert [request.body["message"]["messageId"] for request in receiver.requests] == ids
    assert max(most) == 1


async def test_many_messages_go_out_side_by_side(client, receiver):
    out = most = 0

    async def slow(_):
        nonlocal out, most
        out += 1
        most = max(most, out)
        await asyncio.sleep(0.1)
        out -= 1
        return web.Response(status=204)

    receiver.answers = [slow] * 200
    await client.create(**to(receiver))
    await client.publish(*(b"%d" % number for number in range(200)))
    await receiver.until(200, limit_seconds=40)

    assert most >= 8  # the window doubles with each round


def unacked(client):
    """Return how many messages of the subscription are not acked."""
    with urllib.request.urlopen(f"{client.http}/_emulator/state", timeout=5) as answer:
        return json.load(answer)["subscriptions"][SUBSCRIPTION]["unacked"]


async def test_the_documented_back_off_spaces_pushes_to_a_failing_endpoint(
    tmp_path, connect, receiver
):
    receiver.answers = [500] * 3
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create(**to(receiver))
        await client.publish(b"x")
        await receiver.until(4)

    times = [request.at for request in receiver.requests]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 0.1
