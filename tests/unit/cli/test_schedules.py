"""`schedules` and `republish`: what a person types and sees."""

import json

import pytest

CREATE = ["schedules", "create", "nightly", "greet", "30 2 * * *", "name=Ana"]


def test_a_schedule_is_made_and_listed(cloudtasker):
    made = cloudtasker(*CREATE, "--time-zone", "Europe/Berlin")
    assert made.code == 0
    assert "Made nightly; it runs at 2026-11-25 01:30:00.000 UTC, in 13 h." in made.err

    listed = cloudtasker("schedules", "list")
    assert listed.out.splitlines()[1].split() == [
        *["nightly", "greet", "30", "2", "*", "*", "*", "Europe/Berlin", "in", "13", "h", "-"],
        *["run_once", "API"],
    ]
    [one] = cloudtasker("schedules", "list", "-o", "json").document["schedules"]
    assert (one["payload"], one["missed"]) == ({"name": "Ana"}, "run_once")


def test_without_a_schedule_the_list_says_so(cloudtasker):
    outcome = cloudtasker("schedules", "list")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "There is no schedule.\n")


def test_a_paused_schedule_looks_paused(cloudtasker):
    cloudtasker(*CREATE)
    assert cloudtasker("schedules", "pause", "nightly").code == 0
    assert "⏸ paused" in cloudtasker("schedules", "list").out
    resumed = cloudtasker("schedules", "resume", "nightly", "-o", "json")
    assert resumed.document["paused"] is False


def test_a_run_prints_the_bare_id(cloudtasker):
    cloudtasker(*CREATE)
    task_id = cloudtasker("schedules", "run", "nightly").out.strip()
    task = cloudtasker("tasks", "get", task_id, "-o", "json").document
    assert task["labels"] == {"schedule": "nightly"}


def test_a_deleted_schedule_is_gone(cloudtasker):
    cloudtasker(*CREATE)
    assert cloudtasker("schedules", "delete", "nightly").code == 0
    assert cloudtasker("schedules", "delete", "nightly").code == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([*CREATE[:4], "61 * * * *", "name=Ana"], 2),
        ([*CREATE, "--time-zone", "Mars"], 2),
        ([*CREATE, "--missed", "all"], 2),
        (["schedules", "create", "nightly", "gret", "30 2 * * *"], 3),
        (["schedules", "run", "nightly"], 3),
    ],
)
def test_what_cannot_be_is_refused(cloudtasker, words, code):
    assert cloudtasker(*words).code == code


def test_what_is_not_there_says_where_to_look(cloudtasker):
    assert "schedules list" in cloudtasker("schedules", "pause", "none").fix


def test_a_name_is_taken_once(cloudtasker):
    cloudtasker(*CREATE)
    outcome = cloudtasker(*CREATE)
    assert (outcome.code, outcome.err[:5]) == (4, "CT313")


def test_a_backlog_is_sent_again(cloudtasker):
    cloudtasker("tasks", "enqueue", "greet", "name=Ana")
    outcome = cloudtasker("republish", "--type", "greet", "--older-than", "0", "-o", "json")
    assert json.loads(outcome.out) == {"task_type": "greet", "republished": 1}
