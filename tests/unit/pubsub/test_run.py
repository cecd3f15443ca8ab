"""The first lines of a process's output."""

import logging

import pytest

from emulators.pubsub.options import Options, options_of, parser
from emulators.pubsub.run import announce


@pytest.mark.parametrize(
    ("host", "severities"),
    [
        ("127.0.0.1", ["INFO"]),
        ("::1", ["INFO"]),
        ("localhost", ["INFO"]),
        ("192.0.2.1", ["INFO", "WARNING"]),
        ("0.0.0.0", ["INFO", "WARNING"]),  # noqa: S104 (nothing listens here)
        ("example.com", ["INFO", "WARNING"]),
    ],
)
def test_a_host_that_others_can_reach_gets_a_warning_of_the_control_api(caplog, host, severities):
    caplog.set_level(logging.INFO, "emulators.pubsub")

    announce(Options(host=host), 8085, 8086)

    assert [record.levelname for record in caplog.records] == severities
    assert all("control API" in record.getMessage() for record in caplog.records[1:])


def test_the_first_line_tells_both_addresses(caplog):
    caplog.set_level(logging.INFO, "emulators.pubsub")

    announce(Options(host="::1"), 1, 2)

    assert caplog.records[0].getMessage() == "ready: PUBSUB_EMULATOR_HOST=[::1]:1"
    assert caplog.records[0].fields["http"] == "http://[::1]:2"


def test_the_options_of_an_empty_command_line_are_the_defaults():
    assert options_of(parser().parse_args([])) == Options()


def test_every_option_can_be_given():
    line = "--host ::1 --port 1 --http-port 2 --data-dir d --durability full --push-backoff off"
    more = "--lenient --seed s.json --push-user-agent mine --iam enforce --push-outstanding 7"

    options = options_of(parser().parse_args([*line.split(), *more.split()]))

    given = (options.host, options.port, options.http_port, options.durability)
    assert given == ("::1", 1, 2, "full")
    assert (options.data_dir.name, options.seed.name) == ("d", "s.json")
    assert (options.push_backoff, options.lenient, options.push_outstanding) == (False, True, 7)
    assert (options.push_user_agent, options.enforce_iam) == ("mine", True)


def test_a_bound_of_no_message_is_refused(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--push-outstanding", "0"])

    assert "'0' is not a number from 1" in capsys.readouterr().err


def test_a_user_agent_that_cannot_be_a_header_is_refused(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--push-user-agent", "a\r\nEvil: yes"])

    assert "not printable ASCII" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "range_"),
    [("--port", "from 0 to 65535"), ("--push-outstanding", "from 1")],
)
@pytest.mark.parametrize("given", ["x", "-1", "1.5", "99999999999999999999x"])
def test_what_is_no_number_is_told_with_the_range(capsys, option, range_, given):
    with pytest.raises(SystemExit):
        parser().parse_args([f"{option}={given}"])

    assert f"argument {option}: '{given}' is not a number {range_}" in capsys.readouterr().err
