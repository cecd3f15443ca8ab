"""Retention and expiry by the real client, in time that the control API lets pass."""

import aiohttp
import pytest
from google.api_core import exceptions

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import SUBSCRIPTION, TOPIC

SNAPSHOT = "projects/p/snapshots/before"
DAY = 86_400


@pytest.fixture
def emulator(tmp_path):
    with ours(tmp_path) as emulator:
        yield emulator


@pytest.fixture
def client(emulator, connect):
    return connect(emulator)


@pytest.fixture
def advance(emulator):
    """Let time pass for the emulator."""

    async def advance(seconds):
        async with aiohttp.ClientSession() as session:
            url, body = f"{emulator.http}/_emulator/clock", {"advance_seconds": seconds}
            async with session.post(url, json=body) as answer:
                assert answer.status == 200, await answer.text()

    return advance


async def test_unacked_messages_are_gone_after_a_week(client, advance):
    await client.create(expiration_policy={})
    await client.publish(b"old")
    await advance(DAY)
    await client.publish(b"young")

    await advance(6 * DAY + 1)

    assert [one.message.data for one in await client.pull(1)] == [b"young"]


async def test_a_topic_retains_for_as_long_as_it_says(client, advance):
    request = {"name": TOPIC, "message_retention_duration": {"seconds": 3 * DAY}}
    await client.publisher.create_topic(request=request)
    await client.publish(b"old")
    await advance(DAY)
    await client.publish(b"young")
    await client.create()
    seek = {"subscription": SUBSCRIPTION, "time": {"seconds": 1}}

    await advance(2 * DAY + 1)
    await client.subscriber.seek(request=seek)

    assert [one.message.data for one in await client.pull(1)] == [b"young"]


async def test_an_unused_subscription_expires(client, advance):
    await client.create(expiration_policy={"ttl": {"seconds": DAY}})

    await advance(DAY + 1)

    with pytest.raises(exceptions.NotFound):
        await client.subscriber.get_subscription(subscription=SUBSCRIPTION)


async def test_a_snapshot_expires_after_a_week(client, advance):
    await client.create(expiration_policy={})
    await client.subscriber.create_snapshot(name=SNAPSHOT, subscription=SUBSCRIPTION)

    await advance(7 * DAY - 60)
    await client.subscriber.get_snapshot(snapshot=SNAPSHOT)
    await advance(61)

    with pytest.raises(exceptions.NotFound):
        await client.subscriber.get_snapshot(snapshot=SNAPSHOT)


async def test_a_backlog_too_old_for_a_snapshot_is_refused(client, advance):
    await client.create(expiration_policy={}, message_retention_duration={"seconds": 31 * DAY})
    await client.publish(b"x")
    await advance(7 * DAY)

    with pytest.raises(exceptions.FailedPrecondition, match="hour"):
        await client.subscriber.create_snapshot(name=SNAPSHOT, subscription=SUBSCRIPTION)
