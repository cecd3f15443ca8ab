"""What a receiver's `Retry-After` asks for. Pure: the time comes in as a value."""

from calendar import timegm
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_SECONDS: Final = 86_400.0


def retry_after_seconds(header: str, now: float, attempt: int) -> float | None:
    """How long to wait after attempt `attempt` (from 1), or None when the header says nothing.

    At most a day, and never under 2, 4, 8, ... seconds: a receiver that always answers
    `Retry-After: 0` must not burn all attempts in a moment.
    Source: RFC 9110, 10.2.3 (seconds or an HTTP date).
    """
    asked = _asked_seconds(header.strip(), now)
    if asked is None:
        return None
    return min(max(asked, 2.0 ** min(attempt, 9)), LONGEST_SECONDS)


def _asked_seconds(header: str, now: float) -> float | None:
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header).utctimetuple()
    except (ValueError, OverflowError):
        return None
    return timegm(moment) - now
