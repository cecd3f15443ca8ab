"""Avro: what a definition may be and what conforms to it; fastavro's writers are the judge."""

import contextlib
import io
import json

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.schemas.avro import parse_avro
from emulators.pubsub.schemas.conformity import BINARY, JSON, Mismatch

PRIMITIVE_VALUES = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=12),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
}


@st.composite
def schemas(draw, depth=3):
    """Draw a schema and the strategy of its values."""
    kind = draw(st.sampled_from([*PRIMITIVE_VALUES, "fixed", "enum", *COMPOUNDS[: 4 * depth]]))
    if kind in PRIMITIVE_VALUES:
        return kind, PRIMITIVE_VALUES[kind]
    if kind in ("fixed", "enum"):
        return drawn_leaf(draw, kind)
    inner, values = draw(schemas(depth - 1))
    if kind == "array":
        return {"type": "array", "items": inner}, st.lists(values, max_size=3)
    if kind == "map":
        keys = PRIMITIVE_VALUES["string"].filter(bool)  # fastavro cannot write an empty one
        return {"type": "map", "values": inner}, st.dictionaries(keys, values, max_size=3)
    if kind == "optional":
        return optional(inner, values)
    return record(draw, depth, inner, values)


COMPOUNDS = ["array", "map", "optional", "record"]


def drawn_leaf(draw, kind):
    name = f"T{draw(st.uuids()).hex}"
    if kind == "enum":
        symbols = ["A", "B", "C"]
        return {"type": "enum", "name": name, "symbols": symbols}, st.sampled_from(symbols)
    size = draw(st.integers(0, 4))
    return {"type": "fixed", "name": name, "size": size}, st.binary(min_size=size, max_size=size)


def optional(inner, values):
    if inner == "null" or isinstance(inner, list):
        return inner, values
    return ["null", inner], st.none() | values


def record(draw, depth, inner, values):
    other, other_values = draw(schemas(depth - 1))
    fields = [{"name": "one", "type": inner}, {"name": "two", "type": other}]
    schema = {"type": "record", "name": f"R{draw(st.uuids()).hex}", "fields": fields}
    return schema, st.fixed_dictionaries({"one": values, "two": other_values})


@st.composite
def encoded(draw, encode):
    """Draw a record's definition and one of its values as fastavro encodes it."""
    schema, values = record(draw, 2, *draw(schemas(2)))
    return json.dumps(schema), encode(schema, draw(values))


