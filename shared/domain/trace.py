"""W3C trace context: the one header that ties an enqueue to its run. Pure; ids come in as values.

Source: W3C Trace Context, section 3.2 (traceparent).
"""

import re
from typing import Final

_TRACEPARENT: Final = re.compile(
    r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$"
)


def trace_id_of(traceparent: str) -> str:
    """The 32 hex digits of the trace, or an empty string when the header is not valid."""
    match = _TRACEPARENT.match(traceparent)
    if not match or match[1] == "ff" or not int(match[2], 16) or not int(match[3], 16):
        return ""
    return match[2]


def span_id_of(traceparent: str) -> str:
    """The 16 hex digits of the parent span, or an empty string when the header is not valid."""
    return traceparent[36:52] if trace_id_of(traceparent) else ""


def traceparent_of(incoming: str, random_bytes: bytes) -> str:
    """A span of our own in the caller's trace, or in a new one: 24 random bytes give both ids."""
    trace_id = trace_id_of(incoming) or random_bytes[:16].hex()
    flags = incoming[53:55] if trace_id_of(incoming) else "00"
    return f"00-{trace_id}-{random_bytes[16:24].hex()}-{flags}"
