"""The SchemaService through the official clients, and topics that have a schema."""

import json

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import SchemaServiceAsyncClient, SchemaServiceClient
from google.pubsub_v1.services.schema_service.transports import (
    SchemaServiceGrpcAsyncIOTransport,
    SchemaServiceGrpcTransport,
    SchemaServiceRestTransport,
)
from google.pubsub_v1.types import Encoding, Schema, SchemaView

from tests.contract.pubsub.conftest import by_both_transports, rest

pytestmark = by_both_transports

AVRO, PROTO = Schema.Type.AVRO, Schema.Type.PROTOCOL_BUFFER
JSON, BINARY = Encoding.JSON, Encoding.BINARY


def record(*fields):
    inner = [{"name": name, "type": "string", "default": ""} for name in fields]
    return json.dumps({"type": "record", "name": "State", "fields": inner})


STATE = record("name")
STATE_PROTO = 'syntax = "proto3"; message State { string name = 1; }'


@pytest.fixture(scope="session")
def client(emulator, transport):
    """The official client of the service."""
    if transport == "rest":
        return SchemaServiceClient(transport=rest(SchemaServiceRestTransport, emulator))
    channel = grpc.insecure_channel(emulator.grpc)
    return SchemaServiceClient(transport=SchemaServiceGrpcTransport(channel=channel))


@pytest.fixture
def name(names):
    """The name of a schema that no other test uses."""
    return f"{names.project}/schemas/states"


@pytest.fixture
def create(client, name):
    """Create a schema."""

    def create(definition=STATE, kind=AVRO, name=name):
        parent, _, schema_id = name.partition("/schemas/")
        schema = {"type_": kind, "definition": definition}
        return client.create_schema(
            request={"parent": parent, "schema_id": schema_id, "schema": schema}
        )

    return create


@pytest.fixture
def commit(client, name):
    """Commit a revision."""

    def commit(definition, kind=AVRO):
        schema = {"name": name, "type_": kind, "definition": definition}
        return client.commit_schema(request={"name": name, "schema": schema})

    return commit


@pytest.fixture
def schema_topic(publisher, names):
    """Create a topic with schema settings."""

    def schema_topic(schema, encoding=JSON, **range_):
        settings = {"schema": schema, "encoding": encoding, **range_}
        return publisher.create_topic(request={"name": names.topic, "schema_settings": settings})

    return schema_topic


def revision_ids(revisions):
    return [revision.revision_id for revision in revisions]


def test_a_schema_is_created_and_found(client, create, name):
    created = create()

    assert (created.name, created.type_, created.definition) == (name, AVRO, STATE)
    assert len(bytes.fromhex(created.revision_id)) == 4
    assert client.get_schema(name=name) == created


def test_a_revision_tells_when_it_was_created(only_ours, create):
    """Google's says 1970."""
    assert create().revision_create_time.year > 2020


async def test_the_asynchronous_client_does_the_same(only_by_grpc, emulator, names):
    """REST has no asynchronous client."""
    channel = grpc.aio.insecure_channel(emulator.grpc)
    client = SchemaServiceAsyncClient(transport=SchemaServiceGrpcAsyncIOTransport(channel=channel))
    schema = {"type_": AVRO, "definition": STATE}
    request = {"parent": names.project, "schema_id": "states", "schema": schema}
    created = await client.create_schema(request=request)

    assert await client.get_schema(name=created.name) == created
    assert [one.name async for one in await client.list_schemas(parent=names.project)] == [
        created.name
    ]
    await client.delete_schema(name=created.name)
    with pytest.raises(exceptions.NotFound):
        await client.get_schema(name=created.name)
    await channel.close()


def test_a_name_that_is_taken_is_refused(create):
    create()

    with pytest.raises(exceptions.AlreadyExists):
        create()


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ("", AVRO),
        ("{}", AVRO),
        ("nonsense", AVRO),
        (STATE, Schema.Type.TYPE_UNSPECIFIED),
        ('{"type": "record", "name": "R", "fields": [{"name": "x", "type": "Y"}]}', AVRO),
    ],
)
def test_what_is_no_definition_is_refused_and_not_validated(
    client, create, names, definition, kind
):
    with pytest.raises(exceptions.InvalidArgument):
        create(definition, kind)
    schema = {"type_": kind, "definition": definition}
    with pytest.raises(exceptions.InvalidArgument):
        client.validate_schema(request={"parent": names.project, "schema": schema})


