"""`strict_json.loads`: what it gives back is exactly what was sent, and storable."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidRequest
from shared.domain.json_value import MAX_DEPTH, unstorable
from shared.edges.strict_json import loads

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_can_be_stored_is_read_unchanged(value, escaped):
    assert loads(json.dumps(value, ensure_ascii=escaped).encode()) == value


def read_or_refused(body: bytes):
    """The value that was read and no problems, or None and the problems."""
    try:
        return loads(body), ()
    except InvalidRequest as refused:
        return None, refused.fields


@given(st.binary())
def test_any_bytes_are_read_or_refused_with_a_reason(body):
    value, problems = read_or_refused(body)

    assert problems or unstorable(value) is None


@given(st.text(alphabet='{}[]",:\\u0d8en1-+.e \n'))
def test_anything_like_json_is_read_as_python_reads_it_or_refused(text):
    value, problems = read_or_refused(text.encode(errors="replace"))

    assert problems or value == json.loads(text)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"{", "line 1 column 2"),
        (b"\xff\xfe{\0}\0", "byte order mark"),
        (b"{\0}\0", "UTF-16"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', '"c" twice'),
        (b'{"a": NaN}', "NaN"),
        (b"-Infinity", "-Infinity"),
        (b"[1e999]", "inf"),
        (b'["\\u0000"]', "NUL"),
        (b'["\\ud800"]', "surrogate"),
        (b"[" * 10_000, "levels deep"),
        (b"9" * 4301, "digits"),
    ],
)
def test_a_refusal_says_what_is_wrong(body, said):
    with pytest.raises(InvalidRequest, match=said):
        loads(body)


def test_a_duplicate_key_is_shown_short_and_escaped():
    key = b"\\n" + b"x" * 1000
    with pytest.raises(InvalidRequest) as refused:
        loads(b'{"' + key + b'": 1, "' + key + b'": 2}')

    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_the_limits_themselves_are_accepted():
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert json.dumps(loads(deepest)).encode() == deepest
    assert loads(b"9" * 4300) == 10**4300 - 1
    assert loads(b"1.7976931348623157e308") == math.nextafter(math.inf, 0)


def test_a_surrogate_pair_is_one_character():
    assert loads(b'"\\ud83d\\ude00"') == "😀"
