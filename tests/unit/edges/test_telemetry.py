"""The log: one line an event whatever is in it, with Cloud Logging's fields, or readable."""

import asyncio
import io
import json
import logging
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import telemetry
from shared.settings import Settings
from shared.telemetry import Event
from tests.support.unhurried import unhurried

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def out():
    stream = io.StringIO()
    telemetry.configure(Settings(project="p"), stream)
    return stream


def last(out):
    return json.loads(out.getvalue().splitlines()[-1])


def test_a_line_has_the_fields_that_cloud_logging_reads(out):
    telemetry.log(Event.TASK_FAILED, severity="WARNING", why="busy", traceparent=TRACEPARENT)

    line = last(out)
    assert (line["severity"], line["message"]) == ("WARNING", "task failed")
    assert (line["event"], line["why"]) == ("task_failed", "busy")
    assert datetime.fromisoformat(line["time"]).tzinfo is not None
    assert line["logging.googleapis.com/trace"] == "projects/p/traces/" + TRACEPARENT[3:35]
    assert line["logging.googleapis.com/spanId"] == "b7ad6b7169203331"
    assert line["logging.googleapis.com/trace_sampled"] is True
    assert line["logging.googleapis.com/labels"] == {"python_logger": "cloudtasker"}
    source = line["logging.googleapis.com/sourceLocation"]
    assert source["file"] == __file__
    assert source["function"] == "test_a_line_has_the_fields_that_cloud_logging_reads"


def test_a_trace_that_is_not_sampled_or_not_valid(out):
    telemetry.log(Event.TASK_RUNNING, traceparent=TRACEPARENT[:-2] + "00")
    assert last(out)["logging.googleapis.com/trace_sampled"] is False

    telemetry.log(Event.TASK_RUNNING, traceparent="nonsense")
    assert not any("trace" in name for name in last(out))


def test_what_is_bound_is_on_every_line_of_the_block_and_gone_after_it(out):
    with telemetry.bound(task_id="a", attempt=1):
        with telemetry.bound(attempt=2, message_id="m"):
            logging.getLogger("lib").warning("inner")
        inner = last(out)
        telemetry.log(Event.TASK_RUNNING)
    outer = last(out)
    telemetry.log(Event.TASK_RUNNING)

    assert (inner["task_id"], inner["attempt"], inner["message_id"]) == ("a", 2, "m")
    assert (outer["task_id"], outer["attempt"]) == ("a", 1)
    assert "message_id" not in outer
    assert "task_id" not in last(out)


async def test_what_is_bound_follows_the_work_and_does_not_mix(out):
    async def work(name):
        with telemetry.bound(task_id=name):
            await asyncio.sleep(0)
            telemetry.log(Event.TASK_RUNNING, why=name)

    await asyncio.gather(*(work(str(n)) for n in range(20)))

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(lines) == 20
    assert all(line["task_id"] == line["why"] for line in lines)


def test_fields_that_are_none_are_left_out(out):
    with telemetry.bound(message_id=None):
        telemetry.log(Event.TASK_RUNNING, why=None)

    assert not {"why", "message_id"} & set(last(out))


def test_a_caller_may_add_fields_but_not_replace_those_of_cloud_logging(out):
    fields = {"customer": 7, "severity": "DEBUG", "logging.googleapis.com/trace": "x"}
    logging.getLogger("mine").info("hi", extra={"json_fields": fields, "labels": {"team": "a"}})

    line = last(out)
    assert (line["customer"], line["severity"]) == (7, "INFO")
    assert "logging.googleapis.com/trace" not in line
    assert line["logging.googleapis.com/labels"] == {"python_logger": "mine", "team": "a"}


def test_an_error_brings_its_traceback(out):
    try:
        raise ValueError("why not")
    except ValueError as error:
        telemetry.log(Event.FAULT, severity="ERROR", error=error)

    assert last(out)["message"].startswith("fault\nTraceback (most recent call last):")
    assert last(out)["message"].endswith("ValueError: why not")


def test_an_endless_message_is_cut_in_its_middle(out):
    telemetry.log(Event.FAULT, message="a" + "x" * 100_000 + "z")

    message = last(out)["message"]
    assert len(message) < 17_000
    assert (message[0], message[-1]) == ("a", "z")


@unhurried
@given(st.text(), st.text())
def test_whatever_is_said_it_is_one_line_of_json(message, value):
    stream = io.StringIO()
    telemetry.configure(Settings(), stream)

    telemetry.log(Event.FAULT, message=message or "-", why=value)

    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["why"] == value
    line.encode("ascii")


def test_a_value_of_any_type_is_written(out):
    logging.getLogger("mine").info("hi", extra={"json_fields": {"order": UUID(int=7)}})

    assert last(out)["order"] == str(UUID(int=7))


def test_each_line_is_one_write():
    class Counting(io.StringIO):
        writes = 0

        def write(self, text):
            self.writes += 1
            return super().write(text)

    stream = Counting()
    telemetry.configure(Settings(), stream)
    telemetry.log(Event.FAULT, message="a\nb")

    assert stream.writes == 1


def test_the_pretty_form_is_for_reading_and_cannot_steer_the_terminal():
    stream = io.StringIO()
    telemetry.configure(Settings(log="pretty"), stream)
    with telemetry.bound(task_id="t1", traceparent=TRACEPARENT):
        telemetry.log(Event.TASK_FAILED, severity="WARNING", why="a\nb \x1b[31m", message="x\r\ny")

    first, second = stream.getvalue().splitlines()
    assert first[12:] == ' WARNING x\\x0d  task_id=t1 why="a\\nb \\x1b[31m"'
    assert second == "    y"


def test_libraries_that_repeat_what_our_events_say_are_kept_quiet(out):
    logging.getLogger("httpx").info("HTTP Request: POST https://example.com/?token=secret")
    logging.getLogger("uvicorn.error").warning("from the server")

    [line] = out.getvalue().splitlines()
    assert json.loads(line)["message"] == "from the server"


def test_configuring_twice_does_not_write_twice(out):
    telemetry.configure(Settings(), out)
    telemetry.log(Event.FAULT)

    assert len(out.getvalue().splitlines()) == 1


def test_every_event_is_named_as_it_is_written():
    assert all(event.value == event.name.lower() for event in Event)
