"""What a call's context says."""

import os
from typing import Any

from grpc.aio import ServicerContext

from shared.domain.trace import traceparent_of


def traceparent_from(context: ServicerContext[Any, Any]) -> str:
    """A span of our own in the caller's trace, or in a new one."""
    given = dict(context.invocation_metadata() or ())
    said = given.get("traceparent", "")
    return traceparent_of(said if isinstance(said, str) else "", os.urandom(24))
