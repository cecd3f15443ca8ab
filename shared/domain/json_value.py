"""Which JSON values a row can hold. Postgres refuses what this refuses; here it has a reason."""

import math
from collections.abc import Iterable
from typing import Any, Final

MAX_DEPTH: Final = 64
_LISTS: Final = (list, tuple)
_SCALARS: Final = (bool, int, type(None))


def unstorable(value: Any) -> str | None:
    """Why `value` cannot be stored as JSON, or None when it can.

    Refused: types that JSON has not, NaN and infinities, NUL characters, lone surrogates, more than
    64 levels. Without recursion, so that hostile depth costs nothing.
    """
    waiting: list[tuple[Iterable[Any], int]] = [((value,), 1)]
    while waiting:
        parts, depth = waiting.pop()
        for one in parts:
            if depth > MAX_DEPTH:
                return f"it is nested more than {MAX_DEPTH} levels deep"
            if isinstance(one, str):
                if problem := _bad_text(one):
                    return problem
            elif isinstance(one, dict):
                if problem := _bad_keys(one):
                    return problem
                waiting.append((one.values(), depth + 1))
            elif isinstance(one, _LISTS):
                waiting.append((one, depth + 1))
            elif isinstance(one, float):
                if not math.isfinite(one):
                    return f"it has the number {one}, which JSON does not have"
            elif not isinstance(one, _SCALARS):
                return f"it holds a value of type {type(one).__name__}, which JSON does not have"
    return None


def _bad_keys(value: dict[Any, Any]) -> str | None:
    for key in value:
        if not isinstance(key, str):
            return f"it has a key of type {type(key).__name__}"
        if problem := _bad_text(key):
            return problem
    return None


def _bad_text(text: str) -> str | None:
    if "\0" in text:
        return "it has a NUL character, which a row cannot hold"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "it has a lone surrogate, which is not Unicode text"
    return None
