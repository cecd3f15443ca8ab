"""`dev`, `mail`, `token`, `status`, `migrate`: what deals with the local stack."""

import sys
from datetime import UTC, datetime

import httpx
import pytest

from emulators.stack.options import parse
from tests.unit.cli.command_line import (
    ACCOUNT,
    FUNCTION_URL,
    MAIL_URL,
    NOBODY,
    PUBSUB_HTTP,
    CommandLine,
)

RAW = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: Hi\x1b[2J\r\n\r\nHello,\r\nyou.\r\n"


def test_dev_becomes_the_stack(cloudtasker):
    cloudtasker("dev")

    assert cloudtasker.executed == [[sys.executable, sys.executable, "-m", "emulators.stack"]]


def test_every_option_of_dev_is_one_of_the_stack(cloudtasker, tmp_path):
    ports = ["--rest-port", "--grpc-port", "--pubsub-port", "--mail-port"]
    numbered = [word for n, port in enumerate(ports, 6001) for word in (port, str(n))]
    folders = ["--root", str(tmp_path), "--data-dir", str(tmp_path / "data")]

    cloudtasker("dev", "--fresh", "--json", "-v", *folders, *numbered, "--scale", "noop=2")

    options = parse(cloudtasker.executed[0][4:])
    assert options.fresh
    assert options.as_json
    assert options.verbose
    assert (options.root, options.data_dir) == (tmp_path, tmp_path / "data")
    assert (options.rest_port, options.grpc_port) == (6001, 6002)
    assert (options.pubsub_port, options.mail_port) == (6003, 6004)
    assert options.scale == ("noop=2",)


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_dev_refuses_a_port_that_is_none(cloudtasker, port):
    assert cloudtasker("dev", "--rest-port", port).code == 2
    assert cloudtasker.executed == []


def arrived(cloudtasker: CommandLine) -> str:
    now = datetime(2026, 11, 24, 11, 59, tzinfo=UTC)
    return cloudtasker.inbox.add("a@example.com", ["b@example.com"], RAW, now).id


def test_mail_lists_the_inbox(cloudtasker):
    mail_id = arrived(cloudtasker)

    [_, line] = cloudtasker("mail").out.splitlines()

    assert line.split()[:4] == [mail_id, "60", "s", "b@example.com"]
    [message] = cloudtasker("mail", "-o", "json").document["messages"]
    assert message["id"] == mail_id


def test_mail_shows_one_message_as_it_would_be_read(cloudtasker):
    shown = cloudtasker("mail", arrived(cloudtasker)).out

    assert "Hello,\nyou." in shown
    assert "\x1b" not in shown


def test_an_unknown_mail_is_not_found(cloudtasker):
    mail_id = arrived(cloudtasker)

    for unknown in ("a/b", f"{mail_id}#x", f"{mail_id}?x"):
        assert cloudtasker("mail", unknown).code == 3


def test_mail_empties_the_inbox(cloudtasker):
    arrived(cloudtasker)

    assert cloudtasker("mail", "--clear").code == 0
    assert cloudtasker("mail").err == "The inbox is empty.\n"
    assert cloudtasker("mail", "-o", "json").document == {"messages": []}


def test_a_mail_sink_that_fails_is_said_so(cloudtasker):
    cloudtasker.hosts.apps[MAIL_URL] = httpx.MockTransport(lambda _: httpx.Response(500))

    assert cloudtasker("mail").code == 5


def emulator(request: httpx.Request) -> httpx.Response:
    """The emulator's token endpoint, which says in the token what it was asked for."""
    path = f"/v1/projects/-/serviceAccounts/{ACCOUNT}:generateIdToken"
    wanted = {"audience": FUNCTION_URL, "includeEmail": True}
    fits = (
        request.url.path == path and httpx.Response(200, content=request.content).json() == wanted
    )
    return httpx.Response(200 if fits else 400, json={"token": "a.b.c"})


def test_token_prints_only_the_token(cloudtasker):
    cloudtasker.hosts.apps[PUBSUB_HTTP] = httpx.MockTransport(emulator)

    outcome = cloudtasker("token", "greet")

    assert (outcome.code, outcome.out, outcome.err) == (0, "a.b.c\n", "")
    assert cloudtasker("token", "greet", "-o", "json").document == {"token": "a.b.c"}


def test_a_token_for_an_unknown_function_names_the_nearest_one(cloudtasker):
    outcome = cloudtasker("token", "great")

    assert outcome.code == 3
    assert 'Did you mean "greet"?' in outcome.err


def test_a_token_that_the_emulator_refuses_is_said_so(cloudtasker):
    refusal = httpx.Response(400, text="no such account")
    cloudtasker.hosts.apps[PUBSUB_HTTP] = httpx.MockTransport(lambda _: refusal)

    outcome = cloudtasker("token", "greet")

    assert outcome.code == 5
    assert "no such account" in outcome.err


def test_another_emulator_gives_no_tokens(cloudtasker):
    cloudtasker.write_state(pubsub_http="")

    assert cloudtasker("token", "greet").code == 1


def ready(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"ready": True})


