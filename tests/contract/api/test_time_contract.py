"""Delay and expiry over REST and gRPC alike."""

import pytest

from tests.contract.api.test_api_contract import GREET, refused, stored

IN_AN_HOUR = "2026-11-24T13:00:00.250000Z"
IN_TWO_YEARS = "2028-11-24T12:00:00Z"


async def test_a_task_for_later_is_scheduled_and_not_published(client, memory):
    accepted = await client.enqueue({**GREET, "run_at": IN_AN_HOUR})
    task = await client.get(accepted["task_id"])
    assert accepted["state"] == task["state"] == "scheduled"
    assert task["not_before"] == task["due_at"] == IN_AN_HOUR
    assert memory.publisher.messages == []


async def test_a_delay_counts_from_the_acceptance(client, memory):
    accepted = await client.enqueue({**GREET, "delay_seconds": 0.5, "expires_in_seconds": 60})
    task = await client.get(accepted["task_id"])
    assert task["not_before"] == "2026-11-24T12:00:00.500000Z"
    assert task["expires_at"] == "2026-11-24T12:01:00.500000Z"


@pytest.mark.parametrize(
    ("times", "field"),
    [
        ({"run_at": IN_TWO_YEARS}, "run_at"),
        ({"run_at": IN_AN_HOUR, "delay_seconds": 1}, ""),
        ({"delay_seconds": -1}, "delay_seconds"),
        ({"delay_seconds": 31_536_001}, "delay_seconds"),
        ({"expires_in_seconds": 0}, "expires_in_seconds"),
        ({"expires_in_seconds": 31_536_001}, "expires_in_seconds"),
    ],
)
async def test_a_time_out_of_range_is_refused_and_nothing_is_stored(client, times, field):
    error = await refused(client.enqueue({**GREET, **times}))
    assert error.code == "invalid"
    assert field in error.fields
    assert await stored(client) == 0


async def test_a_year_ahead_is_accepted(client):
    accepted = await client.enqueue({**GREET, "delay_seconds": 31_536_000})
    assert accepted["state"] == "scheduled"


async def test_the_same_key_with_another_time_is_another_request(client):
    await client.enqueue({**GREET, "idempotency_key": "k", "delay_seconds": 60})
    error = await refused(client.enqueue({**GREET, "idempotency_key": "k", "delay_seconds": 61}))
    assert error.code == "idempotency_conflict"
    again = await client.enqueue({**GREET, "idempotency_key": "k", "delay_seconds": 60})
    assert again["replayed"]
