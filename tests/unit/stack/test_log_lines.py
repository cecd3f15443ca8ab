import json
from datetime import UTC, datetime

import pytest

from emulators.stack.log_lines import parse, pretty, without_frames

NOW = datetime(2026, 11, 24, 10, 4, 11, 123_000, tzinfo=UTC).astimezone()


def shown(line: str, source: str = "send_email", *, coloured: bool = False) -> str:
    return pretty(parse(source, line), NOW, coloured=coloured)


def test_a_structured_line_is_shown_with_its_task_first():
    line = json.dumps(
        {
            "severity": "INFO",
            "message": "task succeeded",
            "time": NOW.isoformat(),
            "duration_ms": 44.2,
            "attempt": 1,
            "task_id": "01a2",
            "note": "two words",
            "absent": None,
            "logging.googleapis.com/trace": "projects/p/traces/1",
        }
    )

    assert shown(line) == (
        f"{NOW:%H:%M:%S}.123  INFO      send_email        task succeeded   "
        'task_id=01a2 attempt=1 duration_ms=44.2 note="two words"'
    )


def test_plain_text_keeps_its_text_and_gets_the_time_of_its_arrival():
    assert shown("{not json") == f"{NOW:%H:%M:%S}.123  INFO      send_email        {{not json"


def test_further_lines_of_a_message_and_its_exception_are_indented():
    line = json.dumps({"message": "one\ntwo", "exception": "Traceback\n  ValueError: x"})

    assert shown(line).splitlines()[1:] == ["    two", "    Traceback", "      ValueError: x"]


def test_colours_only_when_asked_for():
    line = json.dumps({"severity": "ERROR", "message": "no"})

    assert "\x1b" not in shown(line)
    assert shown(line, coloured=True).startswith("\x1b[31m")


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("LOG:  starting PostgreSQL 18.6", "DEBUG"),
        ("FATAL:  role does not exist", "ERROR"),
        ("FATAL:  the database system is starting up", "DEBUG"),
        ("WARNING:  there is no transaction", "WARNING"),
        ("10927:M 24 Nov 2026 03:44:53.785 # WARNING Memory overcommit", "DEBUG"),
        ("10927:signal-handler (1795491903) Received SIGTERM", "DEBUG"),
        ("Note: this is text", "INFO"),
        ('{"severity": "NOTICE", "message": "x"}', "NOTICE"),
        ('{"no": "message"}', "INFO"),
    ],
)
def test_the_severity_of_what_other_programs_print(line, severity):
    assert parse("postgres", line).severity == severity


def test_json_lines_stay_as_they_are_and_others_are_wrapped():
    line = {"severity": "INFO", "message": "hello", "task_id": "1"}

    assert json.loads(parse("noop", json.dumps(line)).as_json()) == line
    assert json.loads(parse("postgres", "LOG:  hi").as_json()) == {
        "severity": "DEBUG",
        "message": "LOG:  hi",
        "logger": "postgres",
    }


def test_of_a_stack_trace_only_the_error_stays():
    lines = ["hello", "Traceback (most recent call last):", '  File "x.py", line 1', "OSError: no"]

    assert without_frames(lines) == ["hello", "OSError: no"]
