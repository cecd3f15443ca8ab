"""What the ledger says of blobs; one body for memory and for Postgres."""

from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.memory_blobs import MemoryBlobOwners
from shared.adapters.pg_blobs import PostgresBlobOwners
from shared.adapters.pg_calls import Calls
from shared.domain.blob import payload_blob
from tests.contract.ledger.test_ledger_contract import added, claimed, new_task


@pytest.fixture
def owners(bench, request):
    if request.node.callspec.params["bench"] == "memory":
        yield MemoryBlobOwners(bench.ledger)
        return
    calls = Calls(request.getfixturevalue("database"))
    yield PostgresBlobOwners(calls)
    calls.close()


async def large(ledger):
    """A task whose payload stands in a blob; its id, and that blob."""
    task = new_task(payload={})
    blob = payload_blob(task.id, b"{}")
    await ledger.add([replace(task, payload_blob=blob)])
    return task.id, blob


async def test_a_claim_and_a_read_say_where_the_payload_stands(bench):
    task_id, blob = await large(bench.ledger)
    assert (await claimed(bench.ledger, task_id)).payload_blob == blob
    assert (await bench.ledger.get(task_id)).payload_blob == blob


async def test_a_plain_task_names_no_blob(bench):
    task_id = await added(bench.ledger)
    assert (await claimed(bench.ledger, task_id)).payload_blob is None
    assert (await bench.ledger.get(task_id)).payload_blob is None


async def test_a_blob_is_needed_while_its_task_is_there_and_has_that_payload(bench, owners):
    task_id, blob = await large(bench.ledger)
    plain = await added(bench.ledger)
    needed = [blob.key, f"results/{task_id}.png", f"results/{plain}.png"]
    useless = [f"payloads/{plain}", f"payloads/{uuid7()}", f"results/{uuid7()}.png"]
    assert await owners.unneeded(needed + useless) == sorted(useless)


async def test_no_blobs_need_no_answer(owners):
    assert await owners.unneeded([]) == []
