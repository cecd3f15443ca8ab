"""When Redis is asked, and when it is left alone; no server is there."""

import asyncio

import pytest

from shared.adapters.redis_connection import RedisConnection

AWAY_SECONDS = 0.05


@pytest.fixture
async def connection():
    made = RedisConnection("redis://127.0.0.1:1/0", away_seconds=AWAY_SECONDS)
    yield made
    await made.close()


async def fails():
    raise ConnectionRefusedError


async def answers():
    await asyncio.sleep(0)  # others come meanwhile
    return "PONG"


async def asked_by_many(connection, work, many=5):
    outcomes = await asyncio.gather(
        *(connection.ask(work) for _ in range(many)), return_exceptions=True
    )
    return sum(outcome == "PONG" for outcome in outcomes)


async def test_one_that_failed_is_left_alone(connection):
    with pytest.raises(ConnectionError, match="cannot be used"):
        await connection.ask(fails)
    with pytest.raises(ConnectionError, match="a moment ago"):
        await connection.ask(answers)


async def test_one_that_answers_again_is_asked_by_everybody_again(connection):
    with pytest.raises(ConnectionError):
        await connection.ask(fails)
    await asyncio.sleep(2 * AWAY_SECONDS)

    assert await asked_by_many(connection, answers) == 1
    assert await asked_by_many(connection, answers) == 5


async def test_one_that_works_keeps_nobody_waiting(connection):
    assert await asked_by_many(connection, answers) == 5
