"""Turn a structured log line into one that people read. Pure; knows Cloud Logging's field names."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulators.stack.scale import is_process

_FIRST = ("task_id", "task_type", "attempt")
# Already shown, or for machines: the prefix is Cloud Logging's own fields (trace, labels, source).
_HIDDEN = {"severity", "message", "time", "timestamp", "traceback", "exception", "stack_trace"}
_HIDDEN_PREFIX = "logging.googleapis.com/"
_MULTILINE = ("exception", "stack_trace")
_COLOURS = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_POSTGRES_SEVERITIES = {"LOG": "DEBUG", "FATAL": "ERROR", "PANIC": "CRITICAL"}
# Postgres' answers to who connects too early or too late: expected, and over in a moment.
_PASSING = {"the database system is starting up", "the database system is shutting down"}
_VALKEY = re.compile(r"\d+:(?:[A-Z]|signal-handler) ")


@dataclass(frozen=True)
class Entry:
    """One log entry: `fields` is everything that its line carried, and `line` that line."""

    source: str
    severity: str
    message: str
    fields: Mapping[str, Any]
    line: str = ""  # empty unless it is one JSON document

    def as_json(self) -> str:
        """One JSON document; a line that was none is wrapped in one.

        A line of one of several processes of a function also says which: `"process": "noop-2"`.
        """
        if self.line and is_process(self.source):
            return f'{self.line[:-1]}, "process": {json.dumps(self.source)}}}'
        plain = {"severity": self.severity, "message": self.message, "logger": self.source}
        return self.line or json.dumps(plain, ensure_ascii=False)


def parse(source: str, line: str) -> Entry:
    """Read a line of `source`: a structured entry, or plain text at its own severity."""
    if line.startswith("{"):
        try:
            fields = json.loads(line)
        except ValueError:
            fields = None
        if isinstance(fields, dict) and "message" in fields:
            severity = str(fields.get("severity", "INFO"))
            return Entry(source, severity, str(fields["message"]), fields, line)
    return Entry(source, _severity_of_text(line), line, {})


def _severity_of_text(line: str) -> str:
    """Postgres prints `LEVEL:  text`, Valkey `pid:role date text`; the rest is information."""
    if _VALKEY.match(line):
        return "DEBUG"
    level, colon, text = line.partition(":")
    if not colon or not level.isupper() or " " in level:
        return "INFO"
    if text.strip() in _PASSING:
        return "DEBUG"
    return _POSTGRES_SEVERITIES.get(level, level)


def without_frames(lines: Iterable[str]) -> list[str]:
    """What a program said, without the inside of its stack traces (the error itself stays)."""
    return [line for line in lines if not line.startswith((" ", "Traceback "))]


def pretty(entry: Entry, now: datetime, *, coloured: bool) -> str:
    """`10:04:11.123  INFO  send_email  message   task_id=…`, further lines indented below."""
    first, *more = entry.message.splitlines() or [""]
    line = f"{_clock(entry.fields, now)}  {entry.severity:<8}  {entry.source:<16}  {first}"
    if details := _details(entry.fields):
        line += f"   {_paint(details, '2') if coloured else details}"
    for name in _MULTILINE:
        more += str(entry.fields.get(name) or "").splitlines()
    text = "\n".join([line, *(f"    {extra}" for extra in more)])
    colour = _COLOURS.get(entry.severity)
    return _paint(text, colour) if coloured and colour else text


def _details(fields: Mapping[str, Any]) -> str:
    names = [name for name in _FIRST if name in fields]
    names += [name for name in fields if name not in _FIRST]
    shown = [name for name in names if name not in _HIDDEN and not name.startswith(_HIDDEN_PREFIX)]
    return " ".join(f"{name}={_value(fields[name])}" for name in shown if fields[name] is not None)


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f'"{text}"' if " " in text and isinstance(value, str) else text


def _clock(fields: Mapping[str, Any], now: datetime) -> str:
    """The entry's own time as local wall-clock time, else now."""
    written = fields.get("time") or fields.get("timestamp")
    try:
        moment = datetime.fromisoformat(str(written)).astimezone() if written else now
    except ValueError:
        moment = now
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _paint(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"
