"""Reads JSON that comes from outside, and refuses whatever a row could not hold unchanged.

One reader for REST bodies and gRPC's `payload_json`; it knows nothing of either.
"""

import json
from collections import Counter
from typing import Any, Final, NoReturn

from shared.domain.errors import InvalidField, InvalidRequest
from shared.domain.json_value import MAX_DEPTH, unstorable

_SHOWN_CHARACTERS: Final = 40


def loads(body: bytes) -> Any:
    """The value that `body` holds, as UTF-8 JSON (RFC 8259).

    Raises: InvalidRequest for anything else, and for what JSON readers disagree on: duplicate keys,
    NaN and infinities, numbers beyond a double, a byte order mark, lone surrogates, NUL characters,
    more than 64 levels.
    """
    text = _text_of(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as broken:
        raise _refused(f"it is not JSON: {_place(broken)}") from None
    except RecursionError:
        raise _refused(f"it is nested more than {MAX_DEPTH} levels deep") from None
    except ValueError:  # the interpreter's limit on the digits of an integer
        raise _refused("it has a number with too many digits") from None
    if problem := unstorable(value):
        raise _refused(problem)
    return value


def _text_of(body: bytes) -> str:
    if not body:
        raise _refused("it is empty; send a JSON object")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _refused("it starts with a byte order mark; send plain UTF-8")
    if b"\0" in body[:4]:
        raise _refused("it is UTF-16 or UTF-32; send UTF-8")
    try:
        return body.decode()
    except UnicodeDecodeError as broken:
        raise _refused(f"it is not UTF-8 at byte {broken.start}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _refused(f"it has the key {_shown(twice)} twice in one object")
    return result


def _no_constant(name: str) -> NoReturn:
    raise _refused(f"it has the number {name}, which JSON does not have")


def _place(broken: json.JSONDecodeError) -> str:
    return f"{broken.msg.lower()} at line {broken.lineno} column {broken.colno}"


def _shown(key: str) -> str:
    """A caller's key, short and escaped: it ends up in an answer and perhaps in a terminal."""
    short = key if len(key) <= _SHOWN_CHARACTERS else f"{key[:_SHOWN_CHARACTERS]}…"
    return json.dumps(short)


def _refused(problem: str) -> InvalidRequest:
    return InvalidRequest(f"JSON rejected: {problem}", [InvalidField("", problem)])


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
"""Made once: `json.loads` with hooks makes one a call, which costs as much as a small body."""
