"""`cloudtasker dlq`, `tasks retry`, `ops` and `audit`."""

import asyncio
import json
import os
import pty
from contextlib import ExitStack

import pytest

from shared.cli import bulk
from shared.cli.errors import CliError
from shared.client.desk_shapes import Preview
from shared.domain.outcome import Failure, Rejected


@pytest.fixture
def dead(cloudtasker):
    """Makes dead tasks, and gives their ids."""

    def make(*messages: str) -> list[str]:
        ids = []
        for message in messages:
            ids.append(cloudtasker.enqueue())
            cloudtasker.finish(ids[-1], Rejected(Failure("Wrong", message)))
        return ids

    return make


@pytest.fixture
def working(cloudtasker):
    """A relay that works whenever the command line waits."""

    async def round() -> None:
        cloudtasker.memory.clock.advance(1)
        await cloudtasker.memory.chores.round()

    cloudtasker.time.meanwhile = [round] * 50
    return cloudtasker


def state(cloudtasker, task_id: str) -> str:
    task = asyncio.run(cloudtasker.memory.api.lookup.get(task_id))
    return task.state


def test_groups_show_what_differs_in_ids_only_as_one(cloudtasker, dead):
    dead("order 1 failed", "order 2 failed", "no such template")

    outcome = cloudtasker("dlq", "groups")
    listed = cloudtasker("dlq", "groups", "-o", "json").document["groups"]

    assert outcome.code == 0
    assert "Wrong: order <n> failed" in outcome.out
    assert "Grouped over all 3 dead tasks." in outcome.err
    assert [group["count"] for group in listed] == [2, 1]


def test_the_list_of_a_group_has_its_members_only(cloudtasker, dead):
    one, two, _ = dead("order 1 failed", "order 2 failed", "no such template")
    group = cloudtasker("dlq", "groups", "-o", "json").document["groups"][0]["group"]

    members = cloudtasker("dlq", "list", "--group", group, "-o", "json").document["tasks"]
    everyone = cloudtasker("dlq", "list")

    assert [task["task_id"] for task in members] == [two, one]
    assert len(everyone.out.splitlines()) == 4


def test_an_empty_desk_says_so(cloudtasker):
    assert "No task is dead." in cloudtasker("dlq", "groups").err
    assert "No dead task fits." in cloudtasker("dlq", "list").err
    assert "Every delivery was understood." in cloudtasker("dlq", "list", "--raw").err


def test_a_dry_run_counts_and_changes_nothing(cloudtasker, dead):
    [task_id] = dead("no")

    outcome = cloudtasker("dlq", "redrive", "--all", "--dry-run")

    assert outcome.out == "This would redrive 1 tasks (greet 1). Nothing was changed.\n"
    assert state(cloudtasker, task_id) == "dead"


def test_a_redrive_by_group_is_watched_to_its_end(working, dead):
    one, two, other = dead("order 1 failed", "order 2 failed", "no such template")
    group = working("dlq", "groups", "-o", "json").document["groups"][0]["group"]

    outcome = working("dlq", "redrive", "--group", group, "--yes")

    assert outcome.code == 0
    assert "100 % (2 of 2)" in outcome.err
    assert "Done: 2 redriven, 0 skipped, 0 failed." in outcome.err
    assert [state(working, one), state(working, two), state(working, other)] == [
        "queued",
        "queued",
        "dead",
    ]


def test_a_rate_is_kept_and_the_progress_is_told_by_tenths(working, dead):
    dead(*["no"] * 20)

    outcome = working("dlq", "redrive", "--all", "--rate", "2", "--yes")

    told = [line for line in outcome.err.splitlines() if "%" in line]
    assert told[0] == "10 % (2 of 20)"
    assert told[-1] == "100 % (20 of 20)"
    assert len(told) == 10


def test_part_of_a_bulk_redrive_exits_with_7(working, dead):
    [task_id] = dead("no")
    queued = working.enqueue()

    outcome = working("dlq", "redrive", task_id, queued, "--yes")

    assert outcome.code == 7
    assert "Done: 1 redriven, 1 skipped, 0 failed." in outcome.err


def test_without_a_terminal_a_bulk_command_needs_yes(cloudtasker, dead):
    [task_id] = dead("no")

    outcome = cloudtasker("dlq", "redrive", "--all")

    assert outcome.code == 2
    assert outcome.err.startswith("CT314 This would redrive 1 tasks")
    assert state(cloudtasker, task_id) == "dead"


@pytest.mark.parametrize(
    ("total", "typed", "agreed"),
    [(2, "y", True), (2, "n", False), (101, "101", True), (101, "y", False)],
)
def test_a_no_at_a_terminal_changes_nothing_and_says_so(monkeypatch, total, typed, agreed):
    person, terminal = pty.openpty()
    os.write(person, f"{typed}\n".encode())
    with os.fdopen(terminal) as stdin, ExitStack() as refused:
        monkeypatch.setattr("sys.stdin", stdin)
        if not agreed:
            refused.enter_context(pytest.raises(CliError, match="Not confirmed"))
        bulk._confirm(
            "redrive", Preview(dry_run=True, total=total, skipped=0, by_type={}, until="")
        )
    os.close(person)


@pytest.mark.parametrize("words", [[], ["--all", "--type", "greet"], ["x", "--all"]])
def test_a_bulk_command_names_its_tasks_in_one_way(cloudtasker, words):
    assert cloudtasker("dlq", "redrive", *words, "--yes").code == 2


def test_nothing_to_redrive_is_no_error(cloudtasker):
    outcome = cloudtasker("dlq", "redrive", "--all", "--yes")

    assert (outcome.code, outcome.out) == (0, "")
    assert "No task fits" in outcome.err


