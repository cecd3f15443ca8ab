"""What holds for every command: exit codes, streams, JSON, help, spelling, stack traces."""

import json
import re
import shlex
import subprocess
import sys

import click
import httpx
import pytest

from shared.cli.main import cli
from tests.contract.api.rest_app import BASE_URL

ID = "019aae00-0000-7000-8000-000000000000"
CALLS_OF_THE_API = [
    ["tasks", "enqueue", "greet", "name=Ana"],
    ["tasks", "get", ID],
    ["tasks", "list"],
    ["tasks", "cancel", ID],
    ["task-types"],
]
CALLS_OF_THE_DESK = [
    ["groups", "get", ID],
    ["groups", "wait", ID],
    ["groups", "watch", ID],
    ["tasks", "retry", ID],
    ["dlq", "groups"],
    ["dlq", "list"],
    ["dlq", "redrive", "--all", "--yes"],
    ["dlq", "discard", ID, "--yes"],
    ["ops", "list"],
    ["ops", "get", ID],
    ["ops", "watch", ID],
    ["ops", "stop", ID],
    ["queues", "list"],
    ["queues", "pause", "greet"],
    ["queues", "drain", "greet"],
    ["queues", "resume", "greet"],
    ["audit"],
]
CALLS_OF_THE_STACK = [["mail"], ["token", "greet"], ["status"]]


def commands() -> list[tuple[str, ...]]:
    """Every command and group, as the words that reach it."""
    context = click.Context(cli)
    names = [(name,) for name in cli.list_commands(context)]
    groups = {name: cli.get_command(context, name) for (name,) in names}
    inner = [
        (name, one)
        for name, group in groups.items()
        if isinstance(group, click.Group)
        for one in group.list_commands(context)
    ]
    return [(), *names, *inner]


def refusing(status: int, code: str) -> httpx.MockTransport:
    problem = {"status": status, "code": code, "detail": "because", "errors": []}
    return httpx.MockTransport(lambda _: httpx.Response(status, json=problem))


@pytest.mark.parametrize("words", [*CALLS_OF_THE_API, *CALLS_OF_THE_DESK, *CALLS_OF_THE_STACK])
def test_nobody_answering_exits_with_5(cloudtasker, words):
    cloudtasker.hosts.apps.clear()

    outcome = cloudtasker(*words)

    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.err.startswith("CT501 ")
    assert "cloudtasker dev" in outcome.fix


@pytest.mark.parametrize("words", [*CALLS_OF_THE_API, *CALLS_OF_THE_DESK, *CALLS_OF_THE_STACK])
def test_no_stack_in_this_folder_exits_with_5(cloudtasker, words):
    cloudtasker.state_file.unlink()

    outcome = cloudtasker(*words, "-o", "json")

    assert (outcome.code, outcome.error["code"]) == (5, "CT503")
    assert f"Looked for {cloudtasker.state_file}." in outcome.error["message"]


def test_the_state_of_a_run_that_was_killed_is_not_believed(cloudtasker):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    cloudtasker.write_state(pids={"stack": gone.pid})

    outcome = cloudtasker("tasks", "list", "-o", "json")

    assert (outcome.code, outcome.error["code"]) == (5, "CT503")
    assert f"(pid {gone.pid}) was killed" in outcome.error["message"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rest": 1'])
def test_a_broken_state_file_is_named(cloudtasker, content):
    cloudtasker.state_file.write_text(content)

    outcome = cloudtasker("tasks", "list")

    assert outcome.code == 5
    assert str(cloudtasker.state_file) in outcome.err


@pytest.mark.parametrize("words", [*CALLS_OF_THE_API, *CALLS_OF_THE_DESK])
def test_url_names_another_service(cloudtasker, words):
    cloudtasker.state_file.unlink()
    cloudtasker.hosts.apps["https://tasks.example.com"] = refusing(401, "unauthenticated")

    outcome = cloudtasker(*words, "--url", "https://tasks.example.com/")

    assert outcome.code == 6


@pytest.mark.parametrize("url", ["tasks.example.com", "ftp://x", "http://", "http://a:b", ""])
def test_a_url_that_is_none_is_a_usage_error(cloudtasker, url):
    assert cloudtasker("tasks", "list", "--url", url).code == 2


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "shown"),
    [
        (400, "invalid", 2, "CT301"),
        (400, "unknown_task_type", 3, "CT302"),
        (404, "not_found", 3, "CT303"),
        (409, "idempotency_conflict", 4, "CT304"),
        (413, "too_large", 2, "CT305"),
        (415, "unsupported_media_type", 2, "CT306"),
        (401, "unauthenticated", 6, "CT601"),
        (403, "not_a_code_of_ours", 6, "CT601"),
        (500, "internal", 5, "CT502"),
        (503, "unavailable", 5, "CT502"),
    ],
)
def test_each_refusal_has_its_exit_code(cloudtasker, status, code, exit_code, shown):
    cloudtasker.hosts.apps[BASE_URL] = refusing(status, code)

    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana", "-o", "json")

    assert (outcome.code, outcome.error["code"]) == (exit_code, shown)
    assert outcome.error["hint"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "Fix: set CLOUDTASKER_API_KEY; "),
        ("ct_of_somebody", "Fix: the key of CLOUDTASKER_API_KEY does not count there: "),
    ],
)
def test_a_key_that_was_sent_is_not_asked_for_again(cloudtasker, key, said):
    cloudtasker.hosts.apps[BASE_URL] = refusing(401, "unauthenticated")

    assert cloudtasker("tasks", "list", CLOUDTASKER_API_KEY=key).fix.startswith(said)


def test_a_service_that_is_set_up_wrongly_is_not_to_be_tried_again(cloudtasker):
    cloudtasker.hosts.apps[BASE_URL] = refusing(500, "misconfigured")

    fix = cloudtasker("tasks", "list").fix

    assert fix.startswith("Fix: that log names the file or the setting")


