"""Protocol Buffers: which definitions compile, what conforms to them, which may follow which."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from emulators.pubsub.errors import FailedPrecondition, InvalidArgument
from emulators.pubsub.schemas import protoc_child
from emulators.pubsub.schemas.conformity import BINARY, JSON, Incompatible, Mismatch
from emulators.pubsub.schemas.protobuf import load_compiled
from emulators.pubsub.schemas.protoc import compile_proto

PROTO3 = 'syntax = "proto3"; '


@pytest.fixture(scope="module")
def compiled():
    """Compile each definition once; give the parsed one."""
    known = {}

    def compiled(text):
        if text not in known:
            known[text] = load_compiled(compile_proto(text))
        return known[text]

    return compiled


def conforms(definition, data, encoding):
    try:
        definition.check(data, encoding)
    except Mismatch:
        return False
    return True


STATE = PROTO3 + (
    "package geo; message State { string name = 1; int32 people = 2; repeated Town towns = 3;"
    " map<string, Town> by_name = 4; Kind kind = 5; Town capital = 6;"
    " message Town { string name = 1; } enum Kind { NONE = 0; FREE = 1; } }"
)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"name": "Utah", "people": 3, "towns": [{"name": "Provo"}], "kind": "FREE"}',
        b'{"byName": {"a": {"name": "b"}}, "kind": 1}',
        b'{"by_name": {}}',
    ],
)
def test_json_with_the_fields_of_the_message_conforms(compiled, data):
    compiled(STATE).check(data, JSON)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"null", b"3", b"{} {}", b"{", b"\xff"),
        b'{"nme": "Utah"}',
        b'{"name": 1}',
        b'{"people": "many"}',
        b'{"people": 3000000000}',
        b'{"towns": [{"nme": "Provo"}]}',
        b'{"kind": "OTHER"}',
        b'{"name": "a", "name": "b"}',
        b'{"capital": ' * 1000 + b"{}" + b"}" * 1000,
    ],
)
def test_other_json_does_not_conform(compiled, data):
    assert not conforms(compiled(STATE), data, JSON)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x0a\x01a",
        b"\x10\x03",
        b"\x1a\x03\x0a\x01a",
        b"\x22\x05\x0a\x01a\x12\x00",
        b"\x28\x09",
    ],
)
def test_binary_with_the_fields_of_the_message_conforms(compiled, data):
    compiled(STATE).check(data, BINARY)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 11,
        b"\x0a\x05a",
        b"\x0a\x01\xff",
        b"\x3a\x00",
        b"\x08\x01",
        b"\x1a\x02\x10\x01",
        b"\x22\x07\x0a\x01a\x12\x02\x10\x01",
        b"\x32\x02\x10\x01",
    ],
    ids=["varint", "short", "utf8", "field 7", "type", "in repeated", "in map", "in message"],
)
def test_binary_that_is_broken_or_has_fields_of_no_name_does_not_conform(compiled, data):
    assert not conforms(compiled(STATE), data, BINARY)


def test_required_fields_of_proto2_are_required(compiled):
    definition = compiled('syntax = "proto2"; message A { required string a = 1; }')

    assert conforms(definition, b'{"a": "x"}', JSON)
    assert conforms(definition, b"\x0a\x01x", BINARY)
    for data, encoding in ((b"{}", JSON), (b"", BINARY)):
        with pytest.raises(Mismatch, match="required fields: a"):
            definition.check(data, encoding)


def test_a_value_that_a_closed_enum_does_not_have_does_not_conform(compiled):
    definition = compiled('syntax = "proto2"; message A { optional E e = 1; enum E { Z = 0; } }')

    assert conforms(definition, b"\x08\x00", BINARY)
    assert not conforms(definition, b"\x08\x01", BINARY)


def test_editions_compile(compiled):
    assert conforms(compiled('edition = "2023"; message A { string a = 1; }'), b"\x0a\x01x", BINARY)


@pytest.mark.parametrize("name", ["Timestamp", "Any", "Struct", "Value", "Duration", "FieldMask"])
def test_a_message_may_have_the_name_of_one_of_googles(compiled, name):
    """It does not fit what protobuf's JSON makes of that name, so JSON may not conform."""
    text = f"package google.protobuf; message {name} {{ string a = 1; }}"
    definition = compiled(PROTO3 + text)

    assert conforms(definition, b"\x0a\x01x", BINARY)
    for data in (b'{"a": "x"}', b"{}", b'{"@type": "a/b"}'):
        conforms(definition, data, JSON)


def test_two_definitions_may_have_messages_of_the_same_name(compiled):
    number = compiled(PROTO3 + "package geo; message State { int32 name = 1; }")

    assert conforms(number, b"\x08\x01", BINARY)
    assert conforms(compiled(STATE), b"\x0a\x01a", BINARY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROTO3 + "message A { string a = 1; string b = 1; }", "Field number 1 has already"),
        (PROTO3 + "message A { Unknown a = 1; }", "Unknown"),
        (PROTO3 + 'import "google/protobuf/timestamp.proto"; message A {}', "not found"),
        (PROTO3 + 'import "/etc/passwd"; message A {}', "not found"),
        (PROTO3 + 'import "../../etc/passwd"; message A {}', "not found|Backslashes"),
        ("nonsense", "schema.proto:1:1"),
        (PROTO3 + "message A {} message B {}", "exactly one top-level type.*: A, B"),
        (PROTO3 + "message A {} enum E { Z = 0; }", "exactly one top-level type.*: A, E"),
        (PROTO3 + "enum E { Z = 0; }", "exactly one top-level type.*: E"),
        (PROTO3, "exactly one top-level type.*: none"),
        ("message A {" * 20_000, "recursion"),
    ],
)
def test_a_definition_that_is_none_is_refused_with_protocs_words(text, said):
    with pytest.raises(InvalidArgument, match=said) as refused:
        load_compiled(compile_proto(text))
    assert "/tmp" not in str(refused.value)
    assert "InitializeLog" not in str(refused.value)


