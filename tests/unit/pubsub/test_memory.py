"""Memory that a burst leaves unused goes back once it is quiet."""

import asyncio

import pytest

from emulators.pubsub.memory import BURST_BYTES, Trimmer


@pytest.fixture
def trims():
    return []


@pytest.fixture
async def trimmer(trims):
    """A trimmer that only notes when it would trim, at once when a turn of the loop is quiet."""
    return Trimmer(lambda: trims.append(1), quiet_seconds=0)


async def turns(count=10):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_burst_is_followed_by_one_trim(trimmer, trims):
    for _ in range(100):
        trimmer.passed(BURST_BYTES)
    await turns()

    assert trims == [1]


async def test_nothing_is_trimmed_while_more_comes(trimmer, trims):
    for _ in range(20):
        trimmer.passed(BURST_BYTES)
        await asyncio.sleep(0)

    assert trims == []


async def test_a_few_messages_are_not_worth_it(trimmer, trims):
    trimmer.passed(BURST_BYTES - 1)
    await turns()

    assert trims == []


async def test_a_closed_trimmer_does_nothing(trimmer, trims):
    trimmer.passed(BURST_BYTES)
    trimmer.close()
    trimmer.passed(BURST_BYTES)
    await turns()

    assert trims == []