def test_an_answer_that_is_not_the_apis_is_said_so(cloudtasker):
    page = httpx.Response(502, html="<h1>Bad gateway</h1>")
    cloudtasker.hosts.apps[BASE_URL] = httpx.MockTransport(lambda _: page)

    outcome = cloudtasker("tasks", "list")

    assert outcome.code == 5
    assert "answered 502, not the API's JSON" in outcome.err


def test_a_refusal_by_a_failing_service_does_not_promise_that_nothing_was_stored(cloudtasker):
    cloudtasker.hosts.apps[BASE_URL] = refusing(503, "unavailable")

    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana")

    assert "may have been enqueued" in outcome.err
    assert "Nothing was enqueued" not in outcome.err


@pytest.mark.parametrize("words", [*CALLS_OF_THE_API[::2], ["task-types", "greet"], ["mail"]])
def test_json_is_one_document_and_nothing_else(cloudtasker, words):
    cloudtasker.enqueue()

    outcome = cloudtasker(*words, "-o", "json")

    assert outcome.code == 0
    assert isinstance(outcome.document, dict)


@pytest.mark.parametrize(
    "words",
    [
        ["tasks", "list", "-o", "json", "--no-such-option"],
        ["tasks", "list", "--output=json", "--limit", "x"],
        ["tasks", "get", "-ojson"],
        ["tasks", "lost", "--output", "json"],
        ["tokn", "-o", "json"],
    ],
)
def test_a_wrong_command_line_is_json_too_when_json_is_asked_for(cloudtasker, words):
    outcome = cloudtasker(*words)

    assert (outcome.code, outcome.error["code"], outcome.err) == (2, "CT300", "")


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["taks"], "'tasks'"),
        (["tasks", "enqeue"], "Did you mean 'enqueue'?"),
        (["tasks", "list", "--stat", "dead"], "--state"),
    ],
)
def test_a_mistyped_word_names_the_nearest_one(cloudtasker, words, nearest):
    outcome = cloudtasker(*words)

    assert outcome.code == 2
    assert nearest in outcome.err
    assert "--help shows what it takes" in outcome.fix


def test_an_interrupt_exits_with_130_and_says_what_goes_on(cloudtasker):
    def interrupt() -> None:
        raise KeyboardInterrupt

    cloudtasker.time.meanwhile = [interrupt]

    outcome = cloudtasker("tasks", "enqueue", "greet", "name=Ana", "--wait", "-o", "json")

    assert (outcome.code, outcome.error["code"]) == (130, "CT130")


def test_an_error_that_nobody_foresaw_shows_no_stack_trace(cloudtasker):
    cloudtasker.hosts.apps[BASE_URL] = httpx.MockTransport(lambda _: 1 / 0)

    outcome = cloudtasker("tasks", "list")

    assert outcome.code == 1
    assert outcome.err.startswith("CT900 Unexpected ZeroDivisionError")
    assert "Traceback" not in outcome.err
    assert "Traceback" in cloudtasker("tasks", "list", "-v").err


def test_a_wrong_setting_is_said_with_its_name(cloudtasker):
    outcome = cloudtasker("tasks", "list", CLOUDTASKER_LOG="loud")

    assert outcome.code == 2
    assert outcome.err.startswith("CT308 CLOUDTASKER_LOG is 'loud'")


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_a_help_with_an_example(cloudtasker, words):
    for flag in ("--help", "-h"):
        outcome = cloudtasker(*words, flag, TERMINAL_WIDTH="100")

        assert (outcome.code, outcome.err) == (0, "")
        assert "Usage: cloudtasker" in " ".join(outcome.out.split())
        assert re.search(r"\$ .*cloudtasker ", outcome.out)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_help_fits_80_columns(cloudtasker, words):
    lines = cloudtasker(*words, "--help", TERMINAL_WIDTH="80").out.splitlines()

    assert max(map(len, lines)) <= 80
    examples = [line for line in lines if line.strip().startswith("$ ")]
    assert not [line for line in examples if len(line.rstrip()) > 79]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_example_of_a_help_is_a_command_line_that_exists(words):
    _, command, _ = reached_by([*words])
    examples = re.findall(r"\$ (cloudtasker .*)", command.help or "")

    for example in examples:
        parse(shlex.split(re.split(r" {2,}| > |\)", example)[0])[1:])


def reached_by(words: list[str]) -> tuple[click.Context, click.Command, list[str]]:
    """The command that the words lead to, and the words that are left."""
    context = click.Context(cli, info_name="cloudtasker")
    command: click.Command | None = cli
    while isinstance(command, click.Group) and words:
        _, command, words = command.resolve_command(context, words)
    assert command is not None
    return context, command, words


def parse(words: list[str]) -> None:
    """Raises a UsageError when the words are no command line of ours."""
    _, command, rest = reached_by(words)
    command.make_context("x", rest)


def test_no_command_at_all_shows_the_help(cloudtasker):
    outcome = cloudtasker()

    assert outcome.code == 2
    assert "Usage: cloudtasker" in outcome.out


def test_the_version_is_that_of_the_distribution(cloudtasker):
    assert re.fullmatch(r"cloudtasker \d+\.\d+\.\d+\n", cloudtasker("--version").out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(cloudtasker, shell):
    outcome = cloudtasker("completion", shell)

    assert outcome.code == 0
    assert "_CLOUDTASKER_COMPLETE" in outcome.out


def test_json_lines_have_no_indentation(cloudtasker):
    cloudtasker.enqueue()

    [line] = cloudtasker("tasks", "list", "-o", "jsonl").out.splitlines()
    assert json.loads(line)["state"] == "queued"
