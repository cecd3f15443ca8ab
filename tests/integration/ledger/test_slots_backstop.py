"""Turns while Redis is away: what runs stands in the ledger."""

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.pg_calls import Calls
from shared.adapters.pg_slots import PostgresSlots
from shared.adapters.postgres import PostgresLedger
from shared.domain.slots import turn_of
from shared.domain.task import Claim, NewTask
from tests.support.postgres import fresh_database
from tests.support.task_types import greeting_type

DATABASE = "slots_backstop"


class Bench:
    """A ledger, and the backstop over it."""

    def __init__(self, url: str) -> None:
        self.ledger, self.calls = PostgresLedger(url), Calls(url)
        self.now = 100.0
        self.slots = PostgresSlots(self.calls, now=lambda: self.now)

    async def claim(self, key: str | None = None, task_type: str = "greet") -> Claim:
        new = NewTask(uuid7(), task_type, {"name": "Ada"}, "", concurrency_key=key)
        await self.ledger.add([new])
        claim = await self.ledger.claim(new.id, 0, greeting_type())
        assert isinstance(claim, Claim)
        return claim

    async def takes(self, claim: Claim, **limits) -> bool:
        return await self.slots.ask(turn_of(claim, greeting_type(**limits).limits)) is None


@pytest.fixture(scope="module")
def url(postgres):
    return fresh_database(postgres, DATABASE)


@pytest.fixture
async def bench(postgres, url):
    postgres.run("TRUNCATE tasks CASCADE", DATABASE)
    made = Bench(url)
    yield made
    made.ledger.close()
    made.calls.close()


async def test_the_first_so_many_that_run_have_the_slots(bench):
    claims = [await bench.claim() for _ in range(3)]
    await bench.claim(task_type="other")

    assert [await bench.takes(claim, max_concurrent=2) for claim in claims] == [True, True, False]


async def test_who_is_put_back_or_finished_leaves_its_slot(bench):
    first, second = await bench.claim(), await bench.claim()
    assert not await bench.takes(second, max_concurrent=1)

    await bench.ledger.put_back(first, 60)

    assert await bench.takes(second, max_concurrent=1)


async def test_a_process_that_was_killed_leaves_its_slot_when_its_lease_ends(bench, postgres):
    first, second = await bench.claim(), await bench.claim()
    ended = "UPDATE tasks SET lease_expires_at = now() - interval '1 second' WHERE id = "
    postgres.run(f"{ended} '{first.task_id}'", DATABASE)

    assert await bench.takes(second, max_concurrent=1)


async def test_keys_are_counted_each_for_itself(bench):
    claims = [await bench.claim(key) for key in ("a", "a", "b", None)]

    taken = [await bench.takes(claim, max_concurrent_per_key=1) for claim in claims]
    assert taken == [True, False, True, True]


async def test_a_rate_is_kept_by_the_process(bench):
    claim = await bench.claim()

    assert await bench.takes(claim, rate_per_second=2)
    assert not await bench.takes(claim, rate_per_second=2)
    bench.now += 0.6
    assert await bench.takes(claim, rate_per_second=2)
