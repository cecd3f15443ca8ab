"""Arms the failpoints that the settings name. Never imported while they name none."""

import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Final, NoReturn

from shared.domain.failpoint import Failpoint, FailpointReached, arm

CRASHED: Final = 70
"""The exit code of a process that a failpoint has ended."""


def arm_all(failpoints: Iterable[Failpoint]) -> None:
    """Arm each of `failpoints`; passages are counted from here on."""
    for failpoint in failpoints:
        arm(failpoint.point, _counted(failpoint))


def _counted(failpoint: Failpoint) -> Callable[[], None]:
    act, passages = _action(failpoint), count(1)

    def passed() -> None:
        if next(passages) == failpoint.nth or failpoint.nth == 0:
            act()

    return passed


def _action(failpoint: Failpoint) -> Callable[[], None]:
    if failpoint.action == "crash":
        return _crash
    if failpoint.action == "sleep":
        # The whole event loop stands still, as in a process that gets no processor.
        return partial(time.sleep, failpoint.seconds)
    return partial(_raise, failpoint.point)


def _crash() -> NoReturn:
    """As `kill -9`: nothing is flushed, closed or released."""
    os._exit(CRASHED)


def _raise(point: str) -> NoReturn:
    raise FailpointReached(f"the failpoint {point} was reached")