def test_a_compiler_that_takes_too_long_is_ended():
    with pytest.raises(InvalidArgument, match=r"more than 0\.001 s"):
        compile_proto(PROTO3 + "message A {}", limit_seconds=0.001)


def compile_with(folder, limit):
    """Run the compiler's own script on a definition with one of its limits changed."""
    (folder / "schema.proto").write_text(PROTO3 + "message A { string a = 1; }")
    code = (
        "import sys; from emulators.pubsub.schemas import protoc_child as child;"
        f"child.{limit}; sys.exit(child.main({str(folder)!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)


def test_the_compiler_obeys_its_limits(tmp_path):
    assert compile_with(tmp_path, "OUTPUT_BYTES").returncode == 0
    assert compile_with(tmp_path, "OUTPUT_BYTES = 10").returncode != 0
    assert compile_with(tmp_path, "MEMORY_BYTES = 10_000_000").returncode != 0
    assert compile_with(tmp_path, "CPU_SECONDS = 0").returncode != 0


def test_no_file_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    compile_proto(PROTO3 + "message A {}")

    assert list(tmp_path.iterdir()) == []


def test_without_grpcio_tools_the_error_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc_tools", None)

    with pytest.raises(FailedPrecondition, match="pip install grpcio-tools"):
        compile_proto(PROTO3 + "message A {}")


def test_the_compilers_script_needs_nothing_of_the_emulator():
    lines = Path(protoc_child.__file__).read_text().splitlines()
    imports = [line.split()[1] for line in lines if line.strip().startswith(("import ", "from "))]

    assert imports == ["resource", "sys", "grpc_tools"]


def test_a_compiled_definition_names_its_root():
    text = PROTO3 + "package p; message A { string a = 1; } message B { A a = 1; }"
    whole = compile_proto(text)

    assert conforms(load_compiled(whole, "p.B"), b'{"a": {"a": "x"}}', JSON)
    for root in ("p.C", "B"):
        with pytest.raises(InvalidArgument, match=root):
            load_compiled(whole, root)


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x02\x22\x00", b"", b"\x0a\x00"])
def test_bytes_that_are_no_compiled_definition_are_refused(data):
    with pytest.raises(InvalidArgument):
        load_compiled(data)


def test_a_compiled_definition_must_bring_what_it_imports():
    files = FileDescriptorSet()
    files.file.add(name="a.proto", dependency=["b.proto"]).message_type.add(name="A")

    with pytest.raises(InvalidArgument, match=r"b\.proto"):
        load_compiled(files.SerializeToString(), "A")


def body(fields, extra=""):
    return f'syntax = "proto2"; message A {{ {fields} {extra} }}'


BASE = "optional string a = 1; optional Inner i = 2; optional Kind k = 3;"
TYPES = "message Inner { optional int32 n = 1; } enum Kind { Z = 0; ONE = 1; }"


@pytest.mark.parametrize(
    "new",
    [
        body(BASE, TYPES),
        body(BASE + "optional bytes more = 4;", TYPES),
        body(BASE + "repeated bytes more = 4;", TYPES),
        body("optional string a = 1; optional Inner i = 2;", TYPES),
        body(BASE, TYPES.replace("n = 1;", "n = 1; optional A back = 2;")),
        body(BASE + "oneof of { string x = 7; string y = 8; }", TYPES),
        PROTO3 + f"message A {{ {BASE} {TYPES} }}",
    ],
)
def test_optional_fields_may_come_and_go(compiled, new):
    compiled(new).check_follows(compiled(body(BASE, TYPES)))
    compiled(body(BASE, TYPES)).check_follows(compiled(new))


def changed(old, new):
    """Return the base definition with one piece of text replaced."""
    assert old in BASE + TYPES
    return body(BASE.replace(old, new), TYPES.replace(old, new))


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (changed("string a", "int64 a"), "A.a of type .* is not compatible with A.a of type"),
        (changed("string a", "bytes a"), "is not compatible with"),
        (changed("optional string", "repeated string"), "repeated"),
        (changed("optional string", "required string"), "required"),
        (changed("string a", "string b"), "has the number 1 of"),
        (body(BASE + "required string r = 9;", TYPES), "required"),
        (changed("ONE = 1;", "ONE = 1; TWO = 2;"), "A.TWO = 2 is missing in A.Kind"),
        (changed("ONE = 1", "ONE = 2"), "A.ONE = [12] is missing in A.Kind"),
        (changed("int32 n", "string n"), "A.Inner.n of type"),
        (body(BASE, TYPES).replace("message A", "message B"), "B is not A|A is not B"),
        (changed("optional string a = 1;", "oneof o { string a = 1; int32 z = 5; }"), "oneof o"),
    ],
)
def test_nothing_else_may_change(compiled, new, said):
    for one, other in ((new, body(BASE, TYPES)), (body(BASE, TYPES), new)):
        with pytest.raises(Incompatible, match=said):
            compiled(one).check_follows(compiled(other))


def test_without_a_writable_temporary_folder_the_fix_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    with pytest.raises(FailedPrecondition, match="TMPDIR"):
        compile_proto('syntax = "proto3"; message A { string a = 1; }')
