"""Our lines hold the fields that google-cloud-logging's own handler prints, with its values.

Google's handler is imported here only: on a function's start path it would cost 1.7 s.
"""

import io
import json
import logging

import google.cloud.logging_v2
import pytest
from google.cloud.logging_v2.handlers import StructuredLogHandler

from shared.log_lines import JsonLines

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PROJECT = "a-project"
ONLY_THEIRS = {"httpRequest"}
"""Empty in every line of theirs; Cloud Run's own request log has the request."""


@pytest.fixture(autouse=True)
def _no_diagnostic_line(monkeypatch):
    monkeypatch.setattr(google.cloud.logging_v2, "_instrumentation_emitted", True)


def record(**extra):
    logger = logging.getLogger("functions.send_email.handler")
    made = logger.makeRecord(
        logger.name,
        logging.WARNING,
        "/app/handler.py",
        12,
        "sent %d to\n%s",
        (2, "Ünï"),
        None,
        func="send_email",
    )
    vars(made).update(extra)
    return made


def theirs(one, traced):
    if traced:
        one.trace = f"projects/{PROJECT}/traces/{TRACE_ID}"
        one.span_id, one.trace_sampled = SPAN_ID, True
    stream = io.StringIO()
    handler = StructuredLogHandler(stream=stream, project_id=PROJECT)
    handler.handle(one)
    return json.loads(stream.getvalue())


def ours(one, traced):
    bound = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01"} if traced else {}
    return json.loads(JsonLines(PROJECT, lambda: bound).format(one))


def failed():
    try:
        raise ValueError("no such person")
    except ValueError as error:
        return record(exc_info=(type(error), error, error.__traceback__))


RECORDS = {
    "plain": record,
    "with labels": lambda: record(labels={"team": "mail"}),
    "with fields": lambda: record(json_fields={"customer": 7, "nested": {"a": [1]}}),
    "with a traceback": failed,
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_traced_line_is_theirs_field_by_field(name):
    want, got = theirs(RECORDS[name](), True), ours(RECORDS[name](), True)

    assert {key: got.get(key) for key in want.keys() - ONLY_THEIRS} == {
        key: value for key, value in want.items() if key not in ONLY_THEIRS
    }
    assert got.keys() - want.keys() == {"time"}


@pytest.mark.parametrize("name", RECORDS)
def test_a_line_without_a_trace_leaves_out_what_theirs_leaves_empty(name):
    want, got = theirs(RECORDS[name](), False), ours(RECORDS[name](), False)

    missing = want.keys() - got.keys() - ONLY_THEIRS
    assert {key.rpartition("/")[2] for key in missing} == {"trace", "spanId", "trace_sampled"}
    assert not any(want[key] for key in missing)
    shared = want.keys() & got.keys()
    assert {key: got[key] for key in shared} == {key: want[key] for key in shared}
