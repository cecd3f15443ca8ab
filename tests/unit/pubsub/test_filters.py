"""The filter language: what matches, what is refused and how that is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.filters import MAX_FILTER_BYTES, parse_filter


def matches(text, **attributes):
    return parse_filter(text)(attributes)


def test_an_empty_filter_matches_everything():
    assert matches("", a="1")
    assert matches("  ")


def test_presence_asks_for_the_key_whatever_its_value():
    assert matches("attributes:name", name="")
    assert not matches("attributes:name", Name="x")


def test_equality_asks_for_the_value_with_its_case():
    assert matches('attributes.name = "com"', name="com")
    assert not matches('attributes.name = "com"', name="Com")
    assert not matches('attributes.name = ""')


def test_inequality_is_true_where_the_attribute_is_absent():
    assert matches('attributes.name != "com"')
    assert matches('attributes.name != "com"', name="org")
    assert not matches('attributes.name != "com"', name="com")


def test_has_prefix_needs_the_attribute():
    assert matches('hasPrefix(attributes.name, "co")', name="com")
    assert not matches('hasPrefix(attributes.name, "co")', name="org")
    assert not matches('hasPrefix(attributes.name, "")')


def test_not_binds_tighter_than_and():
    assert matches("NOT attributes:a AND attributes:b", b="")
    assert not matches("NOT attributes:a AND attributes:b", a="", b="")


def test_minus_is_not():
    assert matches('attributes.name = "com" AND -attributes:"lang"', name="com")
    assert not matches('attributes.name = "com" AND -attributes:lang', name="com", lang="")
    assert matches("--attributes:a", a="")


def test_parentheses_join_and_with_or():
    text = 'attributes:lang AND (attributes.name = "net" OR attributes.name = "org")'

    assert matches(text, lang="en", name="org")
    assert not matches(text, name="org")


def test_spaces_are_free():
    assert matches('\n(attributes . a="1"AND NOT(attributes :b))', a="1")


@pytest.mark.parametrize("key", ["ce-type", "under_score", "0", "-"])
def test_a_plain_key_needs_no_quotes(key):
    assert parse_filter(f"attributes:{key}")({key: ""})


def test_any_other_key_is_a_string():
    assert parse_filter('attributes:"iana.org/language_tag"')({"iana.org/language_tag": "en"})
    assert parse_filter('attributes."a b" = "1"')({"a b": "1"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\u307F\u3093\u306A", "みんな"),
        (r"\U0001F600", "😀"),
        (r"\x41\X42", "AB"),
        (r"\101\0\7", "A\0\7"),
        (r"\1011", "A1"),
        (r"\378", "\x1f8"),
        (r"a\"b\\c\'", "a\"b\\c'"),
        (r"\t\n\r\a\b\f\v", "\t\n\r\a\b\f\v"),
        ("みんな", "みんな"),
    ],
)
def test_a_string_may_have_escapes(written, meant):
    assert matches(f'attributes.a = "{written}"', a=meant)


BAD = {
    "attributes:a AND attributes:b OR attributes:c": (31, "parentheses"),
    "attributes:a OR attributes:b AND attributes:c": (30, "parentheses"),
    "(attributes:a": (None, ")"),
    "attributes:a)": (13, "the end"),
    "attributes:a attributes:b": (14, "AND, OR"),
    "attributes:a and attributes:b": (14, "AND, OR"),
    "not attributes:a": (1, "NOT"),
    "attributes:a AND": (None, "attributes"),
    "attributes:a ANDattributes:b": (14, "AND, OR"),
    "attributes": (None, "."),
    "attributes.a": (None, "="),
    "attributes.a = com": (16, "string"),
    "attributes.a = 'com'": (16, "string"),
    "attributes.a = attributes.b": (16, "string"),
    'attributes.a = "com': (16, "string"),
    'attributes.a == "com"': (15, "string"),
    'attributes.a > "com"': (14, "="),
    '"com" = attributes.a': (1, "attributes"),
    'attributes.a = "x" AND ("y" OR "z")': (25, "attributes"),
    r"attributes:\u307F": (12, "key"),
    "attributes:iana.org": (16, "the end"),
    "attribute:a": (1, "attributes"),
    'data = "x"': (1, "attributes"),
    "()": (2, "attributes"),
    "hasPrefix(attributes.a)": (23, ","),
    "hasPrefix(attributes:a, 1)": (21, "."),
    'hasPrefix(a, "b")': (11, "attributes"),
    'hasPrefix(attributes.a, "b", "c")': (28, ")"),
    'hasSuffix(attributes.a, "b")': (1, "hasPrefix"),
    r'attributes.a = "\q"': (16, r"'\\q'"),
    r'attributes.a = "\ud800"': (16, "Unicode"),
    r'attributes.a = "\U00110000"': (16, "Unicode"),
    r'attributes.a = "\u30"': (16, "escape"),
    "NOT": (None, "attributes"),
}


@pytest.mark.parametrize(("text", "problem"), BAD.items(), ids=BAD)
def test_a_bad_filter_is_refused_with_the_place(text, problem):
    place, expected = problem

    with pytest.raises(InvalidArgument) as refusal:
        parse_filter(text)

    assert f"at character {place}," in str(refusal.value) or (
        place is None and str(refusal.value).endswith("at the end")
    )
    assert expected in str(refusal.value)


def test_the_limit_counts_bytes():
    frame = len('attributes.a = ""')
    longest = "x" * (MAX_FILTER_BYTES - frame)

    assert matches(f'attributes.a = "{longest}"', a=longest)
    for too_long in (longest + "x", longest[1:] + "é"):
        with pytest.raises(InvalidArgument, match="257 bytes"):
            parse_filter(f'attributes.a = "{too_long}"')


def test_the_deepest_filter_that_fits_is_read():
    assert matches("(" * 122 + "attributes:a" + ")" * 122, a="")
    assert matches("-" * 244 + "attributes:a", a="")


# A filter as a tree, written out and evaluated by rules of the test's own.
KEYS = st.sampled_from(["a", "b", "a b", "é", 'q"\\'])
VALUES = st.sampled_from(["", "x", "xy", 'q"\\', "é"])
LEAVES = st.one_of(
    st.tuples(st.just(":"), KEYS),
    st.tuples(st.sampled_from(["=", "!=", "hasPrefix"]), KEYS, VALUES),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["NOT ", "-"]), inner),
        st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=5,
)


def quoted(text):
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def written(tree):
    match tree:
        case (":", key):
            return f"attributes:{key if key in 'ab' else quoted(key)}"
        case ("hasPrefix", key, value):
            return f"hasPrefix(attributes.{quoted(key)}, {quoted(value)})"
        case ("=" | "!=" as operator, key, value):
            return f"attributes.{quoted(key)} {operator} {quoted(value)}"
        case ("AND" | "OR" as operator, parts):
            return "(" + f" {operator} ".join(map(written, parts)) + ")"
        case (negation, inner):
            return negation + written(inner)


def meaning(tree, attributes):
    match tree:
        case (":", key):
            return key in attributes
        case ("hasPrefix", key, value):
            return key in attributes and attributes[key][: len(value)] == value
        case ("=", key, value):
            return key in attributes and attributes[key] == value
        case ("!=", key, value):
            return key not in attributes or attributes[key] != value
        case ("AND", parts):
            return min(meaning(part, attributes) for part in parts)
        case ("OR", parts):
            return max(meaning(part, attributes) for part in parts)
        case (_, inner):
            return not meaning(inner, attributes)


@given(TREES, st.dictionaries(KEYS, VALUES))
def test_a_filter_means_what_its_tree_means(tree, attributes):
    text = written(tree)
    if len(text.encode()) <= MAX_FILTER_BYTES:
        assert parse_filter(text)(attributes) == meaning(tree, attributes)


@given(st.text(alphabet='attributes.:=!"()-,AND OR\\x0', max_size=40))
def test_whatever_is_written_is_read_or_refused(text):
    try:
        parse_filter(text)({"a": "1"})
    except InvalidArgument as refusal:
        assert repr(text) in str(refusal)  # noqa: PT017 (only what is refused names itself)