def binary(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def as_json(schema, value):
    out = io.StringIO()
    fastavro.json_writer(out, fastavro.parse_schema(schema), [value])
    return out.getvalue().encode()


def conforms(definition, data, encoding):
    try:
        parse_avro(definition).check(data, encoding)
    except Mismatch:
        return False
    return True


@given(encoded(binary))
def test_what_fastavro_writes_in_binary_conforms(drawn):
    definition, data = drawn

    parse_avro(definition).check(data, BINARY)


@given(encoded(as_json))
def test_what_fastavro_writes_as_json_conforms(drawn):
    definition, data = drawn

    parse_avro(definition).check(data, JSON)


@given(encoded(binary), st.data())
def test_binary_data_conforms_whole_only(drawn, data):
    definition, whole = drawn
    cut = data.draw(st.integers(0, len(whole)))

    assert conforms(definition, whole[:cut], BINARY) == (cut == len(whole))
    assert not conforms(definition, whole + b"\x00", BINARY)


@given(encoded(as_json), st.sampled_from(["one", "two"]))
def test_json_data_conforms_with_exactly_the_fields_of_the_record(drawn, field):
    definition, whole = drawn
    value = json.loads(whole)

    without = {name: inner for name, inner in value.items() if name != field}
    assert not conforms(definition, json.dumps(without).encode(), JSON)
    assert not conforms(definition, json.dumps(value | {"three": None}).encode(), JSON)
    assert not conforms(definition, whole + b" {}", JSON)


@given(encoded(as_json), st.sampled_from(["one", "two"]))
def test_json_data_with_a_value_of_no_type_does_not_conform(drawn, field):
    definition, whole = drawn
    value = json.loads(whole) | {field: {"what": {"is": ["this"]}}}

    assert not conforms(definition, json.dumps(value).encode(), JSON)


@given(st.binary(max_size=60), encoded(binary))
def test_any_bytes_conform_or_do_not_and_nothing_else_happens(data, drawn):
    for encoding in (BINARY, JSON):
        conforms(drawn[0], data, encoding)


def of(kind):
    return json.dumps({"type": "record", "name": "R", "fields": [{"name": "x", "type": kind}]})


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int", ["0", "-2147483648"], ["2147483648", "1.5", "1.0", "true", '"1"', "null"]),
        ("long", ["9223372036854775807"], ["9223372036854775808", "1e3"]),
        ("double", ["1", "1.5", "-1e300"], ['"NaN"', "NaN", "Infinity", "1e999", "true"]),
        ("boolean", ["true"], ["1", '"true"', "null"]),
        ("string", ['"\\u20ac"'], ["1", '"\\ud800"']),
        ("bytes", ['"\\u00ff"'], ['"\\u0100"', "[1]"]),
        ("null", ["null"], ["0", "{}"]),
        (["null", "int"], ["null", '{"int": 3}'], ["3", '{"long": 3}', '{"null": null}', "{}"]),
        ({"type": "array", "items": "int"}, ["[]", "[1]"], ["[null]", "{}", "1"]),
        ({"type": "map", "values": "int"}, ["{}", '{"a": 1}'], ['{"a": "b"}', "[]"]),
        ({"type": "fixed", "name": "F", "size": 2}, ['"ab"'], ['"a"', '"abc"', '"a\\u0100"']),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, ['"A"'], ['"B"', "0", "[]", "{}"]),
        ({"type": "long", "logicalType": "timestamp-millis"}, ["1"], ['"2020-01-01"']),
    ],
    ids=str,
)
def test_json_values_are_told_apart(kind, good, bad):
    assert all(conforms(of(kind), f'{{"x": {one}}}'.encode(), JSON) for one in good)
    assert not [one for one in bad if conforms(of(kind), f'{{"x": {one}}}'.encode(), JSON)]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int", [b"\x00", b"\xff\xff\xff\xff\x0f"], [b"", b"\x80", b"\x80\x80\x80\x80\x10"]),
        ("long", [b"\xff" * 9 + b"\x01"], [b"\xff" * 10 + b"\x01", b"\xff" * 9 + b"\x02"]),
        ("boolean", [b"\x00", b"\x01"], [b"\x02"]),
        ("string", [b"\x02a"], [b"\x02\xff", b"\x04a", b"\x01"]),
        ("bytes", [b"\x02\xff"], [b"\x03", b"\x04a"]),
        ("float", [b"abcd"], [b"abc"]),
        (["null", "int"], [b"\x00", b"\x02\x02"], [b"\x04", b"\x01"]),
        (
            {"type": "array", "items": "boolean"},
            [b"\x00", b"\x01\x02\x01\x00"],
            [b"\x01\x04\x01\x00"],
        ),
        ({"type": "array", "items": "null"}, [b"\xfe\xff\xff\xff\xff\x1f\x00"], [b"\x02"]),
        ({"type": "map", "values": "null"}, [b"\x02\x02k\x00"], [b"\x02\x02\xff\x00"]),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, [b"\x00"], [b"\x02", b"\x01"]),
    ],
    ids=str,
)
def test_binary_values_are_told_apart(kind, good, bad):
    assert all(conforms(of(kind), one, BINARY) for one in good)
    assert not [one for one in bad if conforms(of(kind), one, BINARY)]


def test_the_json_encoding_has_no_defaults():
    """As measured on Google's emulator."""
    definition = of("int").replace('"int"', '"int", "default": 0')

    assert conforms(definition, b'{"x": 1}', JSON)
    assert not conforms(definition, b"{}", JSON)


