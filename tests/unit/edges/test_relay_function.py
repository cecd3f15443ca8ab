"""The relay's function: who may call it, what it answers, and that it ends when told to."""

import asyncio
from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from functions.relay.endpoint import RelayEndpoint
from shared.adapters.memory import MemoryLedger, MemoryPublisher
from shared.bootstrap import Relay
from shared.domain.errors import LedgerUnavailable
from shared.domain.outcome import Failure
from shared.domain.settlement import Answer, Settlement
from shared.domain.task import NewTask, State
from shared.edges.guarded_function import guarded_function
from shared.readiness import Readiness
from tests.support.clock import FakeClock
from tests.support.memory_relay import memory_relay
from tests.support.push import PROJECT, calling
from tests.support.task_types import catalogue
from tests.support.tokens import AUDIENCE, EMAIL, claims, key_server, token
from tests.unit.edges.stage import SETTINGS

DEAD = Settlement(State.DEAD, "rejected", Answer.ACK, failure=Failure("No", "no"), copy=True)


class Parts:
    def __init__(self, settings=SETTINGS, run_seconds=0):
        self.clock = FakeClock()
        self.ledger, self.publisher = MemoryLedger(self.clock), MemoryPublisher()
        service = memory_relay(self.ledger, self.publisher, catalogue(), project=PROJECT)
        relay = Relay(settings, service, Readiness({"postgres": self.ledger.ping}))
        self.endpoint = RelayEndpoint(relay, run_seconds=run_seconds)
        self.function = guarded_function("relay", lambda: self.endpoint)

    async def add_unconfirmed(self):
        await self.ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "")])
        self.clock.advance(3)


async def test_a_call_publishes_what_is_due_and_says_so(log_lines):
    parts = Parts()
    await parts.add_unconfirmed()

    async with calling(parts.function) as client:
        answer = await client.post("/")

    assert answer.status_code == 200
    assert answer.json() == {
        "due": 1,
        "published": 1,
        "copies": 0,
        "copies_published": 0,
        "lag_seconds": 1.0,
        "pruned": 0,
        "lost": 0,
        "stepped": 0,
        "released": 0,
        "joined": 0,
    }
    assert [message.topic for message in parts.publisher.messages] == ["tasks-greet"]
    assert [x["due"] for x in log_lines() if x["event"] == "relay_round"] == [1]


async def test_a_call_that_finds_nothing_logs_nothing(log_lines):
    async with calling(Parts().function) as client:
        assert (await client.post("/")).json()["due"] == 0

    assert "relay_round" not in {x["event"] for x in log_lines()}


@pytest.mark.parametrize("permitted", [True, False])
async def test_dead_letters_that_cannot_be_published_are_an_error_in_the_log(log_lines, permitted):
    parts = Parts()
    await parts.add_unconfirmed()
    [due] = await parts.ledger.take_due({"greet": 5}, 1)
    claim = await parts.ledger.claim(due.id, due.generation, catalogue()["greet"])
    await parts.ledger.finish(claim, DEAD)
    parts.publisher.reachable = permitted
    async with calling(parts.function) as client:
        assert (await client.post("/")).json()["copies"] == 1

    stuck = [x for x in log_lines() if x["event"] == "dead_letters_stuck"]
    assert [(x["severity"], x["copies"]) for x in stuck] == ([] if permitted else [("ERROR", 1)])
    assert (await parts.ledger.get(due.id)).error["message"] == "no"


async def test_a_ledger_that_is_away_is_503_for_the_next_call_to_go_on(log_lines):
    parts = Parts()

    async def away(*_):
        raise LedgerUnavailable("postgres did not answer")

    parts.ledger.take_due = away
    await parts.add_unconfirmed()
    async with calling(parts.function) as client:
        assert (await client.post("/")).status_code == 503

    assert log_lines()[-1]["event"] == "ledger_unavailable"


async def test_only_the_schedulers_token_for_this_url_starts_it():
    with key_server() as server:
        settings = replace(
            SETTINGS,
            push_auth="signature",
            push_issuer_keys_url=server.url,
            push_audience=AUDIENCE,
            push_service_account=EMAIL,
        )
        async with calling(Parts(settings).function) as client:
            good = {"authorization": f"Bearer {token(claims())}"}
            other = {"authorization": f"Bearer {token(claims(aud='https://x.example.com'))}"}

            assert (await client.post("/")).status_code == 401
            assert (await client.post("/", headers=other)).status_code == 401
            assert (await client.post("/", headers=good)).status_code == 200


async def test_told_to_stop_it_ends_after_the_round_under_way_and_asks_to_be_called_again():
    parts = Parts(run_seconds=600)
    await parts.add_unconfirmed()
    began = asyncio.Event()
    take_due = parts.ledger.take_due

    async def take(*asked):
        began.set()
        return await take_due(*asked)

    parts.ledger.take_due = take
    async with calling(parts.function) as client:
        call = asyncio.create_task(client.post("/"))
        await began.wait()
        await parts.endpoint.drain()
        answer = await asyncio.wait_for(call, 2)

    assert answer.status_code == 503


@pytest.mark.parametrize("path", ["/ready", "/health"])
async def test_it_answers_probes(path):
    async with calling(Parts().function) as client:
        assert (await client.get(path)).status_code == 200


async def test_a_relay_that_is_far_behind_warns(log_lines):
    parts = Parts()
    await parts.add_unconfirmed()
    parts.clock.advance(120)

    async with calling(parts.function) as client:
        await client.post("/")

    [line] = [x for x in log_lines() if x["event"] == "relay_round"]
    assert (line["severity"], line["lag_seconds"]) == ("WARNING", 121)
