"""`tasks get`, `tasks list`, `tasks cancel`."""

import json
import re
from datetime import UTC, datetime

import pytest

from shared.cli.task_view import JSON_CHARACTERS, percent_text, task_details
from shared.domain.outcome import Failed, Failure, Rejected, Succeeded

UNKNOWN = "019aae00-0000-7000-8000-000000000000"


def test_get_shows_everything_about_a_task(cloudtasker):
    task_id = cloudtasker.enqueue(name="Ana", times=2)
    cloudtasker.finish(task_id, Failed(Failure("TimeoutError", "no answer\nwithin 3 s")))

    outcome = cloudtasker("tasks", "get", task_id)

    assert outcome.code == 0
    for shown in (task_id, "↻ retrying", '"times": 2', "ATTEMPT", "1.5 s", "TimeoutError: no"):
        assert shown in outcome.out


def test_get_prints_the_document_of_the_api(cloudtasker):
    task_id = cloudtasker.enqueue()

    task = cloudtasker("tasks", "get", task_id, "-o", "json").document

    assert (task["task_id"], task["state"], task["attempts"]) == (task_id, "queued", [])


def test_get_tells_where_a_payload_is_that_is_too_large_for_the_row(cloudtasker, drawn):
    task = cloudtasker("tasks", "get", cloudtasker.enqueue(), "-o", "json").document
    blob = {"key": "payloads/1", "bytes": 600_013, "sha256": "e9"}

    shown = drawn(task_details(task | {"payload": {}, "payload_blob": blob}, datetime.now(UTC)))

    assert "payload  600,013 bytes in the blob store: payloads/1" in shown


def test_get_shows_the_beginning_of_a_long_result(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Succeeded("x" * 50_000))

    shown = cloudtasker("tasks", "get", task_id).out

    assert JSON_CHARACTERS < len(shown) < JSON_CHARACTERS * 1.5
    assert "(50,002 characters; -o json has them all)" in shown


def test_get_gives_no_id_of_a_follow_up_that_is_not_made(cloudtasker):
    follow = json.dumps({"task_type": "greet", "payload": {"name": "Bo"}})
    words = ("enqueue", "greet", "name=Ana", "--then", follow, "--on-failure", follow, "-q")
    task_id = cloudtasker("tasks", *words).out.strip()
    before = cloudtasker("tasks", "get", task_id).out
    cloudtasker.finish(task_id, Rejected(Failure("Wrong", "no")))
    after = cloudtasker("tasks", "get", task_id).out

    assert "not made" not in before
    assert re.search(r"^then +not made: the task ended otherwise$", after, re.MULTILINE)
    assert re.search(r"^on_failure +0[0-9a-f-]{35}$", after, re.MULTILINE)


@pytest.mark.parametrize(("percent", "text"), [(100 / 30, "3.3 %"), (40, "40 %"), (0.04, "0 %")])
def test_percent_has_one_decimal_at_the_most(percent, text):
    assert percent_text(percent) == text


@pytest.mark.parametrize("command", ["get", "cancel"])
@pytest.mark.parametrize("task_id", [UNKNOWN, "no-id", "../../health", "a b?c#d"])
def test_an_unknown_id_is_not_found(cloudtasker, command, task_id):
    outcome = cloudtasker("tasks", command, task_id, "-o", "json")

    assert outcome.code == 3
    assert outcome.error["code"] in ("CT303", "CT306")


def test_list_shows_whole_ids_newest_first(cloudtasker):
    ids = [cloudtasker.enqueue() for _ in range(3)]
    cloudtasker.finish(ids[0], Succeeded(None))

    header, *lines = cloudtasker("tasks", "list").out.splitlines()

    assert header.split() == ["ID", "STATE", "TYPE", "AGE", "TOOK", "ATTEMPT", "ERROR"]
    assert [line.split()[0] for line in lines] == ids[::-1]
    assert "✓ succeeded" in lines[2]


def test_list_cuts_a_long_error_with_an_ellipsis(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Failed(Failure("ValueError", "x" * 500)))

    [_, line] = cloudtasker("tasks", "list").out.splitlines()

    assert line.rstrip().endswith("x…")
    assert len(line) < 200


def test_what_a_terminal_would_obey_is_made_visible(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Failed(Failure("Error", "\x1b]0;gotcha\x07 [bold]not markup[/]")))

    for words in (["list"], ["get", task_id]):
        shown = cloudtasker("tasks", *words).out
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert r"\x1b]0;gotcha\x07 [bold]not markup[/]" in shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--type", "greet"], 2),
        (["--type", "greet_in_order"], 1),
        (["--state", "succeeded"], 1),
        (["--state", "queued"], 2),
        (["--label", "team=blue"], 1),
        (["--label", "team=red"], 0),
        (["--created-after", "1h"], 1),
        (["--created-before", "1h"], 2),
        (["--created-after", "2026-11-24T12:30"], 1),
        (["--limit", "2"], 2),
    ],
)
def test_list_asks_for_what_the_filters_say(cloudtasker, words, found):
    cloudtasker.finish(cloudtasker.enqueue(), Succeeded(None))
    cloudtasker.enqueue("greet_in_order")
    cloudtasker.memory.clock.advance(2 * 3600)
    cloudtasker("tasks", "enqueue", "greet", "name=Ana", "--label", "team=blue")

    assert len(cloudtasker("tasks", "list", *words, "-o", "json").document["tasks"]) == found


