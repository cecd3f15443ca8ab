"""Requests made up by Hypothesis from the API's descriptors: mostly plausible, often extreme.

A request is first a tree of plain values by field name, because REST and gRPC each need a form of
their own, and neither of them may be held to what the other can express.
"""

import base64
import json

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

IDS = ("first", "second", "goog-third", "x", "a" * 256, "%41", "_deleted-topic_")
COLLECTIONS = ("topics", "subscriptions", "snapshots", "schemas")
NAMES = [
    *(f"projects/{project}/{kind}/{short}" for project in ("p", "q") for kind in COLLECTIONS
      for short in IDS),
    *("projects/p", "projects/", "projects/p/schemas/first@12345678", "_deleted-topic_", "first"),
]  # fmt: skip
AVRO = '{"type": "record", "name": "A", "fields": [{"name": "a", "type": "string"}]}'
FITTING = {  # what a field of that name takes most of the time
    "project": ["projects/p"],
    "parent": ["projects/p"],
    "topic": ["projects/p/topics/first", "projects/p/topics/second"],
    "subscription": ["projects/p/subscriptions/first", "projects/p/subscriptions/second"],
    "snapshot": ["projects/p/snapshots/first"],
    "schema": ["projects/p/schemas/first"],
    "dead_letter_topic": ["projects/p/topics/second"],
    "push_endpoint": ["http://127.0.0.1:9/", "https://127.0.0.1:9/a?b", "http://", "ftp://a/"],
    "filter": ['attributes.a = "b"', "attributes:a", "NOT attributes:a AND", '"' * 300],
    "definition": [
        AVRO,
        '{"type": "nonsense"}',
        'syntax = "proto3"; message A { string a = 1; }',
    ],
    "code": ["function f(message, metadata) { return message; }", "function"],
    "function_name": ["f", "g"],
    "ack_ids": ["1-1-1", "1-1", "9" * 500],
    "schema_id": list(IDS),
    "revision_id": ["12345678", "x"],
    "role": ["roles/pubsub.publisher"],
    "members": ["allUsers", "user:a@example.com"],
}
FITTING_NUMBERS = {
    "ack_deadline_seconds": [0, 10, 60, 600],
    "max_messages": [1, 10, 1000],
    "page_size": [0, 1, 2, 1000],
    "max_delivery_attempts": [0, 5, 100],
    "seconds": [0, 10, 600, 86_400, 604_800],
    "nanos": [0, 0, 0, 999_999_999],
}
WORDS = st.one_of(
    st.sampled_from(NAMES),
    st.text(max_size=6),
    st.sampled_from(["", "0", "a" * 1025, "é" * 200, "\0", "../..", "goog", "k\n", "\U0001f600"]),
)
WHOLE = [0, 1, -1, 5, 9, 10, 100, 600, 601, 604_800, 2_678_400]
DURATION, TIMESTAMP = "google.protobuf.Duration", "google.protobuf.Timestamp"
FIELD_MASK = "google.protobuf.FieldMask"
INTS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


@st.composite
def trees(draw, kind, depth=0):
    """Return a message of `kind` as a tree: what it needs, and up to three fields of the rest."""
    if kind.full_name == FIELD_MASK:
        return {"paths": draw(st.lists(_paths(), min_size=draw(st.integers(0, 1)), max_size=3))}
    fields = {field.name: field for field in kind.fields}
    names = _wanted(kind)
    others = sorted(set(fields) - names)
    if others and depth < 5:
        names = names | set(draw(st.lists(st.sampled_from(others), max_size=3)))
    tree = {name: draw(_values(fields[name], kind, depth)) for name in sorted(names)}
    return _one_of_each_oneof(kind, tree)


def _wanted(kind):
    """Return the fields that are always set: without them a request never gets far."""
    needed = {"name", "resource", "policy", "update_mask", "encoding", "type", "max_messages"}
    if kind.name in ("CreateSchemaRequest", "CommitSchemaRequest", "ValidateSchemaRequest"):
        needed |= {"schema"}
    if kind.name.startswith("Update"):
        needed |= {kind.name[6:-7].lower()}  # UpdateTopicRequest has a topic
    if kind.name == "PublishRequest":
        needed |= {"messages"}
    if kind.name == "PubsubMessage":
        needed |= {"data"}
    wanted = FITTING.keys() - {"dead_letter_topic", "filter", "schema", "snapshot"} | needed
    return {field.name for field in kind.fields if field.name in wanted}


def _one_of_each_oneof(kind, tree):
    """Return `tree` with one member of each oneof at most, as protobuf itself would have it."""
    for oneof in kind.oneofs:
        for name in [field.name for field in oneof.fields if field.name in tree][1:]:
            del tree[name]
    return tree


