"""What commands take from outside, gathered so that a test can give its own."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import httpx

    from shared.client import Clock


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Setup:
    """Click's `obj`: the wire, the clocks, and the call that replaces this process."""

    transport: "httpx.AsyncBaseTransport | None" = None
    wait_clock: "Clock | None" = None
    now: Callable[[], datetime] = _now
    replace_process: Callable[[str, list[str]], NoReturn] = os.execv
