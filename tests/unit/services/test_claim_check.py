"""Large payloads: where they go, how they come back, and that none is left behind."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.adapters.memory import MemoryLedger, MemoryPublisher
from shared.adapters.memory_blobs import MemoryBlobOwners, MemoryBlobs
from shared.domain.blob import INLINE_BYTES, LEFT_OVER_SECONDS, BlobsUnavailable
from shared.domain.envelope import Delivery
from shared.domain.errors import InvalidRequest
from shared.domain.settlement import Answer
from shared.domain.task import State
from shared.domain.upkeep import DAY_SECONDS
from shared.services.claim_check import SWEEP_BATCH, BlobSweep, ClaimCheck
from shared.services.execute import ExecuteService
from tests.support.clock import FakeClock
from tests.support.memory_api import memory_api
from tests.support.memory_relay import memory_relay
from tests.support.task_types import greeting_type

OVERHEAD = len(b'{"name":"Ada","note":""}')
NOW = 1_800_000_000.0


def asked(payload_bytes: int, **fields):
    """A request whose payload has exactly so many bytes."""
    payload = {"name": "Ada", "note": "x" * (payload_bytes - OVERHEAD)}
    return {"task_type": "greet", "payload": payload, **fields}


LARGE = asked(INLINE_BYTES + 1)


@pytest.fixture
def bench():
    return memory_api(large=True)


async def enqueue(bench, request, body_bytes=None):
    size = len(json.dumps(request)) if body_bytes is None else body_bytes
    stored = await bench.api.enqueue.enqueue(request, traceparent="", body_bytes=size)
    await bench.api.enqueue.settle()
    return stored


async def run(bench, stored, claim_check):
    """The task's newest message, delivered; what the handler saw."""
    seen = []

    async def handle(payload, run):
        seen.append(payload)

    [message] = bench.publisher.messages
    service = ExecuteService(greeting_type(), handle, bench.ledger, claim_check=claim_check)
    delivery = Delivery("1", "s", message.data, message.attributes, delivery_attempt=1)
    execution = await service.execute(delivery)
    return seen, execution, await bench.ledger.get(stored.id)


@pytest.mark.parametrize(("payload_bytes", "is_stored"), [(INLINE_BYTES, 0), (INLINE_BYTES + 1, 1)])
async def test_a_payload_above_the_limit_goes_to_the_blob_store(bench, payload_bytes, is_stored):
    stored = await enqueue(bench, asked(payload_bytes), INLINE_BYTES * 2)
    task = await bench.ledger.get(stored.id)
    assert len(bench.blobs.content) == is_stored
    assert (task.payload == {}, task.payload_blob is not None) == (is_stored, is_stored)


async def test_a_small_request_is_not_measured(bench):
    bench.blobs.reachable = False
    stored = await enqueue(bench, asked(100))
    assert (await bench.ledger.get(stored.id)).payload["name"] == "Ada"


async def test_the_handler_gets_the_payload_that_was_sent(bench):
    stored = await enqueue(bench, LARGE)
    seen, execution, task = await run(bench, stored, ClaimCheck(bench.blobs))
    assert seen[0].note == LARGE["payload"]["note"]
    assert (execution.answer, task.state) == (Answer.ACK, State.SUCCEEDED)


def missing(blobs):
    blobs.content.clear()


def damaged(blobs):
    [key] = blobs.content
    blobs.content[key] = blobs.content[key].replace(b"Ada", b"Eve")


def away(blobs):
    blobs.reachable = False


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [(missing, "BlobMissing"), (damaged, "BlobDamaged"), (away, "BlobsUnavailable")],
)
async def test_a_payload_that_cannot_be_read_is_a_failed_attempt_that_says_why(bench, spoil, kind):
    stored = await enqueue(bench, LARGE)
    spoil(bench.blobs)
    seen, execution, task = await run(bench, stored, ClaimCheck(bench.blobs))
    assert (seen, execution.answer, task.state) == ([], Answer.NACK, State.RETRYING)
    assert task.error["kind"] == kind


async def test_a_function_without_a_blob_store_says_which_setting_it_lacks(bench):
    stored = await enqueue(bench, LARGE)
    _, _, task = await run(bench, stored, None)
    assert "CLOUDTASKER_BLOBS_URL" in task.error["message"]


