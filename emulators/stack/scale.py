"""How many processes of a task type run: what the user asked for, checked. Starts nothing.

On Cloud Run the platform decides it between none and `max_instances`; here the user does.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from emulators.stack.errors import UsageError

VARIABLE = "CLOUDTASKER_SCALE"
# More processes of one type than this share cores rather than use them.
MOST = 16
_EXAMPLE = "--scale noop=2"


def read_scale(flags: Sequence[str], inherited: Mapping[str, str], root: Path) -> dict[str, int]:
    """How many processes each task type of `root` shall have; those not named have one.

    A flag `TYPE=N` wins over the same type in CLOUDTASKER_SCALE (`TYPE=N,TYPE=N`).

    Raises:
        UsageError: CT112, it is no such pair, there is no such task type, or N is not 1 to 16.
    """
    task_types = sorted(path.parent.name for path in (root / "functions").glob("*/task.yaml"))
    words = [word for word in inherited.get(VARIABLE, "").split(",") if word.strip()]
    asked = [*((VARIABLE, word.strip()) for word in words), *(("--scale", flag) for flag in flags)]
    scale: dict[str, int] = {}
    for place, word in asked:
        name, count = _pair(place, word)
        if name not in task_types:
            raise _unusable(place, word, _no_type(name, task_types), f"name a type: {_EXAMPLE}")
        scale[name] = count
    return scale


def process_names(function: str, count: int) -> list[str]:
    """The names of the processes of a function that has a number of them."""
    return [f"{function}-{number}" for number in range(1, count + 1)]


def is_process(name: str) -> bool:
    """Whether a part is one of several processes of a function."""
    return name.rpartition("-")[2].isdecimal() and "-" in name


def _pair(place: str, word: str) -> tuple[str, int]:
    name, sign, count = word.partition("=")
    if not sign or not name:
        raise _unusable(place, word, "it is no TYPE=N", f"write it as {_EXAMPLE}")
    if not (count.isascii() and count.isdecimal() and 1 <= int(count[:9]) <= MOST):
        why = f"{count!r} is no number of processes from 1 to {MOST}"
        raise _unusable(place, word, why, f"choose one, as in {_EXAMPLE}")
    return name, int(count)


def _no_type(name: str, task_types: Iterable[str]) -> str:
    return f"there is no task type {name!r} (there are: {', '.join(task_types) or 'none'})"


def _unusable(place: str, word: str, why: str, fix: str) -> UsageError:
    return UsageError(
        "CT112", f"{place} {word!r} cannot be used: {why}.", "Nothing was started.", fix=fix
    )
