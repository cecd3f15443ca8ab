"""`tasks enqueue`: where the payload comes from, what is printed, and waiting."""

import json
from uuid import UUID

import httpx
import pytest

from shared.domain.outcome import Failure, Rejected, Succeeded
from tests.contract.api.rest_app import BASE_URL


def test_it_prints_the_bare_id_so_that_a_script_can_take_it(cloudtasker):
    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana")

    assert UUID(outcome.out.strip())
    assert f"Enqueued greet {outcome.out.strip()}." in outcome.err


def test_quiet_says_nothing_but_the_id(cloudtasker):
    assert cloudtasker("tasks", "enqueue", "greet", "name=Ana", "-q").err == ""


@pytest.mark.parametrize(
    ("words", "stdin", "payload"),
    [
        (["name=Ana", "times:=3"], "", {"name": "Ana", "times": 3}),
        (["name=a=b"], "", {"name": "a=b"}),
        (["--json", '{"name": "Ana"}'], "", {"name": "Ana"}),
        (["--json", '{"name": "Ana"}', "name=Bo"], "", {"name": "Bo"}),
        (["--file", "-"], '{"name": "Zoë"}', {"name": "Zoë"}),
        (["--sample", "times:=2"], "", {"name": "text", "times": 2}),
        (["--sample", "name=Bo"], "", {"name": "Bo"}),
    ],
)
def test_the_payload_comes_from_where_it_is_said(cloudtasker, words, stdin, payload):
    task_id = cloudtasker("tasks", "enqueue", "greet", *words, stdin=stdin).out.strip()

    assert cloudtasker("tasks", "get", task_id, "-o", "json").document["payload"] == payload


def test_the_payload_comes_from_a_file(cloudtasker, tmp_path):
    file = tmp_path / "payload.json"
    file.write_text('{"name": "Ana"}')

    assert cloudtasker("tasks", "enqueue", "greet", "--file", str(file)).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "[1]"],
        ["--json", "{"],
        ["--json", '{"a": NaN}'],
        ["--json", '{"a": 1, "a": 2}'],
        ["--json", "[" * 100_000],
        ["--file", "there-is-no-such-file.json"],
        ["name"],
        ["=Ana"],
        ["times:=three"],
        ["--json", "{}", "--sample"],
        ["name=Ana", "--label", "team"],
    ],
)
def test_input_that_cannot_be_read_is_a_usage_error_and_asks_nobody(cloudtasker, words):
    cloudtasker.hosts.apps.clear()

    outcome = cloudtasker("tasks", "enqueue", "greet", *words)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("CT300 ")


def test_labels_and_keys_reach_the_task(cloudtasker):
    words = ["--label", "team=blue", "--label", "tier=1", "--idempotency-key", "k1"]
    task_id = cloudtasker("tasks", "enqueue", "greet", "name=Ana", *words).out.strip()

    task = cloudtasker("tasks", "get", task_id, "-o", "json").document

    assert task["labels"] == {"team": "blue", "tier": "1"}
    assert task["idempotency_key"] == "k1"


def test_a_concurrency_key_reaches_the_task(cloudtasker):
    words = ("tasks", "enqueue", "greet", "name=Ana", "--concurrency-key", "tenant-7", "-q")
    task_id = cloudtasker(*words).out.strip()

    task = cloudtasker("tasks", "get", task_id, "-o", "json").document
    assert task["concurrency_key"] == "tenant-7"


def test_an_ordering_key_reaches_the_task(cloudtasker):
    words = ["name=Ana", "--ordering-key", "customer-7"]
    task_id = cloudtasker("tasks", "enqueue", "greet_in_order", *words).out.strip()

    task = cloudtasker("tasks", "get", task_id, "-o", "json").document
    assert task["ordering_key"] == "customer-7"


def test_the_same_idempotency_key_gives_the_same_task_and_says_so(cloudtasker):
    words = ["tasks", "enqueue", "greet", "name=Ana", "--idempotency-key", "k1"]
    first = cloudtasker(*words)

    again = cloudtasker(*words)

    assert again.out == first.out
    assert "earlier task" in again.err
    assert cloudtasker(*words, "-o", "json").document["replayed"] is True


def test_waiting_shows_the_finished_task(cloudtasker):
    cloudtasker.time.meanwhile = [lambda: cloudtasker.run_newest(Succeeded({"greeted": "Ana"}))]

    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana", "--wait")

    assert outcome.code == 0
    assert "✓ succeeded" in outcome.out
    assert '"greeted": "Ana"' in outcome.out


def test_waiting_for_a_task_that_dies_exits_with_1_and_says_why(cloudtasker):
    verdict = Rejected(Failure("RejectTask", "no such person"))
    cloudtasker.time.meanwhile = [lambda: cloudtasker.run_newest(verdict)]

    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana", "--wait", "-o", "json")

    assert outcome.code == 1
    assert outcome.document["state"] == "dead"
    assert "RejectTask: no such person" in outcome.err