def _values(field, kind, depth):
    if field.message_type and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return st.dictionaries(WORDS, _value(value, kind, depth), max_size=3)
    value = _value(field, kind, depth)
    return st.lists(value, max_size=3) if field.is_repeated else value


def _value(field, kind, depth):
    cpp = field.cpp_type
    if cpp in INTS:
        low, high = INTS[cpp]
        few = [number for number in [*WHOLE, low, high] if low <= number <= high]
        fitting = FITTING_NUMBERS.get(field.name, few)
        return _mostly(fitting, st.sampled_from(few), st.integers(low, high))
    if cpp == FieldDescriptor.CPPTYPE_MESSAGE:
        return trees(field.message_type, depth + 1)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.one_of(st.binary(max_size=40), st.sampled_from([b'{"a": "b"}', bytes(5000)]))
    if cpp == FieldDescriptor.CPPTYPE_STRING:
        return _strings(field, kind)
    if cpp == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if cpp == FieldDescriptor.CPPTYPE_ENUM:
        return st.sampled_from([1, 1, 2, 0, 3, -1, 2**31 - 1])
    return st.floats(allow_nan=True, width=32)


def _strings(field, kind):
    fitting = FITTING.get(field.name)
    if field.name in ("name", "resource"):
        wanted = [plural for plural in COLLECTIONS if plural[:-1] in kind.name.lower()]
        fitting = [
            name
            for name in NAMES
            if (not wanted or wanted[0] in name) and name.endswith(("/first", "/second"))
        ]
    if not fitting:
        return WORDS
    return _mostly(fitting, WORDS)


def _mostly(fitting, *others):
    """Return a strategy that draws four of five values from `fitting`."""
    return st.integers(0, 4).flatmap(
        lambda number: st.sampled_from(fitting) if number else st.one_of(*others)
    )


def _paths():
    fields = ["labels", "ack_deadline_seconds", "retry_policy.minimum_backoff", "push_config",
              "expiration_policy", "expire_time", "name", "schema_settings", "message_transforms",
              "message_storage_policy.allowed_persistence_regions", "", ".", "a.b.c", "Labels",
              "dead_letter_policy", "message_retention_duration", "bigquery_config",
              "ingestion_data_source_settings", "enable_exactly_once_delivery", "filter",
              "cloud_storage_config", "detached", "*"]  # fmt: skip
    return _mostly(fields[:6], st.sampled_from(fields), st.text(max_size=5))


def to_message(tree, message):
    """Fill a message with a tree, whatever is out of range in it; return it."""
    for name, value in tree.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.message_type and field.message_type.GetOptions().map_entry:
            _fill_map(getattr(message, name), value)
        elif field.is_repeated:
            for one in value:
                target = getattr(message, name)
                to_message(one, target.add()) if isinstance(one, dict) else target.append(one)
        elif field.message_type:
            getattr(message, name).SetInParent()
            to_message(value, getattr(message, name))
        else:
            setattr(message, name, value)
    return message


def _fill_map(target, value):
    for key, one in value.items():
        if isinstance(one, dict):
            to_message(one, target[key])
        else:
            target[key] = one


def to_json(tree, kind):
    """Return a tree as the JSON that a REST client would send for it."""
    if kind.full_name == FIELD_MASK:
        return ",".join(tree["paths"])
    if kind.full_name in (DURATION, TIMESTAMP):
        seconds, nanos = tree.get("seconds", 0), tree.get("nanos", 0)
        return f"{seconds}.{abs(nanos):09}s" if kind.full_name == DURATION else _moment(seconds)
    fields = kind.fields_by_name
    return {
        fields[name].json_name: _json_value(value, fields[name]) for name, value in tree.items()
    }


def _moment(seconds):
    return f"{2000 + seconds % 20_000}-01-01T00:00:{seconds % 70:02}Z"


def _json_value(value, field):
    if isinstance(value, list):
        return [_json_value(one, field) for one in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict) and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name["value"]
        return {key: _json_value(one, entry) for key, one in value.items()}
    return to_json(value, field.message_type) if isinstance(value, dict) else value


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
    st.sampled_from(["\ud800", "1e400", "9" * 400, 10**400]),
)  # fmt: skip


def spoiled(value):
    """Return a strategy for JSON texts of `value`, some with one field of it spoiled."""

    @st.composite
    def build(draw):
        text = json.dumps(value).encode()
        how = draw(st.sampled_from(["not", "not", "field", "cut", "bytes"]))
        if how == "field" and isinstance(value, dict):
            name = draw(st.sampled_from([*value, "nonsense"]))
            text = json.dumps({**value, name: draw(JUNK)}).encode()
        elif how == "cut":
            text = text[: draw(st.integers(0, len(text)))]
        elif how == "bytes":
            text = draw(st.binary(max_size=30))
        return text

    return build()