@pytest.mark.parametrize("schema_id", ["", "1st", "ab", "google-states", "no/slash", "a@b", "ü12"])
def test_an_id_that_is_none_is_refused(client, names, schema_id):
    with pytest.raises(exceptions.InvalidArgument):
        client.create_schema(
            request={
                "parent": names.project,
                "schema_id": schema_id,
                "schema": {"type_": AVRO, "definition": STATE},
            }
        )


def test_a_definition_that_is_fine_validates(client, names):
    client.validate_schema(
        request={"parent": names.project, "schema": {"type_": AVRO, "definition": STATE}}
    )


def test_what_is_missing_is_not_found(client, create, commit, name):
    for call in (
        lambda: client.get_schema(name=name),
        lambda: client.delete_schema(name=name),
        lambda: client.list_schema_revisions(name=name),
        lambda: commit(STATE),
        lambda: client.rollback_schema(request={"name": name, "revision_id": "00000000"}),
        lambda: client.delete_schema_revision(request={"name": f"{name}@00000000"}),
    ):
        with pytest.raises(exceptions.NotFound):
            call()


def test_the_basic_view_leaves_the_definition_out(only_by_grpc, client, create, name):
    """Google's does not answer it by REST; the next test asks ours."""
    created = create()
    basic = client.get_schema(request={"name": name, "view": SchemaView.BASIC})
    full = client.get_schema(request={"name": name, "view": SchemaView.FULL})

    assert (basic.name, basic.type_, basic.definition) == (name, AVRO, "")
    assert basic.revision_id == created.revision_id
    assert full == created


def test_lists_are_basic_unless_the_caller_wants_more(only_ours, client, create, names):
    """Google's gives the definition in any case."""
    create()

    for view, definition in ((None, ""), (SchemaView.BASIC, ""), (SchemaView.FULL, STATE)):
        request = {"parent": names.project, "view": view}
        assert [one.definition for one in client.list_schemas(request=request)] == [definition]
        revisions = client.list_schema_revisions(
            request={"name": f"{names.project}/schemas/states", "view": view}
        )
        assert [one.definition for one in revisions] == [definition]
        one = client.get_schema(request={"name": revisions.schemas[0].name, "view": view})
        assert one.definition == (definition if view else STATE)


def test_schemas_are_listed_by_the_page(client, create, names):
    wanted = [create(name=f"{names.project}/schemas/state-{letter}").name for letter in "abc"]
    request = {"parent": names.project, "page_size": 2}
    pages = [[one.name for one in page.schemas] for page in client.list_schemas(request).pages]

    assert pages == [wanted[:2], wanted[2:]]


def test_revisions_are_listed_by_the_page_oldest_first(client, create, commit, name):
    wanted = revision_ids([create(), commit(record("name", "b")), commit(record("name", "c"))])
    request = {"name": name, "page_size": 2}
    pages = [revision_ids(page.schemas) for page in client.list_schema_revisions(request).pages]

    assert pages == [wanted[:2], wanted[2:]]


def test_a_page_token_of_nobody_is_refused(only_ours, client, create, names, name):
    """Google's takes it for none."""
    create()

    with pytest.raises(exceptions.InvalidArgument):
        client.list_schemas(request={"parent": names.project, "page_token": "nonsense"})
    with pytest.raises(exceptions.InvalidArgument):
        client.list_schema_revisions(request={"name": name, "page_token": "nonsense"})


def test_a_commit_is_the_newest_revision_and_the_old_one_stays(client, create, commit, name):
    first = create()
    second = commit(record("name", "b"))

    assert second.revision_id != first.revision_id
    assert client.get_schema(name=name) == second
    assert client.get_schema(name=f"{name}@{first.revision_id}") == first


