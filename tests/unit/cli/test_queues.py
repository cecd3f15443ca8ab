"""`cloudtasker queues`."""

import asyncio

from shared.domain.outcome import Succeeded


def queue(cloudtasker, name="greet"):
    listed = cloudtasker("queues", "list", "-o", "json").document["queues"]
    return next(one for one in listed if one["task_type"] == name)


def test_a_paused_type_is_shown_with_its_reason(cloudtasker):
    outcome = cloudtasker("queues", "pause", "greet", "--reason", "the bank is down")

    assert outcome.code == 0
    assert "greet is paused: 0 running, 0 held." in outcome.err
    shown = cloudtasker("queues", "list").out
    assert "⏸ paused" in shown
    assert "the bank is down" in shown
    assert queue(cloudtasker)["actor"] == "local"


def test_a_resumed_type_works_again(cloudtasker):
    cloudtasker("queues", "pause", "greet")

    assert "greet is active" in cloudtasker("queues", "resume", "greet").err
    assert queue(cloudtasker)["state"] == "active"


def test_a_drain_waits_until_what_runs_has_ended(cloudtasker):
    task_id = cloudtasker.enqueue()
    claim = asyncio.run(cloudtasker.claim(task_id))

    async def end() -> None:
        await cloudtasker.memory.ledger.put_back(claim, 60)

    cloudtasker.time.meanwhile = [end]
    outcome = cloudtasker("queues", "drain", "greet")

    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "greet begins no more; waiting for 1 that run.",
        "greet is paused: 0 running, 0 held.",
    ]


def test_a_drain_that_takes_too_long_exits_with_124_and_stays_paused(cloudtasker):
    cloudtasker.begin(cloudtasker.enqueue())

    outcome = cloudtasker("queues", "drain", "greet", "--timeout", "3")

    assert outcome.code == 124
    assert "1 tasks still run after 3 s" in outcome.err
    assert queue(cloudtasker)["state"] == "draining"


def test_a_type_that_nobody_deployed_exits_with_3(cloudtasker):
    outcome = cloudtasker("queues", "pause", "gret")

    assert outcome.code == 3
    assert 'did you mean "greet"' in outcome.err


def test_what_ran_before_the_pause_is_recorded(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Succeeded(None))
    cloudtasker("queues", "pause", "greet")

    assert queue(cloudtasker)["running"] == 0
