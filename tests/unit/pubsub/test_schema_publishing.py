"""What a topic's schema settings let through, and how it is marked."""

import sys
import threading

import pytest

from emulators.pubsub import protos
from emulators.pubsub.errors import FailedPrecondition, InvalidArgument, NotFound
from emulators.pubsub.schemas import publishing
from emulators.pubsub.schemas.definitions import Definitions
from emulators.pubsub.schemas.publishing import SchemaCheck
from emulators.pubsub.schemas.registry import Registry
from tests.unit.pubsub.test_schema_registry import NAME, MemoryDocuments

JSON, BINARY = 1, 2


def record(*fields):
    return (
        '{"type": "record", "name": "R", "fields": ['
        + ",".join(f'{{"name": "{name}", "type": "string", "default": ""}}' for name in fields)
        + "]}"
    )


@pytest.fixture
def registry():
    return Registry(MemoryDocuments(), wall_ns=lambda: 1_000)


@pytest.fixture
def check(registry):
    return SchemaCheck(registry, Definitions())


def commit(registry, *fields):
    schema = protos.Schema(type_=2, definition=record(*fields))
    return registry.add(NAME, schema).revision_id


def settings(encoding=JSON, schema=NAME, **range_):
    return protos.SchemaSettings(schema=schema, encoding=encoding, **range_)


def messages(*bodies):
    return {number: protos.PubsubMessage(data=body) for number, body in enumerate(bodies)}


async def test_a_message_that_conforms_tells_its_schema(registry, check):
    revision_id = commit(registry, "a")
    found = messages(b'{"a": "x"}')
    found[0].attributes["mine"] = "kept"
    await check.check(settings(), found)

    assert dict(found[0].attributes) == {
        "mine": "kept",
        "googclient_schemaname": NAME,
        "googclient_schemarevisionid": revision_id,
        "googclient_schemaencoding": "JSON",
    }


async def test_binary_messages_say_so(registry, check):
    commit(registry, "a")
    found = messages(b"\x02x")
    await check.check(settings(BINARY), found)

    assert found[0].attributes["googclient_schemaencoding"] == "BINARY"


async def test_a_message_that_does_not_conform_is_named_and_no_other_is_marked(registry, check):
    commit(registry, "a")
    found = messages(b'{"a": "x"}', b'{"b": "x"}')

    with pytest.raises(InvalidArgument, match=r"message 1: .*failed schema validation .*a: the"):
        await check.check(settings(), found)
    assert not found[0].attributes


async def test_a_message_without_data_does_not_conform(registry, check):
    commit(registry, "a")

    with pytest.raises(InvalidArgument):
        await check.check(settings(), messages(b""))


async def test_each_message_is_of_the_newest_revision_that_takes_it(registry, check):
    ids = [commit(registry, *fields) for fields in (["a"], ["a", "b"], ["b", "a"])]
    found = messages(b'{"a": ""}', b'{"a": "", "b": ""}')
    await check.check(settings(), found)

    taken = [message.attributes["googclient_schemarevisionid"] for message in found.values()]
    assert taken == [ids[0], ids[2]]


async def test_revisions_outside_the_range_do_not_count(registry, check):
    first, second = commit(registry, "a"), commit(registry, "a", "b")

    await check.check(settings(first_revision_id=second), messages(b'{"a": "", "b": ""}'))
    await check.check(settings(last_revision_id=first), messages(b'{"a": ""}'))
    with pytest.raises(InvalidArgument):
        await check.check(settings(first_revision_id=second), messages(b'{"a": ""}'))
    with pytest.raises(InvalidArgument):
        await check.check(settings(last_revision_id=first), messages(b'{"a": "", "b": ""}'))


async def test_a_range_of_deleted_revisions_takes_nothing(registry, check):
    first = commit(registry, "a")
    commit(registry, "a")
    registry.delete_revision(NAME, first)

    with pytest.raises(InvalidArgument, match="no revision left"):
        await check.check(settings(last_revision_id=first), messages(b'{"a": ""}'))


async def test_a_deleted_schema_is_not_found(check):
    with pytest.raises(NotFound, match="was deleted"):
        await check.check(settings(schema="_deleted-schema_"), messages(b'{"a": ""}'))


def test_settings_name_a_schema_and_revisions_that_exist(registry, check):
    first, second = commit(registry, "a"), commit(registry, "a")

    check.check_settings(settings(first_revision_id=first, last_revision_id=second))
    for wrong in (
        settings(schema="projects/p/schemas/other"),
        settings(first_revision_id="00000000"),
        settings(last_revision_id="00000000"),
    ):
        with pytest.raises(NotFound):
            check.check_settings(wrong)


@pytest.mark.parametrize(
    "wrong", [{"encoding": 0}, {"encoding": 3}, {"schema": ""}, {"schema": "letters"}]
)
def test_settings_have_a_schema_and_an_encoding(registry, check, wrong):
    commit(registry, "a")

    with pytest.raises(InvalidArgument):
        check.check_settings(settings(**wrong))


class Watching:
    """A definition that says in which thread it checks."""

    threads: list[threading.Thread]

    def __init__(self):
        self.threads = []

    def check(self, data, encoding):
        self.threads.append(threading.current_thread())


async def test_much_data_is_checked_beside_the_event_loop(registry):
    watching = Watching()
    commit(registry, "a")
    check = SchemaCheck(registry, Definitions(lambda source: watching))
    await check.check(settings(), messages(b"x"))
    await check.check(settings(), messages(b"x" * (publishing.INLINE_BYTES + 1)))

    little, much = watching.threads
    assert little is threading.current_thread()
    assert much is not little


def schema(**fields):
    return protos.Schema(**fields)


COMPILED = protos.CompiledProtoSchema(root_message="A", compiled_bytes=b"\x0a\x00")


@pytest.mark.parametrize(
    "wrong",
    [
        schema(definition=record("a")),
        schema(type_=7, definition=record("a")),
        schema(type_=2),
        schema(type_=2, definition=" " * (300 * 1024 + 1)),
        schema(type_=2, compiled_proto_schema=COMPILED),
        schema(type_=1, definition="x", compiled_proto_schema=COMPILED),
        schema(type_=1, compiled_proto_schema=protos.CompiledProtoSchema(compiled_bytes=b"\x0a")),
    ],
    ids=["no type", "type", "empty", "large", "Avro compiled", "both", "no root"],
)
async def test_a_schema_that_cannot_be_parsed_is_refused_before_it_is_tried(wrong):
    with pytest.raises(InvalidArgument, match=r"definition|type"):
        await Definitions().of(wrong)


async def test_a_definition_of_300_kb_is_parsed():
    text = record("a")
    await Definitions().of(schema(type_=2, definition=text + " " * (300 * 1024 - len(text))))


async def test_a_definition_is_parsed_once_and_the_last_used_are_kept():
    parsed = []
    definitions = Definitions(lambda source: parsed.append(source.text) or source, most=2)
    for text in "aabacab":
        await definitions.of(schema(type_=2, definition=text))

    assert parsed == ["a", "b", "c", "b"]


async def test_without_fastavro_the_error_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastavro.schema", None)

    with pytest.raises(FailedPrecondition, match="pip install fastavro"):
        await Definitions().of(schema(type_=2, definition=record("a")))