def test_an_incompatible_revision_is_refused(only_ours, client, create, commit, name):
    """Google's takes it."""
    first = create()
    second = commit(record("name", "b"))
    changed = STATE.replace('"string"', '"int"').replace('""', "0")

    wanted = f"incompatible with previous revision: {first.revision_id}.* 'name' of State"
    with pytest.raises(exceptions.InvalidArgument, match=wanted):
        commit(changed)
    with pytest.raises(exceptions.InvalidArgument, match=second.revision_id):
        commit(record("name").replace("[", '[{"name": "b", "type": "int", "default": 0}, '))
    assert len(list(client.list_schema_revisions(name=name))) == 2


def test_a_revision_has_the_type_of_the_schema(only_ours, create, commit):
    """Google's knows one type."""
    create()

    with pytest.raises(exceptions.InvalidArgument, match="cannot change its type"):
        commit(STATE_PROTO, PROTO)


def test_there_are_20_revisions_at_most(only_ours, client, create, commit, name):
    """Google's keeps any number."""
    first = create()
    for _ in range(19):
        commit(STATE)

    with pytest.raises(exceptions.ResourceExhausted, match="delete one first"):
        commit(STATE)
    with pytest.raises(exceptions.ResourceExhausted):
        client.rollback_schema(request={"name": name, "revision_id": first.revision_id})


def test_a_rollback_makes_a_new_revision_of_an_old_one(client, create, commit, name):
    first = create()
    commit(record("name", "b"))
    rolled = client.rollback_schema(request={"name": name, "revision_id": first.revision_id})

    assert rolled.definition == first.definition
    assert rolled.revision_id != first.revision_id
    assert client.get_schema(name=name) == rolled
    with pytest.raises(exceptions.NotFound):
        client.rollback_schema(request={"name": name, "revision_id": "00000000"})
    with pytest.raises(exceptions.InvalidArgument):
        client.rollback_schema(request={"name": name})


def test_a_revision_is_deleted_but_not_the_last(client, create, commit, name):
    first, second, third = create(), commit(record("name", "b")), commit(STATE)
    request = {"name": f"{name}@{first.revision_id}"}

    assert client.delete_schema_revision(request=request).revision_id == first.revision_id
    assert revision_ids(client.list_schema_revisions(name=name)) == revision_ids([second, third])
    with pytest.raises(exceptions.NotFound):
        client.delete_schema_revision(request=request)
    client.delete_schema_revision(request={"name": f"{name}@{third.revision_id}"})
    with pytest.raises(exceptions.InvalidArgument):
        client.delete_schema_revision(request={"name": f"{name}@{second.revision_id}"})


def test_the_deprecated_way_to_name_a_revision_works(only_ours, client, create, commit, name):
    """Google's looks at the name only."""
    first, _ = create(), commit(record("name", "b"))
    request = {"name": name, "revision_id": first.revision_id}

    assert client.delete_schema_revision(request=request).revision_id == first.revision_id
    with pytest.raises(exceptions.InvalidArgument):
        client.delete_schema_revision(request={"name": name})


@pytest.mark.parametrize(
    ("message", "encoding", "conforms"),
    [
        (b'{"name": "Utah"}', JSON, True),
        (b'{"name": 1}', JSON, False),
        (b"{}", JSON, False),
        (b"", JSON, False),
        (b"\x02x", BINARY, True),
        (b"\x02", BINARY, False),
    ],
)
def test_messages_are_validated(client, create, name, names, message, encoding, conforms):
    create()
    schemas = ({"name": name}, {"schema": {"type_": AVRO, "definition": STATE}})
    for schema in schemas:
        request = {"parent": names.project, "message": message, "encoding": encoding, **schema}
        if conforms:
            client.validate_message(request=request)
        else:
            with pytest.raises(exceptions.InvalidArgument):
                client.validate_message(request=request)


