"""Which Avro revision may follow which: each must be able to read what the other writes."""

import json

import fastavro
import pytest

from emulators.pubsub.schemas.avro import parse_avro
from emulators.pubsub.schemas.conformity import Incompatible

INT = {"name": "n", "type": "int"}
WITH_DEFAULT = {"name": "m", "type": "int", "default": 0}
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
FIXED = {"type": "fixed", "name": "F", "size": 2}


def record(*fields, name="R", **more):
    return {"type": "record", "name": name, "fields": list(fields), **more}


def holding(kind):
    return record({"name": "x", "type": kind})


def follows(new, earlier):
    """Say whether `new` may follow `earlier`."""
    try:
        parse_avro(json.dumps(new)).check_follows(parse_avro(json.dumps(earlier)))
    except Incompatible:
        return False
    return True


LINKED = record({"name": "next", "type": ["null", "R"]}, INT)
COMPATIBLE = [
    (record(INT), record(INT)),
    (record(INT, WITH_DEFAULT), record(INT)),
    (record(INT), record(INT, WITH_DEFAULT)),
    (record(INT, doc="with a comment"), record(INT)),
    (record(WITH_DEFAULT, INT), record(INT, WITH_DEFAULT)),
    (record(INT, name="ns.R"), record(INT)),
    (record({"name": "m", "type": "int", "aliases": ["n"]}), record({**INT, "default": 0})),
    (holding("string"), holding("bytes")),
    (holding(["int", "null"]), holding(["null", "int"])),
    (holding({**ENUM, "symbols": ["B", "A"]}), holding(ENUM)),
    (
        holding({**ENUM, "symbols": ["A", "B", "C"], "default": "A"}),
        holding({**ENUM, "default": "B"}),
    ),
    (holding(FIXED), holding(FIXED)),
    (holding({"type": "array", "items": "int"}), holding({"type": "array", "items": "int"})),
    (LINKED, LINKED),
    (record(*LINKED["fields"], WITH_DEFAULT), LINKED),
]
INCOMPATIBLE = [
    (record(INT, {"name": "m", "type": "int"}), record(INT)),
    (record(INT), record(INT, {"name": "m", "type": "int"})),
    (record(INT, name="Other"), record(INT)),
    (holding("long"), holding("int")),
    (holding("int"), holding("long")),
    (holding("string"), holding("int")),
    (holding(["null", "int"]), holding("int")),
    (holding(["null", "int", "string"]), holding(["null", "int"])),
    (holding({**ENUM, "symbols": ["A", "B", "C"]}), holding(ENUM)),
    (holding({**ENUM, "name": "G"}), holding(ENUM)),
    (holding({**FIXED, "size": 3}), holding(FIXED)),
    (holding({"type": "array", "items": "int"}), holding({"type": "map", "values": "int"})),
    (holding({"type": "array", "items": "int"}), holding({"type": "array", "items": "string"})),
    (holding({"type": "map", "values": "int"}), holding({"type": "map", "values": "null"})),
    (holding(record(INT, name="I")), holding(record({"name": "n", "type": "string"}, name="I"))),
    (record({"name": "next", "type": ["null", "R"]}), LINKED),
    ({"type": "string"}, record(INT)),
]


@pytest.mark.parametrize(("new", "earlier"), COMPATIBLE)
def test_revisions_that_read_each_other_may_follow_each_other(new, earlier):
    assert follows(new, earlier)
    assert follows(earlier, new)


@pytest.mark.parametrize(("new", "earlier"), INCOMPATIBLE)
def test_revisions_that_one_of_them_cannot_read_may_not_follow(new, earlier):
    assert not follows(new, earlier)
    assert not follows(earlier, new)


def test_the_text_names_the_direction_the_field_and_why():
    wanted = "new revision cannot read .* field 'm' of R has no default"

    with pytest.raises(Incompatible, match=wanted):
        parse_avro(json.dumps(record(INT, {"name": "m", "type": "int"}))).check_follows(
            parse_avro(json.dumps(record(INT)))
        )


def test_many_records_that_hold_each_other_are_compared_in_no_time():
    names = [f"R{number}" for number in range(40)]
    field = [{"name": "all", "type": ["null", *names]}]
    inner = [record(*field, name=name) for name in names[1:]]
    whole = record(
        {"name": "all", "type": ["null", "R0", *inner]}, {"name": "n", "type": "int"}, name="R0"
    )
    for one in inner:
        one["fields"] = [{"name": "back", "type": ["null", "R0"]}]

    assert fastavro.parse_schema(whole)
    assert follows(whole, whole)
