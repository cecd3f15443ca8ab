"""What a push endpoint gets: unwrapped, with metadata, as a CloudEvent, under another name."""

import json

import pytest
from cloudevents.http import from_http

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import SUBSCRIPTION, TOPIC, eventually

AGENT = "my-service/1.0 (tests)"


@pytest.fixture
def emulator(tmp_path):
    with ours(tmp_path, "--push-user-agent", AGENT, durability="memory") as running:
        yield running


@pytest.fixture
def client(emulator, connect):
    return connect(emulator)


async def one_request(client, receiver, config=None, path="/push", **message):
    """Push one message; return the request."""
    push_config = {"push_endpoint": receiver.url + path, **(config or {})}
    await client.create(push_config=push_config)
    await client.publish(message.pop("data", b"hello"), **message)
    await receiver.until(1)
    return receiver.requests[0]


async def test_unwrapped_is_the_data_alone(client, receiver):
    request = await one_request(
        client, receiver, {"no_wrapper": {}}, data=b"\x00\xff", attributes={"colour": "blue"}
    )

    assert request.raw == b"\x00\xff"
    assert "Content-Type" not in request.headers
    assert not any(name.lower().startswith(("x-goog", "colour")) for name in request.headers)


async def test_unwrapped_with_metadata_has_headers(client, receiver):
    attributes = {"Content-Type": "application/json", "a\r\nEvil: yes": "1\r\n2"}
    request = await one_request(
        client,
        receiver,
        {"no_wrapper": {"write_metadata": True}},
        data=b'{"status": "Hello there"}',
        attributes=attributes,
        ordering_key="k",
    )

    assert request.body == {"status": "Hello there"}
    assert request.headers["x-goog-pubsub-subscription-name"] == SUBSCRIPTION
    assert request.headers["x-goog-pubsub-ordering-key"] == "k"
    assert request.headers["x-goog-pubsub-message-id"].isdigit()
    assert request.headers["x-goog-pubsub-publish-time"].endswith("Z")
    assert request.headers["a%0D%0AEvil%3A%20yes"] == "1%0D%0A2"
    assert "Evil" not in request.headers


async def test_an_empty_message_has_an_empty_body(client, receiver):
    request = await one_request(
        client, receiver, {"no_wrapper": {}}, data=b"", attributes={"colour": "blue"}
    )

    assert request.raw == b""
    assert request.headers["Content-Length"] == "0"


async def test_an_eventarc_endpoint_gets_what_the_cloud_events_library_reads(client, receiver):
    path = "/?__GCP_CloudEventsMode=CUSTOM_PUBSUB_" + TOPIC.replace("/", "%2F")
    request = await one_request(client, receiver, path=path, attributes={"colour": "blue"})

    event = from_http(dict(request.headers), request.raw)
    assert event["type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert event["source"] == f"//pubsub.googleapis.com/{TOPIC}"
    assert event["id"] == event.data["message"]["messageId"]
    assert event["time"] == event.data["message"]["publishTime"]
    assert event.data["subscription"] == SUBSCRIPTION
    assert event.data["message"]["attributes"] == {"colour": "blue"}
    assert request.path == path


async def test_the_user_agent_can_be_chosen(client, receiver):
    request = await one_request(client, receiver)

    assert request.headers["User-Agent"] == AGENT


async def test_the_wrapper_can_be_changed_while_it_runs(client, receiver):
    await one_request(client, receiver)
    endpoint = {"push_endpoint": receiver.url + "/push", "no_wrapper": {}}

    await client.subscriber.modify_push_config(subscription=SUBSCRIPTION, push_config=endpoint)
    await client.publish(b"bare")
    await eventually(lambda: len(receiver.requests) == 2)

    assert json.loads(receiver.requests[0].raw)["message"]
    assert receiver.requests[1].raw == b"bare"