def test_waiting_too_long_exits_with_124_and_the_task_goes_on(cloudtasker):
    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana", "--wait", "--timeout", "5")

    assert outcome.code == 124
    assert "still queued after 5 s" in outcome.err
    assert outcome.fix.startswith("Fix: look again: cloudtasker tasks get ")
    assert cloudtasker.time.seconds == pytest.approx(5)


def test_a_rejected_payload_names_every_field_and_what_it_held(cloudtasker):
    outcome = cloudtasker("tasks", "enqueue", "greet", "name=", "times:=11", "colour=red")

    assert outcome.code == 2
    assert outcome.err.startswith("CT301 greet rejected: payload.name: ")
    assert '(got "")' in outcome.err
    assert "payload.times: " in outcome.err
    assert "(got 11)" in outcome.err
    assert "payload.colour: " in outcome.err
    assert "Nothing was enqueued." in outcome.err
    assert "cloudtasker task-types greet" in outcome.fix


@pytest.mark.parametrize(("option", "field"), [("--then", "then"), ("--on-failure", "on_failure")])
def test_a_rejected_follow_up_points_to_the_fields_of_its_own_type(cloudtasker, option, field):
    follow = '{"task_type": "wave", "payload": {"nothing": 1}}'
    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana", option, follow)

    assert outcome.err.startswith(f"CT301 greet rejected: {field}.")
    assert "cloudtasker task-types wave" in outcome.fix


@pytest.mark.parametrize("words", [["name=Ana"], ["--sample"]])
def test_a_mistyped_task_type_names_the_nearest_one(cloudtasker, words):
    outcome = cloudtasker("tasks", "enqueue", "gret", *words)

    assert outcome.code == 3
    assert outcome.err.startswith('CT302 No task type "gret"; did you mean "greet"?')
    assert "Nothing was enqueued." in outcome.err


def test_another_payload_under_the_same_key_is_a_conflict(cloudtasker):
    key = ["--idempotency-key", "k1"]
    first = cloudtasker("tasks", "enqueue", "greet", "name=Ana", *key).out.strip()

    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Bo", *key, "-o", "json")

    assert outcome.code == 4
    assert outcome.error["code"] == "CT304"
    assert first in outcome.error["message"]
    assert f"cloudtasker tasks get {first}" in outcome.error["hint"]


def test_an_error_shows_what_a_terminal_would_obey(cloudtasker):
    words = ["tasks", "enqueue", "greet", "--idempotency-key", "\x1b[2J"]
    cloudtasker(*words, "name=Ana")

    outcome = cloudtasker(*words, "name=Bo")

    assert outcome.code == 4
    assert r'"\x1b[2J"' in outcome.err


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (httpx.ConnectError("refused"), "Nothing was enqueued."),
        (httpx.ReadTimeout("slow"), "It may have been enqueued;"),
    ],
)
def test_a_lost_answer_does_not_promise_that_nothing_was_stored(cloudtasker, failure, said):
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    cloudtasker.hosts.apps[BASE_URL] = httpx.MockTransport(fail)

    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana")

    assert outcome.code == 5
    assert said in outcome.err


def test_a_payload_over_the_limit_is_refused(cloudtasker):
    big = json.dumps({"name": "x" * 1_000_001})

    outcome = cloudtasker("tasks", "enqueue", "greet", "--file", "-", stdin=big)

    assert (outcome.code, outcome.err[:6]) == (2, "CT305 ")


@pytest.mark.parametrize(
    ("words", "starts", "expires"),
    [
        (["--delay", "15m"], "2026-11-24T12:15:00.000000Z", None),
        (["--delay", "90"], "2026-11-24T12:01:30.000000Z", None),
        (["--run-at", "2026-11-24T12:30:00Z"], "2026-11-24T12:30:00.000000Z", None),
        (["--run-at", "2026-11-24T12:30"], "2026-11-24T12:30:00.000000Z", None),
        (["--expires-in", "1h"], None, "2026-11-24T13:00:00.000000Z"),
    ],
)
def test_a_time_is_said_in_words_of_people(cloudtasker, words, starts, expires):
    task_id = cloudtasker("tasks", "enqueue", "greet", "name=Ana", *words).out.strip()

    task = cloudtasker("tasks", "get", task_id, "-o", "json").document
    assert (task["not_before"], task["expires_at"]) == (starts, expires)


def test_a_task_for_later_says_so(cloudtasker):
    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana", "--delay", "15m")

    assert outcome.err.startswith("Scheduled greet")
    assert "starts" in cloudtasker("tasks", "get", outcome.out.strip()).out


@pytest.mark.parametrize(
    "words", [["--delay", "soon"], ["--delay", ""], ["--run-at", "noon"], ["--expires-in", "5y"]]
)
def test_a_time_that_is_none_is_a_usage_error(cloudtasker, words):
    assert cloudtasker("tasks", "enqueue", "greet", "name=Ana", *words).code == 2
