"""The file: what is written is read back, all of a batch or nothing."""

import asyncio

import pytest

from emulators.pubsub.bodies import Bodies
from emulators.pubsub.journal import Journal
from emulators.pubsub.store import Batch, Store, StoredMessage, position_of, seq_of


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "db"), synchronous="normal")
    yield store
    store.close()


def message(seq, body=b"x", topic=1):
    return StoredMessage(position_of(topic, seq), seq * 10, "", body)


def read(store, first, last, max_bytes=10**9, topic=1):
    rows = store.read_from(position_of(topic, first), position_of(topic, last), max_bytes)
    return [seq_of(row.position) for row in rows]


@pytest.mark.parametrize("count", [1, 3, 4, 255, 256, 257, 1000])
def test_any_number_of_messages_is_written(store, count):
    store.apply(Batch(messages=[message(seq) for seq in range(1, count + 1)]))

    assert read(store, 1, count) == list(range(1, count + 1))


def test_topics_do_not_see_each_others_messages(store):
    store.apply(Batch(messages=[message(1), message(1, topic=2), message(2)]))

    assert read(store, 0, 10) == [1, 2]


def test_reading_stops_at_a_number_of_bytes_but_returns_one_at_least(store):
    store.apply(Batch(messages=[message(seq, bytes(100)) for seq in range(1, 6)]))

    assert read(store, 1, 5, max_bytes=150) == [1, 2]
    assert read(store, 1, 5, max_bytes=1) == [1]


def test_a_raised_floor_removes_the_acks_and_failures_below_it(store):
    store.apply(Batch(acks=[(7, 3), (7, 5)], failures=[(7, 3, 1), (7, 6, 2), (8, 1, 9)]))
    store.apply(Batch(floors={7: 4}))

    assert store.acks(7) == [5]
    assert store.failures(7) == {6: 2}
    assert store.failures(8) == {1: 9}


def test_compaction_removes_a_topics_messages_up_to_a_number(store):
    store.apply(Batch(messages=[message(seq) for seq in (1, 2, 3)] + [message(1, topic=2)]))
    store.apply(Batch(compacted={1: 2}))

    assert read(store, 1, 9) == [3]
    assert read(store, 1, 9, topic=2) == [1]


def test_the_first_message_since_a_time_is_found(store):
    store.apply(Batch(messages=[message(seq) for seq in (1, 2, 3)]))  # published at 10, 20, 30
    bounds = position_of(1, 1), position_of(1, 3)

    assert store.first_since(*bounds, 20) == (position_of(1, 2), 20)
    assert store.first_since(*bounds, 21) == (position_of(1, 3), 30)
    assert store.first_since(*bounds, 31) is None


def test_the_first_message_since_a_time_is_found_among_many_and_over_gaps(store):
    seqs = [seq for seq in range(1, 1001) if seq % 7]
    store.apply(Batch(messages=[message(seq) for seq in seqs]))

    for time in range(0, 10_011, 333):
        found = store.first_since(position_of(1, 1), position_of(1, 1000), time)
        later = [seq for seq in seqs if seq * 10 >= time]
        assert found == ((position_of(1, later[0]), later[0] * 10) if later else None)


def test_the_messages_of_an_ordering_key_are_found_in_order(store):
    keyed = [message(seq)._replace(ordering_key="ab"[seq % 2]) for seq in range(1, 11)]
    store.apply(Batch(messages=[*keyed, message(11), message(2, topic=2)]))

    found = store.positions_of_key("a", position_of(1, 3), position_of(1, 10), limit=2)

    assert found == [position_of(1, 4), position_of(1, 6)]


@pytest.mark.parametrize(
    "change",
    ["body = x'00'", "ordering_key = 'other'", "published_ns = 7", "checksum = checksum + 1"],
)
def test_a_damaged_message_is_left_out_and_named_once(store, change, caplog):
    store.apply(Batch(messages=[message(seq) for seq in (1, 2, 3)]))
    store._writer.execute(f"UPDATE messages SET {change} WHERE position = {position_of(1, 2)}")

    for _ in range(2):
        assert read(store, 1, 3) == [1, 3]

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.fields["message_id"] == str(position_of(1, 2))


def test_what_a_destroyed_page_held_is_left_out_and_the_rest_is_read(tmp_path, caplog):
    path = tmp_path / "db"
    store = Store(str(path), synchronous="normal")
    store.apply(Batch(messages=[message(seq, bytes([seq % 256]) * 1000) for seq in range(1, 2001)]))
    store.close()
    damage(path, of=bytes([1000 % 256]) * 1000)

    store = Store(str(path), synchronous="normal")
    found = [seq for seq in range(1, 2001) if seq in read(store, seq, seq)]

    assert 1 <= 2000 - len(found) <= 10
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    store.close()


def damage(path, of):
    """Overwrite the page of the file that holds the last copy of `of`."""
    data = bytearray(path.read_bytes())
    start = data.rindex(of) // 4096 * 4096
    data[start : start + 4096] = b"\xff" * 4096
    path.write_bytes(data)


def test_a_batch_that_fails_leaves_nothing_behind(store):
    with pytest.raises(Exception, match="UNIQUE"):
        store.apply(Batch(heads={1: 5}, messages=[message(1), message(2), message(1)]))

    assert read(store, 1, 9) == []


class SlowStore:
    """A store whose first write waits until it is let go."""

    def __init__(self):
        self.batches = []
        self.error = None

    def apply(self, batch):
        self.batches.append(batch)
        if self.error:
            raise self.error


@pytest.mark.parametrize("threaded", [False, True])
async def test_what_comes_in_one_turn_is_one_commit(threaded):
    store = SlowStore()
    journal = Journal(store, threaded=threaded, before_commit=lambda _: None, failed=pytest.fail)
    for seq in (1, 2, 3):
        journal.batch.messages.append(message(seq))
    await asyncio.gather(*(journal.commit() for _ in range(3)))
    await journal.close()

    assert [len(batch.messages) for batch in store.batches if batch.messages] == [3]


@pytest.mark.parametrize("threaded", [False, True])
async def test_what_waits_lazily_is_written_by_a_close(threaded):
    store = SlowStore()
    journal = Journal(
        store,
        threaded=threaded,
        before_commit=lambda batch: batch.acks.append((1, 1)),
        failed=pytest.fail,
    )
    journal.commit_lazily()
    await journal.close()

    assert store.batches[0].acks == [(1, 1)]


@pytest.mark.parametrize("threaded", [False, True])
async def test_a_failed_write_is_told_once_and_nothing_is_written_after_it(threaded):
    store, told = SlowStore(), asyncio.get_running_loop().create_future()
    store.error = OSError("disk full")
    journal = Journal(
        store, threaded=threaded, before_commit=lambda _: None, failed=told.set_result
    )
    waiting = asyncio.ensure_future(journal.commit())

    assert str(await told) == "disk full"
    journal.on_commit(pytest.fail)
    await journal.close()

    assert not waiting.done()
    assert len(store.batches) == 1
    waiting.cancel()


def test_the_cache_forgets_the_oldest_and_reads_them_again(store):
    messages = [message(seq, bytes(1000)) for seq in range(1, 101)]
    store.apply(Batch(messages=messages))
    bodies = Bodies(store, max_bytes=5000)
    bodies.add(messages)

    assert len(bodies._cached) < 6
    head = position_of(1, 100)
    assert [bodies.get(one.position, head) for one in messages] == messages


def test_a_message_that_is_gone_is_none(store):
    assert Bodies(store).get(position_of(1, 1), position_of(1, 5)) is None