async def test_nothing_is_stored_while_the_blob_store_is_away(bench):
    bench.blobs.reachable = False
    with pytest.raises(BlobsUnavailable):
        await enqueue(bench, LARGE)
    assert bench.ledger.rows == {}


async def test_an_invalid_large_payload_leaves_no_blob(bench):
    with pytest.raises(InvalidRequest):
        await enqueue(bench, {**LARGE, "payload": {**LARGE["payload"], "name": ""}})
    assert bench.blobs.content == {}


async def test_a_repeat_under_an_idempotency_key_leaves_one_blob(bench):
    request = {**LARGE, "idempotency_key": "k"}
    first = await enqueue(bench, request)
    bench.cache._keys.clear()  # so that the ledger itself must notice
    again = await enqueue(bench, request)
    assert (again.id, again.is_new) == (first.id, False)
    assert list(bench.blobs.content) == [f"payloads/{first.id}"]


async def test_large_follow_ups_are_refused_with_their_field(bench):
    with pytest.raises(InvalidRequest) as refused:
        await enqueue(bench, {**asked(100), "then": asked(INLINE_BYTES + 1)})
    assert refused.value.fields[0].field == "then"
    assert bench.ledger.rows == bench.blobs.content == {}


async def test_of_a_batch_only_the_large_payloads_leave_their_rows(bench):
    both = [asked(100), LARGE]
    outcomes = await bench.api.enqueue.enqueue_all(
        both, traceparent="", body_bytes=INLINE_BYTES * 2
    )
    assert list(bench.blobs.content) == [f"payloads/{outcomes[1].id}"]


def old_id(age_seconds: float, n: int = 0) -> UUID:
    milliseconds = int((NOW - age_seconds) * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | n)


def sweep_of(blobs, ledger=None):
    clock = FakeClock(datetime.fromtimestamp(NOW, UTC))
    owners = MemoryBlobOwners(ledger or MemoryLedger(clock))
    return BlobSweep(blobs, owners, now=lambda: clock().timestamp()), clock


async def test_the_sweep_takes_what_no_task_needs_and_leaves_what_is_young_or_not_ours():
    blobs = MemoryBlobs()
    old, young = old_id(LEFT_OVER_SECONDS + 1), old_id(LEFT_OVER_SECONDS - 1)
    kept = [f"payloads/{young}", "payloads/readme.txt", f"theirs/{old}"]
    for key in (f"payloads/{old}", f"results/{old}.png", *kept):
        await blobs.put(key, b"")
    sweep, _ = sweep_of(blobs)
    assert await sweep.step() == 2
    assert await blobs.keys() == sorted(kept)


async def test_the_sweep_goes_in_steps_and_lists_again_a_day_later():
    blobs = MemoryBlobs()
    for n in range(SWEEP_BATCH + 1):
        await blobs.put(f"payloads/{old_id(LEFT_OVER_SECONDS * 2, n)}", b"")
    sweep, clock = sweep_of(blobs)
    assert [await sweep.step() for _ in range(3)] == [SWEEP_BATCH, 1, 0]
    await blobs.put(f"payloads/{old_id(0)}", b"")
    await blobs.put(f"payloads/{old_id(LEFT_OVER_SECONDS * 2)}", b"")
    assert await sweep.step() == 0
    clock.advance(DAY_SECONDS)
    assert await sweep.step() == 1


async def test_a_store_that_is_away_does_not_stop_the_relay():
    blobs = MemoryBlobs()
    blobs.reachable = False
    sweep, _ = sweep_of(blobs)
    await sweep.drop([{"key": "payloads/x"}])
    assert await sweep.step() == 0


async def test_the_relay_deletes_the_blobs_of_the_tasks_that_it_prunes(bench):
    stored = await enqueue(bench, LARGE)
    await run(bench, stored, ClaimCheck(bench.blobs))
    bench.clock.advance(8 * DAY_SECONDS)
    sweep = BlobSweep(bench.blobs, MemoryBlobOwners(bench.ledger), now=lambda: 0.0)
    relay = memory_relay(bench.ledger, MemoryPublisher(), blobs=sweep)
    await relay.run(0.05)
    assert (bench.ledger.rows, bench.blobs.content) == ({}, {})
