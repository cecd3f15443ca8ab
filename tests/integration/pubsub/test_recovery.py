"""What a crash, a torn or a damaged file leaves: everything confirmed, nothing damaged, a start."""

import asyncio
import shutil

import pytest
from google.api_core import exceptions

from tests.contract.pubsub.processes import ours
from tests.integration.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC

SNAPSHOT = "projects/p/snapshots/before"
DATABASE, WAL = "pubsub.sqlite3", "pubsub.sqlite3-wal"


@pytest.fixture
async def crashed(tmp_path, connect):
    """A folder as a kill leaves it: 50 messages, published one by one; and their ids."""
    folder = tmp_path / "data"
    with ours(folder) as emulator:
        client = connect(emulator)
        await client.create()
        ids = [(await client.publish(b"%d" % n + bytes(900)))[0] for n in range(50)]
        emulator.kill()
    assert (folder / WAL).stat().st_size > 50 * 1000
    return folder, ids


async def all_there_is(connect, emulator):
    """Return the ids of what can be pulled, in order; the answers tell of no damage."""
    answer = await connect(emulator).subscriber.pull(subscription=SUBSCRIPTION, max_messages=1000)
    received = sorted(answer.received_messages, key=lambda one: int(one.message.message_id))
    assert all(one.message.data.endswith(bytes(900)) for one in received)
    return [one.message.message_id for one in received]


@pytest.mark.parametrize("kept", [0.99, 0.7, 0.5])
async def test_a_torn_write_ahead_log_keeps_everything_before_the_tear(crashed, connect, kept):
    folder, ids = crashed
    wal = folder / WAL
    with wal.open("r+b") as file:
        file.truncate(int(wal.stat().st_size * kept))

    with ours(folder) as emulator:
        found = await all_there_is(connect, emulator)
        (new,) = await connect(emulator).publish(b"new" + bytes(900))

    assert 0 < len(found) < 50
    assert found == ids[: len(found)]
    assert int(new) > int(found[-1])


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
async def test_flipped_bytes_in_the_write_ahead_log_end_it_there(crashed, connect, at):
    folder, ids = crashed
    data = bytearray((folder / WAL).read_bytes())
    start = int(len(data) * at)
    data[start : start + 8] = bytes(byte ^ 0xFF for byte in data[start : start + 8])
    (folder / WAL).write_bytes(data)

    with ours(folder) as emulator:
        found = await all_there_is(connect, emulator)

    assert len(found) < 50
    assert found == ids[: len(found)]


async def test_a_damaged_message_is_skipped_and_the_others_are_delivered(crashed, connect):
    folder, ids = crashed
    with ours(folder) as emulator:
        await all_there_is(connect, emulator)
        emulator.terminate()  # folds the write-ahead log into the database
    damage(folder / DATABASE, b"25" + bytes(898))

    for _ in range(2):  # and no crash loop
        with ours(folder) as emulator:
            found = await all_there_is(connect, emulator)
            assert emulator.terminate()[0] == 0

        assert found == ids[:25] + ids[26:]


def damage(path, body):
    """Change one byte of the copies of `body` in a file."""
    data = path.read_bytes()
    assert body in data
    path.write_bytes(data.replace(body, body[:100] + b"x" + body[101:]))


@pytest.mark.parametrize("durability", ["normal", "full"])
async def test_confirmed_acks_of_exactly_once_stay_acked_over_a_kill(tmp_path, connect, durability):
    with ours(tmp_path, durability=durability) as emulator:
        client = connect(emulator)
        await client.create(enable_exactly_once_delivery=True)
        await client.publish(*(b"%d" % number for number in range(10)))
        received = await client.pull(10)
        await client.acknowledge(received[::2])
        emulator.kill()

    with ours(tmp_path, durability=durability) as emulator:
        client = connect(emulator)
        with pytest.raises(exceptions.InvalidArgument):
            await client.acknowledge(received[:1])  # acked
        with pytest.raises(exceptions.InvalidArgument):
            await client.acknowledge(received[1:2])  # a lease of before the kill
        left = await client.pull(5)
        await asyncio.gather(*(client.acknowledge([one]) for one in left))

    expected = sorted(one.message.data for one in received[1::2])
    assert sorted(one.message.data for one in left) == expected


async def test_seeks_snapshots_and_detaching_survive_a_kill(tmp_path, connect):
    other = f"{SUBSCRIPTION}-other"
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        await client.create(other)
        await client.publish(b"1", b"2")
        await client.subscriber.create_snapshot(name=SNAPSHOT, subscription=SUBSCRIPTION)
        await client.acknowledge(await client.pull(2))
        await client.publisher.detach_subscription(request={"subscription": other})
        await client.subscriber.seek(request={"subscription": SUBSCRIPTION, "snapshot": SNAPSHOT})
        emulator.kill()

    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.acknowledge(await client.pull(2))
        await client.subscriber.seek(request={"subscription": SUBSCRIPTION, "snapshot": SNAPSHOT})
        again = await client.pull(2)
        with pytest.raises(exceptions.FailedPrecondition):
            await client.pull(1, other)

    assert sorted(one.message.data for one in again) == [b"1", b"2"]


async def test_what_a_topic_retains_survives_a_kill(tmp_path, connect):
    with ours(tmp_path) as emulator:
        client = connect(emulator)
        request = {"name": TOPIC, "message_retention_duration": {"seconds": 600}}
        await client.publisher.create_topic(request=request)
        await client.publish(b"early")
        emulator.kill()

    with ours(tmp_path) as emulator:
        client = connect(emulator)
        await client.create()
        await client.subscriber.seek(request={"subscription": SUBSCRIPTION, "time": {"seconds": 1}})
        (received,) = await client.pull(1)

    assert received.message.data == b"early"


async def test_a_copy_of_a_running_emulators_folder_is_a_state_it_had(tmp_path, connect):
    """As a power loss leaves it: the files at one moment, no lock, no clean end."""
    with ours(tmp_path / "data") as emulator:
        client = connect(emulator)
        await client.create_topic(DEAD)
        await client.create()
        ids = await client.publish(*(b"%d" % n + bytes(900) for n in range(20)))
        shutil.copytree(tmp_path / "data", tmp_path / "copy")

    with ours(tmp_path / "copy") as emulator:
        assert await all_there_is(connect, emulator) == ids
