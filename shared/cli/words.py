"""Times, durations and texts as people read them, and back. Pure; the present is a value."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGO: Final = ((2 * 86400, 86400, "d"), (2 * 3600, 3600, "h"), (120, 60, "min"), (2, 1, "s"))


def age(moment: str, now: datetime) -> str:
    """How long ago `moment` (RFC 3339) was: `14 s ago`; a future one: `in 5 min`."""
    seconds = (now - datetime.fromisoformat(moment)).total_seconds()
    for least, unit, name in _AGO:
        if abs(seconds) >= least:
            amount = f"{abs(seconds) // unit:.0f} {name}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return "now"


def duration(start: str | None, end: str | None) -> str:
    """From `start` to `end` in words: `85 ms`, `1.2 s`, `2 min 5 s`; empty when either is open."""
    if not start or not end:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def clock(moment: str | None) -> str:
    """`2026-11-24 10:04:11.250 UTC`, or a dash when it has not happened."""
    if not moment:
        return "-"
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def moment_of(text: str, now: datetime) -> datetime:
    """Read a moment: `30m`, `2h`, `1d` (that long ago), or RFC 3339; without a zone it is UTC.

    Raises: ValueError when it is neither.
    """
    if match := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return now - timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def period_of(text: str) -> timedelta:
    """Read a period: `30m`, `12h`, `90d`. Raises: ValueError when it is none."""
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if match is None:
        raise ValueError(f"{text!r} is no period")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def cut(text: str, length: int) -> str:
    """The first line of `text`, at most `length` characters, with an ellipsis where it was cut."""
    line = plain(text.strip().split("\n")[0])
    return line if len(line) <= length and "\n" not in text.strip() else line[: length - 1] + "…"


def plain(text: str) -> str:
    """`text` without what a terminal would obey: control characters become visible escapes."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
