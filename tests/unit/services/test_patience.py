"""Waiting out a ledger that is away."""

import asyncio

import pytest

from shared.domain.errors import LedgerUnavailable
from shared.services import patience


async def test_a_move_that_hangs_is_cut_off_and_said_to_be_unrecorded(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.01)

    with pytest.raises(LedgerUnavailable, match="the outcome could not be recorded"):
        await asyncio.wait_for(patience.patiently(asyncio.Event().wait, "the outcome"), 20)


async def test_what_is_no_outage_is_raised_at_once():
    tries = []

    async def broken():
        tries.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await patience.patiently(broken, "the outcome")
    assert len(tries) == 1