def test_data_behind_a_message_or_fields_of_no_name_do_not_validate(only_ours, client, names):
    """Google's reads no further than it needs."""
    schema = {"type_": AVRO, "definition": STATE}
    for message, encoding in (
        (b'{"name": ""} {}', JSON),
        (b'{"name": "", "b": ""}', JSON),
        (b"\x02xy", BINARY),
    ):
        request = {"parent": names.project, "schema": schema}
        with pytest.raises(exceptions.InvalidArgument):
            client.validate_message(request={**request, "message": message, "encoding": encoding})


@pytest.mark.parametrize("what", [{"encoding": JSON, "name": ""}, {"encoding": 0}])
def test_a_message_is_validated_by_a_schema_and_an_encoding(client, create, name, names, what):
    create()
    with pytest.raises(exceptions.InvalidArgument):
        client.validate_message(
            request={"parent": names.project, "name": name, "message": b'{"name": ""}', **what}
        )


def test_a_topic_takes_what_conforms_and_marks_it(
    create, schema_topic, subscription_to, send, pull, name
):
    schema = create()
    topic = schema_topic(name)
    subscription = subscription_to(topic.name)
    send(topic.name, [{"data": b'{"name": "Utah"}', "attributes": {"mine": "kept"}}])
    (received,) = pull(subscription)

    assert (topic.schema_settings.schema, topic.schema_settings.encoding) == (name, JSON)
    assert received.message.data == b'{"name": "Utah"}'
    assert dict(received.message.attributes) == {
        "mine": "kept",
        "googclient_schemaname": name,
        "googclient_schemarevisionid": schema.revision_id,
        "googclient_schemaencoding": "JSON",
    }


@pytest.fixture
def subscription_to(subscriber, names):
    """Create a pull subscription to a topic."""

    def subscription_to(topic):
        return subscriber.create_subscription(name=names.subscription, topic=topic).name

    return subscription_to


def test_one_message_that_does_not_conform_keeps_all_out(
    create, schema_topic, subscription_to, send, is_empty, name
):
    create()
    topic = schema_topic(name).name
    subscription = subscription_to(topic)

    for bad in ({"data": b"{}"}, {"attributes": {"a": "b"}}):
        with pytest.raises(exceptions.InvalidArgument):
            send(topic, [{"data": b'{"name": "Utah"}'}, bad])
    assert is_empty(subscription)


def test_the_batching_publisher_learns_of_it_too(publisher, create, schema_topic, name):
    create()
    topic = schema_topic(name).name

    assert publisher.publish(topic, b'{"name": "Utah"}').result(10)
    with pytest.raises(exceptions.InvalidArgument):
        publisher.publish(topic, b"{}").result(10)


def test_the_text_names_the_message_and_why(only_ours, create, schema_topic, send, name):
    """Google's says "Could not parse message"."""
    create()
    topic = schema_topic(name).name

    with pytest.raises(exceptions.InvalidArgument, match=r"message 1: .*name: 3 is not string"):
        send(topic, [{"data": b'{"name": "Utah"}'}, {"data": b'{"name": 3}'}])


def test_the_range_of_revisions_decides(create, commit, schema_topic, send, name):
    first, second = create(), commit(record("name", "b"))
    topic = schema_topic(name, first_revision_id=second.revision_id).name

    send(topic, [{"data": b'{"name": "", "b": ""}'}])
    with pytest.raises(exceptions.InvalidArgument):
        send(topic, [{"data": b'{"name": ""}'}])
    assert first.revision_id != second.revision_id


@pytest.mark.parametrize(
    "settings",
    [
        {"schema": "projects/contract/schemas/other", "encoding": JSON},
        {"encoding": JSON, "first_revision_id": "00000000"},
        {"encoding": JSON, "last_revision_id": "00000000"},
    ],
)
def test_a_topics_schema_and_revisions_must_exist(create, schema_topic, name, settings):
    create()

    with pytest.raises(exceptions.NotFound):
        schema_topic(**{"schema": name, **settings})


@pytest.mark.parametrize("settings", [{"encoding": 0}, {"schema": "", "encoding": JSON}])
def test_a_topics_schema_settings_are_complete(create, schema_topic, name, settings):
    create()

    with pytest.raises(exceptions.InvalidArgument):
        schema_topic(**{"schema": name, **settings})


