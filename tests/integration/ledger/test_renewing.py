"""A lease is kept alive while its block runs, whatever the event loop does; only its holder's."""

import asyncio
import time

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.postgres import PostgresLedger
from shared.domain.task import Claim, NewTask, Refusal
from tests.support.postgres import fresh_database
from tests.support.task_types import greeting_type

GREET = greeting_type()
DATABASE = "renewing"


@pytest.fixture(scope="module")
def url(postgres):
    return fresh_database(postgres, DATABASE)


@pytest.fixture
def ledger(url):
    made = PostgresLedger(url, renew_seconds=0.05)
    yield made
    made.close()


@pytest.fixture
async def claim(ledger):
    [stored] = await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "")])
    taken = await ledger.claim(stored.id, 0, GREET)
    assert isinstance(taken, Claim)
    return taken


@pytest.fixture
def lease(postgres, claim):
    """The seconds that the row's lease still lasts, and a way to let some of them pass."""

    class Lease:
        def left(self) -> float:
            [[seconds]] = postgres.run(
                "SELECT extract(epoch FROM lease_expires_at - now())::float8 FROM tasks "
                f"WHERE id = '{claim.task_id}'",
                DATABASE,
            )
            return seconds

        def age(self, seconds: float) -> None:
            postgres.run(
                f"UPDATE tasks SET lease_expires_at = lease_expires_at - interval '{seconds} s', "
                f"due_at = due_at - interval '{seconds} s' WHERE id = '{claim.task_id}'",
                DATABASE,
            )

    return Lease()


def blocked_until(check, seconds: float = 10) -> bool:
    """Block the event loop, as a handler that forgets to await does, until `check` holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False


async def test_a_blocked_event_loop_does_not_lose_its_lease(ledger, claim, lease):
    async with ledger.renewing(claim, 60):
        lease.age(25)
        assert blocked_until(lambda: lease.left() > 25)
        lease.age(10)
        assert await ledger.claim(claim.task_id, 0, GREET) is Refusal.RUNNING


async def test_the_relay_s_look_moves_with_the_lease(ledger, claim, lease):
    async with ledger.renewing(claim, 60):
        lease.age(25)
        assert blocked_until(lambda: lease.left() > 25)
        lease.age(10)
        assert await ledger.take_due({"greet": 5}, 10) == []


async def test_nothing_is_renewed_after_the_block(ledger, claim, lease):
    async with ledger.renewing(claim, 60):
        pass
    lease.age(25)
    assert not blocked_until(lambda: lease.left() > 25, seconds=0.5)


async def test_a_lease_is_not_renewed_past_the_time_limit_and_its_margin(ledger, claim, lease):
    async with ledger.renewing(claim, -15):
        lease.age(25)
        assert not blocked_until(lambda: lease.left() > 25, seconds=0.5)


async def test_who_lost_the_lease_does_not_renew_the_next_holder_s(ledger, claim, lease):
    lease.age(31)
    assert isinstance(await ledger.claim(claim.task_id, 0, GREET), Claim)
    async with ledger.renewing(claim, 60):
        lease.age(25)
        assert not blocked_until(lambda: lease.left() > 25, seconds=0.5)


async def test_a_run_learns_between_two_renewals_that_it_shall_stop(url, claim):
    slow = PostgresLedger(url, renew_seconds=60, stops_seconds=0.05)
    stopped = asyncio.Event()
    async with asyncio.timeout(10), slow.renewing(claim, 60, stopped.set):
        await slow.cancel_all([claim.task_id])
        await stopped.wait()
    slow.close()


async def test_a_renewal_tells_a_run_to_stop_too(url, claim):
    ledger = PostgresLedger(url, renew_seconds=0.05, stops_seconds=60)
    stopped = asyncio.Event()
    await ledger.cancel_all([claim.task_id])
    async with asyncio.timeout(10), ledger.renewing(claim, 60, stopped.set):
        await stopped.wait()
    ledger.close()


async def test_a_run_that_nobody_cancels_is_not_stopped(url, claim, lease):
    ledger = PostgresLedger(url, renew_seconds=0.05, stops_seconds=0.05)
    stopped = asyncio.Event()
    async with ledger.renewing(claim, 60, stopped.set):
        lease.age(25)
        assert blocked_until(lambda: lease.left() > 25)
        await asyncio.sleep(0.2)  # what the thread has to say reaches the loop
        assert not stopped.is_set()
    ledger.close()
