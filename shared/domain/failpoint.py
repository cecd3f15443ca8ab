"""Named points at which a process can be made to fail, to prove that nothing is lost there.

A point costs one look at an empty dictionary while none is armed. The settings refuse them in
production; what an action does (it ends the process, it waits) is `shared.failpoints`' business.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Point(StrEnum):
    """Where a process can be made to fail; named for the last thing that has happened."""

    API_BEFORE_COMMIT = "api_before_commit"
    API_AFTER_COMMIT = "api_after_commit"
    FUNCTION_AFTER_CLAIM = "function_after_claim"
    FUNCTION_AFTER_HANDLER = "function_after_handler"
    FUNCTION_AFTER_FINISH = "function_after_finish"
    RELAY_AFTER_TAKE_DUE = "relay_after_take_due"


class FailpointReached(Exception):
    """What the action `raise` raises."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """What happens at `point`: at its passage number `nth` alone, at every one when that is 0."""

    point: Point
    action: str
    seconds: float = 0.0
    nth: int = 0


_SPEC: Final = re.compile(
    r"(?P<point>\w+)=(?P<action>crash|raise|sleep)(:(?P<seconds>\d+(\.\d+)?))?(@(?P<nth>[1-9]\d*))?"
)
_armed: dict[Point, Callable[[], None]] = {}


def reach(point: Point) -> None:
    """Do what `point` is armed with: nothing, unless a test has armed it."""
    if _armed and (act := _armed.get(point)):
        act()


def arm(point: Point, act: Callable[[], None]) -> None:
    """Call `act` each time that `point` is reached."""
    _armed[point] = act


def disarm() -> None:
    """Arm nothing any more."""
    _armed.clear()


def failpoints_of(said: str) -> tuple[Failpoint, ...]:
    """The failpoints that `said` names: `point=action[:seconds][@nth]`, separated by semicolons.

    Raises: ValueError, which says what is wrong.
    """
    return tuple(_failpoint(part.strip()) for part in said.split(";") if part.strip())


def _failpoint(part: str) -> Failpoint:
    found = _SPEC.fullmatch(part)
    if found is None or (found["action"] == "sleep") != bool(found["seconds"]):
        raise ValueError(f"{part!r} is not point=crash, point=raise or point=sleep:SECONDS")
    if found["point"] not in set(Point):
        raise ValueError(f"there is no point {found['point']!r}; there are {', '.join(Point)}")
    point, action = Point(found["point"]), found["action"]
    return Failpoint(point, action, float(found["seconds"] or 0), int(found["nth"] or 0))
