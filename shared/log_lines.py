"""How a log record becomes a line: Cloud Logging's JSON, or a form for a person at a terminal.

Formatting only: what is logged, and where it goes, is decided in `shared.telemetry`.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.domain.trace import span_id_of, trace_id_of

_GOOGLE: Final = "logging.googleapis.com/"
_RESERVED: Final = frozenset({"severity", "message", "time", "timestamp", "httpRequest"})
_MAX_TEXT: Final = 16_000
"""Characters of a message; Cloud Logging cuts an entry at 256 KB, by dropping it."""
_ENCODER: Final = json.JSONEncoder(default=str)
_CONTROL: Final = {c: f"\\x{c:02x}" for c in (*range(32), *range(127, 160)) if c not in (9, 10)}

Bound = Callable[[], Mapping[str, Any]]


class JsonLines(logging.Formatter):
    """One JSON object a line, with the fields that Cloud Logging reads from stdout.

    Source: Cloud Logging, "Structured logging: special fields"; the same names and values as
    google-cloud-logging's `StructuredLogHandler` prints.
    """

    def __init__(self, project: str, bound: Bound) -> None:
        super().__init__()
        self._project = project
        self._bound = bound

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`, without its end; newlines inside are escaped."""
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": _text(self, record),
            "time": _utc(record.created),
        }
        if event := getattr(record, "event", None):
            line["event"] = event
        fields = _fields(self._bound(), record)
        traceparent = str(fields.pop("traceparent", ""))
        line.update(fields)
        if trace_id := trace_id_of(traceparent):
            line[_GOOGLE + "trace"] = f"projects/{self._project}/traces/{trace_id}"
            line[_GOOGLE + "spanId"] = span_id_of(traceparent)
            line[_GOOGLE + "trace_sampled"] = traceparent[53:55] in ("01", "03")
        labels = getattr(record, "labels", {})
        line[_GOOGLE + "labels"] = {"python_logger": record.name, **labels}
        line[_GOOGLE + "sourceLocation"] = {
            "line": record.lineno,
            "file": record.pathname,
            "function": record.funcName,
        }
        return _ENCODER.encode(line)


class PrettyLines(logging.Formatter):
    """Time, severity, message, then the fields as key=value; tracebacks indented below."""

    def __init__(self, project: str, bound: Bound) -> None:
        super().__init__()
        self._bound = bound

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`. Control characters are escaped: a log must not steer a terminal."""
        time = datetime.fromtimestamp(record.created, UTC).astimezone()
        message, *below = _text(self, record).translate(_CONTROL).split("\n")
        fields = _fields(self._bound(), record)
        fields.pop("traceparent", None)
        said = " ".join(f"{key}={_value(value)}" for key, value in fields.items())
        first = f"{time:%H:%M:%S}.{record.msecs:03.0f} {record.levelname:<7} {message}  {said}"
        return "\n    ".join([first.rstrip(), *below])


def _text(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The message and, under it, the traceback, as Error Reporting looks for it."""
    text = record.getMessage()
    if record.exc_info and record.exc_info[1]:
        text = f"{text}\n{formatter.formatException(record.exc_info)}"
    if len(text) <= _MAX_TEXT:
        return text
    half = _MAX_TEXT // 2  # the start says what, a traceback's end says why
    return f"{text[:half]}\n… {len(text) - 2 * half} characters …\n{text[-half:]}"


def _utc(seconds: float) -> str:
    """RFC 3339 with microseconds; `isoformat`, as it takes a fifth of the time of `strftime`."""
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds") + "Z"


def _fields(bound: Mapping[str, Any], record: logging.LogRecord) -> dict[str, Any]:
    """What is bound, the event's own fields, and `extra={"json_fields": …}` of a handler's line."""
    own = getattr(record, "fields", None) or getattr(record, "json_fields", None) or {}
    return {
        key: value
        for key, value in {**bound, **own}.items()
        if value is not None and key not in _RESERVED and not key.startswith(_GOOGLE)
    }


def _value(value: Any) -> str:
    text = str(value).replace("\n", "\\n").translate(_CONTROL)
    return f'"{text}"' if " " in text else text