def test_list_as_json_lines_crosses_the_pages(cloudtasker):
    tasks = [{"task_type": "greet", "payload": {"name": "Ana"}}] * 600
    cloudtasker.add_all(tasks)

    lines = cloudtasker("tasks", "list", "--limit", "550", "-o", "jsonl").out.splitlines()

    assert len({json.loads(line)["task_id"] for line in lines}) == 550


def test_list_says_when_there_may_be_more(cloudtasker):
    cloudtasker.enqueue()
    cloudtasker.enqueue()

    assert "--limit" in cloudtasker("tasks", "list", "--limit", "1").err
    assert cloudtasker("tasks", "list").err == ""


def test_an_empty_list_prints_nothing_on_stdout(cloudtasker):
    outcome = cloudtasker("tasks", "list")

    assert (outcome.code, outcome.out, outcome.err) == (0, "", "No task fits.\n")


@pytest.mark.parametrize(
    "words",
    [
        ["--state", "finished"],
        ["--created-after", "yesterday"],
        ["--created-after", "999999d"],
        ["--limit", "0"],
        ["--label", "Team:blue"],
        ["--label", "Team=blue"],
        ["--type", "Not A Name"],
    ],
)
def test_a_wrong_filter_is_a_usage_error(cloudtasker, words):
    assert cloudtasker("tasks", "list", *words).code == 2


def test_cancel_stops_a_task_that_waits(cloudtasker):
    task_id = cloudtasker.enqueue()

    outcome = cloudtasker("tasks", "cancel", task_id)

    assert (outcome.code, outcome.err) == (0, f"Cancelled greet {task_id}.\n")
    assert cloudtasker("tasks", "get", task_id, "-o", "json").document["state"] == "cancelled"


def test_cancelling_twice_is_no_error(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker("tasks", "cancel", task_id)

    outcome = cloudtasker("tasks", "cancel", task_id, "-o", "json")

    assert (outcome.code, outcome.document["state"]) == (0, "cancelled")


def test_cancelling_a_finished_task_says_when_it_finished(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.finish(task_id, Succeeded(None))
    cloudtasker.memory.clock.advance(3)

    outcome = cloudtasker("tasks", "cancel", task_id)

    said = f"CT404 Task {task_id} finished 3 s ago (succeeded), so it was not cancelled."
    assert outcome.code == 4
    assert outcome.err.startswith(said)


def test_cancelling_a_running_task_says_that_it_was_asked_to_stop(cloudtasker):
    task_id = cloudtasker.enqueue()
    cloudtasker.begin(task_id)
    cloudtasker.memory.clock.advance(5)

    outcome = cloudtasker("tasks", "cancel", task_id)

    assert outcome.code == 0
    assert outcome.err.startswith(f"Asked greet {task_id} to stop; it runs until its handler does")
    document = cloudtasker("tasks", "cancel", task_id, "-o", "json").document
    assert (document["state"], document["cancel_requested_at"] is None) == ("running", False)


def test_task_types_lists_what_can_be_enqueued(cloudtasker):
    listed = cloudtasker("task-types")

    assert [line.split()[0] for line in listed.out.splitlines()] == [
        "TYPE",
        "greet",
        "greet_in_order",
    ]
    names = [one["name"] for one in cloudtasker("task-types", "-o", "json").document["task_types"]]
    assert names == ["greet", "greet_in_order"]


def test_a_task_type_shows_the_fields_of_its_payload(cloudtasker):
    shown = cloudtasker("task-types", "greet").out

    assert ["name", "yes", "string"] in [line.split() for line in shown.splitlines()]
    assert ["times", "no", "(1)", "integer"] in [line.split() for line in shown.splitlines()]
    assert cloudtasker("task-types", "greet", "-o", "json").document["name"] == "greet"


def test_an_unknown_task_type_is_not_found(cloudtasker):
    outcome = cloudtasker("task-types", "greeet")

    assert outcome.code == 3
    assert "enqueued" not in outcome.err


def test_limits_of_a_task_type_are_in_words(cloudtasker):
    lines = [line.split() for line in cloudtasker("task-types", "greet").out.splitlines()]

    for words in (["ordering", "no"], ["max_concurrent", "no", "limit"], ["non_retryable", "-"]):
        assert words in lines


def test_the_files_of_task_types_are_checked_without_a_service(cloudtasker, monkeypatch, tmp_path):
    overrides = tmp_path / "overrides.yaml"
    monkeypatch.setenv("CLOUDTASKER_TASK_OVERRIDES", str(overrides))
    overrides.write_text("noop: {max_attempts: 6}")
    right = cloudtasker("task-types", "--check")
    overrides.write_text("noop: {max_concurrent: -1}")
    wrong = cloudtasker("task-types", "--check")

    assert (right.code, right.out) == (0, "")
    problem = "functions/noop/task.yaml: max_concurrent: Input should be greater than or equal to 1"
    assert (wrong.code, wrong.out) == (1, problem + "\n")
    listed = cloudtasker("task-types", "--check", "-o", "json").document
    assert listed == {"problems": [{"problem": problem}]}
