"""`cloudtasker groups`: start, watch, and what a repeat says."""

import asyncio
import json
import re

import pytest

from shared.cli.group_view import FIXES
from shared.domain.errors import Code
from shared.domain.outcome import Failure, Rejected, Succeeded

GREET = {"task_type": "greet", "payload": {"name": "Ana"}}


@pytest.fixture
def start(cloudtasker, tmp_path):
    """Starts a group of two from a file, with `more` in it."""

    def start(*words, tasks=(GREET, GREET), **more):
        file = tmp_path / "group.json"
        file.write_text(json.dumps({"tasks": list(tasks), **more}))
        return cloudtasker("groups", "start", "--file", str(file), *words)

    return start


def members(cloudtasker):
    return [
        task["task_id"] for task in cloudtasker("tasks", "list", "-o", "json").document["tasks"]
    ]


def ending(cloudtasker, *verdicts):
    """What happens while somebody watches: a task ends each half second, then the group does."""
    waiting = iter(zip(members(cloudtasker), verdicts, strict=True))

    async def step() -> None:
        for task_id, verdict in waiting:
            await cloudtasker.run_task(task_id, verdict)
            break
        await cloudtasker.memory.chores.round()

    return [step] * (len(verdicts) + 1)


def test_a_watched_group_is_a_line_for_each_change_with_jsonl(cloudtasker, start):
    group_id = start().out.strip()
    cloudtasker.time.meanwhile = ending(cloudtasker, Succeeded(None), Succeeded(None))
    outcome = cloudtasker("groups", "watch", group_id, "-o", "jsonl")
    lines = [json.loads(line) for line in outcome.out.splitlines()]

    assert outcome.code == 0
    assert [(one["state"], one["succeeded"]) for one in lines] == [
        ("running", 0),
        ("running", 1),
        ("succeeded", 2),
    ]
    assert outcome.err == ""


def test_a_watched_group_tells_its_progress_and_shows_how_it_ended(cloudtasker, start):
    group_id = start().out.strip()
    rejected = Rejected(Failure("Oops", "no"))
    cloudtasker.time.meanwhile = ending(cloudtasker, Succeeded(None), rejected)
    outcome = cloudtasker("groups", "watch", group_id)

    assert outcome.code == 1
    assert outcome.err.splitlines() == ["50 % (1 of 2)", "100 % (2 of 2)"]
    assert "2: 1 succeeded, 1 failed" in outcome.out


def test_ctrl_c_ends_the_watching_and_not_the_group(cloudtasker, start):
    group_id = start().out.strip()

    async def interrupt() -> None:
        raise KeyboardInterrupt

    cloudtasker.time.meanwhile = [interrupt]
    outcome = cloudtasker("groups", "watch", group_id)

    assert outcome.code == 130
    assert "Detached. The group goes on by itself." in outcome.err
    assert outcome.fix == f"Fix: watch it again: cloudtasker groups watch {group_id}"
    assert cloudtasker("groups", "get", group_id, "-o", "json").document["state"] == "running"


def test_a_group_that_has_ended_is_shown_at_once(cloudtasker, start):
    group_id = start(tasks=[GREET]).out.strip()
    [task_id] = members(cloudtasker)
    cloudtasker.finish(task_id, Succeeded(None))
    asyncio.run(cloudtasker.memory.chores.round())
    assert cloudtasker("groups", "watch", group_id, "-q").code == 0
    assert cloudtasker.time.seconds == 0


def test_a_group_is_started_once_and_a_repeat_says_so(cloudtasker, start):
    first, again = start(idempotency_key="k"), start(idempotency_key="k")

    assert first.out == again.out
    assert first.err == "Enqueued 2 tasks.\n"
    assert "Nothing was enqueued" in again.err
    assert "2 of its tasks are kept" in again.err
    assert len(members(cloudtasker)) == 2


def test_the_key_of_another_group_names_that_group(cloudtasker, start):
    group_id = start(idempotency_key="k").out.strip()
    outcome = start(tasks=[GREET], idempotency_key="k")

    assert (outcome.code, outcome.err.split()[0]) == (4, "CT304")
    assert "Nothing was enqueued." in outcome.err
    assert f"cloudtasker groups get {group_id}" in outcome.fix


def test_a_wrong_member_is_named_and_nothing_is_enqueued(cloudtasker, start):
    outcome = start(tasks=[GREET, {"task_type": "greet", "payload": {}}])

    assert outcome.code == 2
    assert outcome.err.startswith("CT301 group rejected: tasks.1.payload.name:")
    assert "Nothing was enqueued." in outcome.err
    assert members(cloudtasker) == []


def test_of_what_follows_a_group_only_what_comes_has_an_id(cloudtasker, start):
    group_id = start(then=GREET, on_failure=GREET).out.strip()
    before = cloudtasker("groups", "get", group_id)
    cloudtasker.time.meanwhile = ending(cloudtasker, Succeeded(None), Succeeded(None))
    after = cloudtasker("groups", "watch", group_id)

    assert "not made" not in before.out
    assert re.search(r"^then +0[0-9a-f-]{35}$", after.out, re.MULTILINE)
    assert re.search(r"^on_failure +not made", after.out, re.MULTILINE)


@pytest.mark.parametrize("command", ["get", "wait", "watch"])
def test_a_group_that_does_not_exist_exits_with_3(cloudtasker, command):
    outcome = cloudtasker("groups", command, "01934b1a-0000-7000-8000-000000000000")

    assert (outcome.code, outcome.fix) == (3, f"Fix: {FIXES[Code.NOT_FOUND]}")