@pytest.mark.parametrize("task_id", ["01934b1a-0000-7000-8000-000000000000", "queued"])
def test_named_tasks_of_which_none_can_be_redriven_exit_with_7(cloudtasker, task_id):
    named = cloudtasker.enqueue() if task_id == "queued" else task_id

    outcome = cloudtasker("dlq", "redrive", named, "--yes")

    assert (outcome.code, outcome.out) == (7, "")
    assert outcome.err == "No task that was named is there and can be redriven.\n"


def test_interrupted_it_is_detached_and_goes_on(working, dead):
    [task_id] = dead("no")

    async def interrupt() -> None:
        raise KeyboardInterrupt

    working.time.meanwhile = [interrupt]
    outcome = working("dlq", "redrive", "--all", "--yes")
    [operation] = working("ops", "list", "-o", "json").document["operations"]

    assert outcome.code == 130
    assert "Detached. The operation goes on by itself." in outcome.err
    assert f"cloudtasker ops watch {operation['operation_id']}" in outcome.fix
    assert f"cloudtasker ops stop {operation['operation_id']}" in outcome.fix
    assert operation["state"] == "running"
    asyncio.run(working.memory.chores.round())
    assert working("ops", "watch", operation["operation_id"]).code == 0
    assert state(working, task_id) == "queued"


def test_detached_from_the_start_it_prints_the_id_and_can_be_stopped(cloudtasker, dead):
    dead("no")

    begun = cloudtasker("dlq", "redrive", "--all", "--yes", "--detach")
    operation_id = begun.out.strip()
    stopped = cloudtasker("ops", "stop", operation_id)
    watched = cloudtasker("ops", "watch", operation_id)

    assert "Stopped: 0 redriven, 0 skipped, 0 failed, 1 left alone." in stopped.err
    assert watched.code == 7


def test_an_operation_is_shown_with_its_items(working, dead):
    [task_id] = dead("no")
    operation_id = working("dlq", "redrive", "--all", "--yes").out.strip()

    shown = working("ops", "get", operation_id, "--items")
    document = working("ops", "get", operation_id, "--items", "-o", "json").document

    assert task_id in shown.out
    assert "Done: 1 redriven" in shown.out
    assert [item["outcome"] for item in document["items"]] == ["succeeded"]


@pytest.mark.parametrize("command", ["get", "watch", "stop"])
def test_an_operation_that_does_not_exist_exits_with_3(cloudtasker, command):
    outcome = cloudtasker("ops", command, "01934b1a-0000-7000-8000-000000000000")

    assert (outcome.code, outcome.fix) == (
        3,
        "Fix: `cloudtasker ops list` shows the newest with their ids.",
    )


def test_discarded_tasks_leave_the_desk(working, dead):
    [task_id] = dead("no")

    assert working("dlq", "discard", task_id, "--yes").code == 0
    assert state(working, task_id) == "cancelled"


def test_several_tasks_are_cancelled_as_one_operation(working):
    ids = [working.enqueue() for _ in range(3)]

    outcome = working("tasks", "cancel", *ids[:2], "--yes")

    assert outcome.code == 0
    assert "Done: 2 cancelled" in outcome.err
    assert [state(working, one) for one in ids] == ["cancelled", "cancelled", "queued"]


def test_tasks_are_cancelled_by_filter(working):
    task_id = working.enqueue()

    outcome = working("tasks", "cancel", "--type", "greet", "--state", "queued", "--yes")

    assert outcome.code == 0
    assert state(working, task_id) == "cancelled"


def test_a_task_is_retried_with_another_payload(cloudtasker, dead):
    [task_id] = dead("no")

    outcome = cloudtasker("tasks", "retry", task_id, "--json", '{"name": "Bob"}')

    assert (outcome.code, outcome.out) == (0, "")
    assert f"Redriven greet {task_id}, generation 1." in outcome.err
    task = cloudtasker("tasks", "get", task_id, "-o", "json").document
    assert (task["state"], task["payload"]) == ("queued", {"name": "Bob"})


def test_a_redriven_task_tells_its_attempts_apart(cloudtasker, dead):
    [task_id] = dead("no")
    cloudtasker("tasks", "retry", task_id)
    cloudtasker.begin(task_id, generation=1)

    shown = cloudtasker("tasks", "get", task_id).out

    assert "generation  1: redriven, with new attempts" in shown
    numbers = [line[:17] for line in shown.splitlines() if "of generation" in line]
    assert numbers == ["1 of generation 0", "1 of generation 1"]


def test_a_task_that_is_not_dead_is_not_retried(cloudtasker):
    outcome = cloudtasker("tasks", "retry", cloudtasker.enqueue())

    assert outcome.code == 4
    assert "is queued, so it was not redriven" in outcome.err


def test_the_audit_says_who_did_what(working, dead):
    dead("no")
    working("dlq", "redrive", "--all", "--yes")

    [line] = working("audit", "-o", "json").document["lines"]

    assert (line["actor"], line["action"]) == ("local", "redrive")
    assert "local" in working("audit").out


def test_hostile_errors_are_shown_as_text(cloudtasker, dead):
    dead("bad \x1b[31mred\x07")

    outcome = cloudtasker("dlq", "groups")

    assert "\x1b" not in outcome.out
    assert "\\x1b" in outcome.out


def test_each_listing_can_be_read_line_by_line(cloudtasker, dead):
    dead("a", "b")

    for words in (["dlq", "groups"], ["dlq", "list"], ["queues", "list"]):
        lines = cloudtasker(*words, "-o", "jsonl").out.splitlines()
        assert [type(json.loads(line)) for line in lines] == [dict, dict]