def test_a_topics_schema_settings_are_changed_and_taken_away(
    publisher, create, schema_topic, send, name
):
    create()
    topic = schema_topic(name).name

    def update(**fields):
        return publisher.update_topic(
            request={
                "topic": {"name": topic, **fields},
                "update_mask": {"paths": ["schema_settings"]},
            }
        )

    update(schema_settings={"schema": name, "encoding": BINARY})
    send(topic, [{"data": b"\x02x"}])
    with pytest.raises(exceptions.InvalidArgument):
        send(topic, [{"data": b'{"name": ""}'}])
    assert not update().schema_settings
    send(topic, [{"data": b"anything"}])


def test_a_deleted_schema_is_shown_as_deleted_and_takes_nothing(
    client, publisher, create, schema_topic, send, name
):
    create()
    topic = schema_topic(name).name
    client.delete_schema(name=name)

    assert publisher.get_topic(topic=topic).schema_settings.schema == "_deleted-schema_"
    with pytest.raises(exceptions.NotFound):
        send(topic, [{"data": b'{"name": ""}'}])
    create()
    assert publisher.get_topic(topic=topic).schema_settings.schema == "_deleted-schema_"


def test_a_topic_with_a_deleted_schema_may_still_be_changed(
    only_ours, client, publisher, create, schema_topic, name
):
    """Google's knows no change of labels."""
    create()
    topic = schema_topic(name).name
    client.delete_schema(name=name)
    changed = publisher.update_topic(
        request={
            "topic": {"name": topic, "labels": {"a": "b"}},
            "update_mask": {"paths": ["labels"]},
        }
    )

    assert dict(changed.labels) == {"a": "b"}


class TestProtocolBuffers:
    """Google's does not have them."""

    @pytest.fixture(autouse=True)
    def ours(self, only_ours):
        pytest.importorskip("grpc_tools", reason="Protocol Buffer schemas need grpcio-tools")

    @pytest.mark.parametrize(
        ("encoding", "good", "bad"),
        [
            (JSON, b'{"name": "Utah"}', b'{"nme": "Utah"}'),
            (BINARY, b"\x0a\x04Utah", b"\x12\x04Utah"),
        ],
    )
    def test_a_topic_takes_what_conforms(
        self, create, schema_topic, subscription_to, send, pull, name, encoding, good, bad
    ):
        create(STATE_PROTO, PROTO)
        topic = schema_topic(name, encoding).name
        subscription = subscription_to(topic)
        send(topic, [{"data": good}])
        with pytest.raises(exceptions.InvalidArgument, match="failed schema validation"):
            send(topic, [{"data": bad}])
        (received,) = pull(subscription)

        assert received.message.data == good
        assert received.message.attributes["googclient_schemaencoding"] == encoding.name

    @pytest.mark.parametrize(
        "definition",
        [
            "nonsense",
            STATE_PROTO + " message Other {}",
            'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message A {}',
        ],
    )
    def test_a_definition_that_is_none_is_refused(self, create, definition):
        with pytest.raises(exceptions.InvalidArgument, match=r"Protocol Buffer|top-level"):
            create(definition, PROTO)

    def test_only_optional_fields_come_and_go(self, create, commit):
        create(STATE_PROTO, PROTO)
        commit(STATE_PROTO.replace("}", "string motto = 2; }"), PROTO)

        wanted = "State.motto of type int64 is not compatible with State.motto of type string"
        with pytest.raises(exceptions.InvalidArgument, match=wanted):
            commit(STATE_PROTO.replace("}", "int64 motto = 2; }"), PROTO)

    def test_a_removed_field_is_still_known_to_the_revisions_before(
        self, create, commit, schema_topic, send, name
    ):
        create(STATE_PROTO.replace("}", "string motto = 2; }"), PROTO)
        commit(STATE_PROTO, PROTO)
        topic = schema_topic(name, BINARY).name

        assert send(topic, [{"data": b"\x12\x04Utah"}])
