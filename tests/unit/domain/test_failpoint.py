"""Failpoints: what may be said, what an action does, and where the services pass them."""

import asyncio
import time

import pytest
from uuid_utils.compat import uuid7

from shared.adapters.memory import MemoryLedger, MemoryPublisher
from shared.adapters.no_cache import NoCache
from shared.domain.errors import Misconfigured
from shared.domain.failpoint import (
    Failpoint,
    FailpointReached,
    Point,
    arm,
    disarm,
    failpoints_of,
    reach,
)
from shared.domain.task import NewTask
from shared.failpoints import arm_all
from shared.services.enqueue import EnqueueService
from shared.settings import read_settings
from tests.support.clock import FakeClock
from tests.support.memory_relay import memory_relay
from tests.support.task_types import catalogue


@pytest.fixture(autouse=True)
def disarmed():
    yield
    disarm()


def test_points_actions_seconds_and_passages_are_read():
    said = "api_after_commit=crash@3; function_after_claim=sleep:1.5;relay_after_take_due=raise"
    assert failpoints_of(said) == (
        Failpoint(Point.API_AFTER_COMMIT, "crash", nth=3),
        Failpoint(Point.FUNCTION_AFTER_CLAIM, "sleep", seconds=1.5),
        Failpoint(Point.RELAY_AFTER_TAKE_DUE, "raise"),
    )


@pytest.mark.parametrize(
    "said",
    [
        "nowhere=crash",
        "api_after_commit",
        "api_after_commit=explode",
        "api_after_commit=crash@0",
        "api_after_commit=sleep",
        "api_after_commit=crash:2",
    ],
)
def test_what_cannot_be_read_is_a_problem_of_the_settings(said):
    with pytest.raises(Misconfigured, match="CLOUDTASKER_FAILPOINTS"):
        read_settings({"CLOUDTASKER_FAILPOINTS": said})


def test_an_unknown_point_is_answered_with_those_that_there_are():
    with pytest.raises(ValueError, match="api_before_commit, api_after_commit, function_after"):
        failpoints_of("nowhere=crash")


def test_a_point_that_is_not_armed_does_nothing():
    arm_all(failpoints_of("api_before_commit=raise"))
    reach(Point.API_AFTER_COMMIT)


def test_only_the_nth_passage_fails():
    arm_all(failpoints_of("api_after_commit=raise@2"))
    reach(Point.API_AFTER_COMMIT)
    with pytest.raises(FailpointReached, match="api_after_commit"):
        reach(Point.API_AFTER_COMMIT)
    reach(Point.API_AFTER_COMMIT)


def test_sleeping_holds_the_process():
    arm_all(failpoints_of("api_after_commit=sleep:0.05"))
    began = time.monotonic()
    reach(Point.API_AFTER_COMMIT)
    assert time.monotonic() - began >= 0.05


class Crossed:
    """Which points were passed, and how the world stood then."""

    def __init__(self, look):
        self.seen = {}
        for point in Point:
            arm(point, lambda point=point: self.seen.setdefault(point, look()))


async def test_the_api_stands_before_and_after_its_commit_and_before_the_publication():
    ledger, publisher = MemoryLedger(), MemoryPublisher()
    service = EnqueueService(catalogue(), ledger, publisher, NoCache(), new_id=uuid7)
    crossed = Crossed(lambda: (len(ledger._rows), len(publisher.messages)))

    await service.enqueue({"task_type": "greet", "payload": {"name": "Ada"}}, traceparent="")

    assert crossed.seen == {Point.API_BEFORE_COMMIT: (0, 0), Point.API_AFTER_COMMIT: (1, 0)}


async def test_the_relay_stands_between_taking_and_publishing():
    clock = FakeClock()
    ledger, publisher = MemoryLedger(clock), MemoryPublisher()
    relay = memory_relay(ledger, publisher, catalogue(), project="p")
    crossed = Crossed(lambda: len(publisher.messages))
    await relay.round()
    await ledger.add([NewTask(uuid7(), "greet", {"name": "Ada"}, "")])
    clock.advance(3)
    assert crossed.seen == {}

    await asyncio.wait_for(relay.round(), 5)

    assert crossed.seen == {Point.RELAY_AFTER_TAKE_DUE: 0}
