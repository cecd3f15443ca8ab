"""What outlives the process: messages, acks, attempts, resources, the signing key."""

import asyncio
import sqlite3
import stat
import subprocess

import pytest

from tests.contract.pubsub.processes import command, ours
from tests.integration.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC, eventually

DURABLE = ["normal", "full"]


@pytest.mark.parametrize("durability", DURABLE)
async def test_a_thousand_waiting_messages_survive_a_kill(tmp_path, connect, durability):
    with ours(tmp_path, durability=durability) as emulator:
        client = connect(emulator)
        await client.create()
        requests = [client.publish(*(b"%d-%d" % (n, m) for m in range(10))) for n in range(100)]
        ids = {message_id for answer in await asyncio.gather(*requests) for message_id in answer}
        emulator.kill()

    with ours(tmp_path, durability=durability) as emulator:
        received = await connect(emulator).pull(1000)

    assert len(ids) == 1000
    assert sorted(ids) == sorted(one.message.message_id for one in received)


@pytest.mark.parametrize("durability", DURABLE)
async def test_every_publish_answered_before_a_kill_is_delivered(tmp_path, connect, durability):
    answered = []
    with ours(tmp_path, durability=durability) as emulator:
        client = connect(emulator)
        await client.create()
        writers = [asyncio.create_task(publish_until_killed(client, answered)) for _ in range(5)]
        await eventually(lambda: len(answered) >= 200)
        emulator.kill()
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)

    with ours(tmp_path, durability=durability) as emulator:
        received = await connect(emulator).pull(len(answered))

    assert set(answered) <= {one.message.message_id for one in received}


async def publish_until_killed(client, answered):
    while True:
        answered += await client.publish(b"x")


async def test_outstanding_messages_come_back_with_their_attempts(tmp_path, connect):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create_topic(DEAD)
        policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 10}
        await client.create(dead_letter_policy=policy)
        await client.publish(b"x")
        for _ in range(3):
            (received,) = await client.pull(1)
            await client.subscriber.modify_ack_deadline(
                subscription=SUBSCRIPTION, ack_ids=[received.ack_id], ack_deadline_seconds=0
            )
        await client.pull(1)
        emulator.terminate()

    with ours(tmp_path) as emulator:
        (received,) = await connect(emulator).pull(1)

    assert received.delivery_attempt == 4


async def test_acked_messages_stay_acked_also_out_of_order(tmp_path, connect):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        await client.publish(*(b"%d" % number for number in range(10)))
        received = await client.pull(10)
        await client.acknowledge(received[:3] + received[5:])
        emulator.terminate()

    with ours(tmp_path) as emulator:
        received = await connect(emulator).pull(2)

    assert sorted(one.message.data for one in received) == [b"3", b"4"]


async def test_an_ack_id_from_before_a_restart_still_acks(tmp_path, connect):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        await client.publish(b"x", b"y")
        received = await client.pull(2)
        emulator.terminate()

    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.acknowledge([one for one in received if one.message.data == b"x"])
        (left,) = await client.pull(1)

    assert left.message.data == b"y"


async def test_subscriptions_of_a_deleted_topic_survive_with_their_backlog(tmp_path, connect):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        await client.publish(b"x")
        await client.publisher.delete_topic(topic=TOPIC)
        emulator.kill()

    with ours(tmp_path) as emulator:
        client = connect(emulator)
        (received,) = await client.pull(1)
        found = await client.subscriber.get_subscription(subscription=SUBSCRIPTION)

    assert received.message.data == b"x"
    assert found.topic == "_deleted-topic_"


async def test_messages_that_all_have_acked_are_deleted(tmp_path, connect):
    other = f"{SUBSCRIPTION}-other"
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        await client.create(other)
        await client.publish(*(b"%d" % number for number in range(100)))
        await client.acknowledge(await client.pull(100))
        await client.acknowledge((await client.pull(100, other))[:60], other)
        emulator.terminate()

    assert rows(tmp_path, "messages") == 40
    assert rows(tmp_path, "acks") == 0


async def test_a_deleted_subscription_leaves_nothing_behind(tmp_path, connect):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        await client.publish(*(b"%d" % number for number in range(10)))
        await client.acknowledge((await client.pull(10))[5:])
        await client.subscriber.delete_subscription(subscription=SUBSCRIPTION)
        await client.publisher.delete_topic(topic=TOPIC)
        emulator.terminate()

    for table in ("messages", "acks", "failures", "subscriptions", "topics"):
        assert rows(tmp_path, table) == 0


def rows(data_dir, table):
    with sqlite3.connect(data_dir / "pubsub.sqlite3") as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


async def test_message_ids_are_not_used_again_after_a_restart(tmp_path, connect):
    ids = []
    for _ in range(3):
        with ours(tmp_path) as emulator:
            client = connect(emulator)
            await client.create_topic(TOPIC)
            ids += await client.publish(b"nobody is subscribed")
            emulator.kill()

    assert len(set(ids)) == 3


async def test_memory_keeps_nothing_and_writes_nothing(tmp_path, connect):
    folder = tmp_path / "unused"
    with ours(folder, durability="memory") as emulator:
        client = connect(emulator)
        await client.create()
        await client.publish(b"x")
        assert len(await client.pull(1)) == 1

    assert not folder.exists()


def refusal(*arguments):
    """Return what the emulator says when it refuses to start."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_data_folder_in_use_is_refused_and_the_holder_named(tmp_path):
    with ours(tmp_path) as emulator:
        said = refusal("--data-dir", tmp_path)

        assert f"in use by process {emulator.process.pid}" in said
        assert "--data-dir" in said


def test_a_data_folder_of_another_format_is_refused(tmp_path):
    with ours(tmp_path) as emulator:
        emulator.terminate()
    with sqlite3.connect(tmp_path / "pubsub.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")

    said = refusal("--data-dir", tmp_path)

    assert "format 99" in said
    assert "delete" in said


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "pubsub.sqlite3").write_bytes(b"not a database" * 100)

    assert "delete" in refusal("--data-dir", tmp_path)


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()

    assert "--data-dir" in refusal("--data-dir", tmp_path / "file" / "below")


def test_a_taken_port_is_refused(tmp_path):
    with ours(tmp_path / "one") as emulator:
        for flag, address in (("--port", emulator.grpc), ("--http-port", emulator.http)):
            port = address.rpartition(":")[2]
            assert flag in refusal("--data-dir", tmp_path / "two", flag, port)


def test_the_signing_key_is_kept_for_its_owner_alone(tmp_path):
    key = tmp_path / "signing-key.pem"
    with ours(tmp_path) as emulator:
        fetch(emulator)
    first = key.read_bytes()
    with ours(tmp_path) as emulator:
        fetch(emulator)

    assert key.read_bytes() == first
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def fetch(emulator):
    """Have the emulator load its key."""
    import urllib.request

    urllib.request.urlopen(f"{emulator.http}/oauth2/v3/certs", timeout=5).close()
