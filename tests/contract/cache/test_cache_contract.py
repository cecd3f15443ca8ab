"""What every cache promises; one body for memory and for Valkey, and what its loss means."""

import signal
import time
from dataclasses import MISSING, fields
from datetime import UTC, datetime

import pytest
import redis
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryCache
from shared.adapters.no_cache import NoCache
from shared.adapters.redis import RedisCache
from shared.adapters.redis_connection import RedisConnection
from shared.domain.blob import Blob
from shared.domain.ledger_rules import IDEMPOTENCY_WINDOW_SECONDS
from shared.domain.ports import KeyRecord
from shared.domain.task import Attempt, Progress, State, Task
from tests.support.ports import free_port
from tests.support.valkey import PATIENT_SECONDS, ValkeyServer

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield running
    running.process.send_signal(signal.SIGCONT)
    running.process.terminate()
    running.process.wait(10)


@pytest.fixture(params=["memory", "valkey"])
async def cache(request):
    if request.param == "memory":
        yield MemoryCache()
        return
    made = RedisCache(
        RedisConnection(request.getfixturevalue("server").url, timeout_seconds=PATIENT_SECONDS)
    )
    yield made
    await made.close()


def task(state=State.SUCCEEDED, **changes) -> Task:
    values = {
        "id": uuid7(),
        "task_type": "greet",
        "state": state,
        "payload": {"name": "Zoë", "n": [1, 2.5, None]},
        "result": {"ok": True},
        "error": None,
        "labels": {"a": "b"},
        "ordering_key": "k",
        "idempotency_key": None,
        "generation": 1,
        "attempt": 2,
        "created_at": MOMENT,
        "started_at": MOMENT,
        "finished_at": MOMENT,
        "due_at": None,
        "traceparent": "",
        "attempts": (
            Attempt(0, 1, MOMENT, MOMENT, "failed", {"kind": "Oops", "message": "no"}),
            Attempt(1, 2, MOMENT, None, "running"),
        ),
    }
    return Task(**{**values, **changes})


async def test_a_final_task_reads_back_whole(cache):
    one = task()
    await cache.put(one)
    assert await cache.get(one.id) == one


async def test_every_field_that_a_task_can_have_reads_back(cache):
    empty = {field.name: field.default for field in fields(Task) if field.default is not MISSING}
    set_ = {
        "error": {"kind": "Oops", "message": "no"},
        "idempotency_key": "k",
        "due_at": MOMENT,
        "not_before": MOMENT,
        "expires_at": MOMENT,
        "concurrency_key": "tenant-1",
        "progress": Progress(40.5, "half of Zoë's", MOMENT),
        "cancel_requested_at": MOMENT,
        "parent_id": uuid7(),
        "group_id": uuid7(),
        "follow_ups": {"then": uuid7()},
        "payload_blob": Blob("payloads/x", 300_000, "f" * 64),
    }
    made = {field.name for field in fields(Task) if field.default_factory is not MISSING}
    assert set(empty) | made <= {*set_, "attempts"}, "give the new field a value here"
    one = task(state=State.CANCELLED, **set_)
    await cache.put(one)
    assert await cache.get(one.id) == one


async def test_an_unknown_task_is_none(cache):
    assert await cache.get(uuid7()) is None


@pytest.mark.parametrize(
    "state", [State.QUEUED, State.RUNNING, State.RETRYING, State.SCHEDULED, State.DEAD]
)
async def test_a_task_that_may_still_change_is_never_kept(cache, state):
    one = task(state)
    await cache.put(one)
    assert await cache.get(one.id) is None


async def test_a_dropped_task_is_forgotten(cache):
    one = task()
    await cache.put(one)
    await cache.drop(one.id)
    assert await cache.get(one.id) is None


async def test_an_idempotency_key_reads_back(cache):
    record = KeyRecord(uuid7(), "f" * 64)
    await cache.put_key("a key: with spaces\n", record)
    assert await cache.get_key("a key: with spaces\n") == record
    assert await cache.get_key("another") is None


async def test_a_cache_that_answers_can_be_pinged(cache):
    await cache.ping()


async def test_a_redis_that_nobody_runs_knows_nothing_and_fails_nobody():
    away = RedisCache(RedisConnection(f"redis://127.0.0.1:{free_port()}/0"))
    await away.put(task())
    await away.put_key("k", KeyRecord(uuid7(), "f"))
    assert await away.get(uuid7()) is None
    assert await away.get_key("k") is None
    with pytest.raises(ConnectionError):
        await away.ping()
    await away.close()


async def test_a_frozen_redis_costs_one_time_out_and_then_nothing(server):
    frozen = RedisCache(RedisConnection(server.url))
    await frozen.ping()
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert await frozen.get(uuid7()) is None
        asked = time.monotonic()
        for _ in range(20):
            assert await frozen.get(uuid7()) is None
        assert time.monotonic() - asked < 20 * 0.25
    finally:
        server.process.send_signal(signal.SIGCONT)
    await frozen.close()


async def test_without_redis_nothing_is_known():
    none = NoCache()
    await none.put(task())
    await none.put_key("k", KeyRecord(uuid7(), "f"))
    assert await none.get(uuid7()) is None
    assert await none.get_key("k") is None


async def test_nothing_is_remembered_for_ever_and_a_key_for_less_than_its_window(server):
    cache, one = RedisCache(RedisConnection(server.url)), task()
    await cache.put(one)
    await cache.put_key("expiring", KeyRecord(uuid7(), "f"))
    with redis.Redis(port=server.port) as raw:
        assert 0 < raw.ttl(f"cloudtasker:task:{one.id}") <= 600
        assert 22 * 3600 < raw.ttl("cloudtasker:key:expiring") < IDEMPOTENCY_WINDOW_SECONDS
    await cache.close()