def test_the_text_of_a_mismatch_says_where():
    definition = of({"type": "array", "items": of_record("y", "int")})

    with pytest.raises(Mismatch, match=r'^x\.\[1\]\.y: "no" is not int$'):
        parse_avro(definition).check(b'{"x": [{"y": 1}, {"y": "no"}]}', JSON)


def of_record(field, kind):
    return {"type": "record", "name": "Inner", "fields": [{"name": field, "type": kind}]}


LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}


def test_a_type_may_contain_itself():
    assert conforms(json.dumps(LIST), b'{"next": {"L": {"next": null}}}', JSON)
    assert conforms(json.dumps(LIST), b"\x02\x02\x00", BINARY)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [(b'{"next": {"L": ' * 5000 + b"null" + b"}}" * 5000, JSON), (b"\x02" * 50_000, BINARY)],
)
def test_data_nested_without_end_does_not_conform(data, encoding):
    with pytest.raises(Mismatch, match="nested too deeply"):
        parse_avro(json.dumps(LIST)).check(data, encoding)


@pytest.mark.parametrize(
    "definition",
    [
        *("", "{", "{}", "[]", "3", "null", "record", '"nothing"', '["null", "int"]'),
        '{"type": "record", "name": "R"}' + "x",
        '{"type": "record", "fields": []}',
        '{"type": "record", "name": "1R", "fields": []}',
        '{"type": "record", "name": 5, "fields": []}',
        '{"type": "record", "name": "R", "fields": [3]}',
        '{"type": "record", "name": "R", "fields": [{"name": "x"}]}',
        '{"type": "record", "name": "R", "fields": [{"name": "x.y", "type": "int"}]}',
        '{"type": "record", "name": "R", "fields": [{"name": "x", "type": "Unknown"}]}',
        of("int").replace("]}", ', {"name": "x", "type": "int"}]}'),
        of(["null", "null"]),
        of(["null", ["int"]]),
        of({"type": "array"}),
        of({"type": "map", "values": 5}),
        of({"type": "fixed", "name": "F", "size": -1}),
        of({"type": "fixed", "name": "F", "size": "2"}),
        of({"type": "enum", "name": "E", "symbols": ["A", "A"]}),
        '{"type":' * 3000,
    ],
)
def test_a_definition_that_is_none_is_refused(definition):
    with pytest.raises(InvalidArgument, match="Avro definition"):
        parse_avro(definition)


NAMES = st.sampled_from(["R", "F", "int", "null", "string", "x", "a.b", "1", ""])
SCHEMA_KEYS = st.sampled_from(
    ["type", "name", "fields", "items", "values", "symbols", "size", "default", "aliases"]
)
KINDS = st.sampled_from(["record", "enum", "fixed", "array", "map", "error"]) | NAMES
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | KINDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(SCHEMA_KEYS, inner, max_size=5)
        | st.fixed_dictionaries(
            {"type": KINDS, "name": NAMES, "fields": st.lists(inner, max_size=2)},
            optional={"aliases": inner, "symbols": inner, "size": inner, "items": inner},
        )
    ),
    max_leaves=12,
)


@given(ANYTHING, st.binary(max_size=20), ANYTHING)
def test_any_json_is_a_definition_or_is_refused(document, data, value):
    try:
        definition = parse_avro(json.dumps(document))
    except InvalidArgument:
        return
    definition.check_follows(definition)
    for encoded, encoding in ((data, BINARY), (data, JSON), (json.dumps(value).encode(), JSON)):
        with contextlib.suppress(Mismatch):
            definition.check(encoded, encoding)


def test_a_default_of_another_type_is_let_pass_as_in_the_services_documentation():
    parse_avro(
        '{"type":"record","name":"R","fields":[{"name":"p","type":"double","default":"0.0"}]}'
    )


def test_names_are_those_of_their_namespace():
    definition = json.dumps(
        {
            "type": "record",
            "name": "a.b.R",
            "fields": [{"name": "x", "type": ["null", of_record("y", "int")]}],
        }
    )

    assert conforms(definition, b'{"x": {"a.b.Inner": {"y": 1}}}', JSON)
    assert not conforms(definition, b'{"x": {"Inner": {"y": 1}}}', JSON)