def not_ready(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503, json={"ready": False, "problems": {"postgres": "no answer"}})


def test_status_of_another_service_asks_its_readiness(cloudtasker):
    cloudtasker.hosts.apps["http://api.example"] = httpx.MockTransport(ready)

    outcome = cloudtasker("status", "--url", "http://api.example", "-o", "json")

    assert outcome.code == 0
    assert outcome.document["ready"] is True


def test_status_names_the_part_that_is_not_ready_and_why(cloudtasker):
    cloudtasker.hosts.apps[FUNCTION_URL] = httpx.MockTransport(not_ready)
    cloudtasker.hosts.apps[PUBSUB_HTTP] = httpx.MockTransport(ready)

    outcome = cloudtasker("status", "-o", "json")

    parts = {part["name"]: part for part in outcome.document["parts"]}
    assert outcome.code == 1
    assert (parts["pubsub"]["ok"], parts["greet"]["ok"]) == (True, False)
    assert parts["greet"]["said"] == "503: postgres: no answer"


def test_status_tells_a_problem_by_its_detail(cloudtasker):
    problem = {"type": "urn:cloudtasker:problem:misconfigured", "detail": "set up wrongly"}
    answer = httpx.Response(500, json=problem)
    cloudtasker.hosts.apps[FUNCTION_URL] = httpx.MockTransport(lambda _: answer)

    parts = cloudtasker("status", "-o", "json").document["parts"]

    assert "500: set up wrongly" in [part["said"] for part in parts]


def test_status_asks_each_of_several_processes_at_its_own_address(cloudtasker):
    own = {"greet-1": "http://127.0.0.1:8401", "greet-2": "http://127.0.0.1:8402"}
    cloudtasker.write_state(processes=own)
    cloudtasker.hosts.apps[own["greet-1"]] = httpx.MockTransport(ready)
    cloudtasker.hosts.apps[own["greet-2"]] = httpx.MockTransport(not_ready)

    outcome = cloudtasker("status", "-o", "json")

    parts = {part["name"]: part for part in outcome.document["parts"]}
    assert (parts["greet-1"]["ok"], parts["greet-2"]["ok"]) == (True, False)
    assert "greet" not in parts


def test_status_never_shows_a_password(cloudtasker):
    cloudtasker.hosts.apps[PUBSUB_HTTP] = httpx.MockTransport(ready)

    outcome = cloudtasker("status")

    assert NOBODY in outcome.out
    assert "secret" not in outcome.out + outcome.err


def test_migrate_says_when_the_database_does_not_answer_and_shows_no_password(cloudtasker):
    url = "postgresql+pg8000://postgres:secret@127.0.0.1:1/tasks"

    outcome = cloudtasker("migrate", CLOUDTASKER_DATABASE_URL=url)

    assert outcome.code == 5
    assert outcome.err.startswith("CT505 The database at 127.0.0.1 could not be migrated")
    assert "secret" not in outcome.err
