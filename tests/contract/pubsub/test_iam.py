"""Access policies through the official client. Google's emulator has none (UNIMPLEMENTED)."""

import google.pubsub_v1
import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcTransport

from tests.contract.pubsub.conftest import by_both_transports

pytestmark = [by_both_transports, pytest.mark.usefixtures("only_ours")]

MEMBER = "user:reader@example.com"
LETTER = '{"type": "record", "name": "Letter", "fields": [{"name": "text", "type": "string"}]}'


@pytest.fixture
def snapshot(subscriber, subscription, names):
    """A snapshot's name."""
    name = f"{names.project}/snapshots/before"
    return subscriber.create_snapshot(name=name, subscription=subscription).name


@pytest.fixture
def schemas(emulator):
    """The official client of schemas."""
    transport = SchemaServiceGrpcTransport(channel=grpc.insecure_channel(emulator.grpc))
    return google.pubsub_v1.SchemaServiceClient(transport=transport)


@pytest.fixture
def schema(schemas, names):
    """A schema's name."""
    letter = {"type_": google.pubsub_v1.Schema.Type.AVRO, "definition": LETTER}
    return schemas.create_schema(parent=names.project, schema=letter, schema_id="letter").name


@pytest.fixture(params=["topic", "subscription", "snapshot", "schema"])
def resource(request):
    """The name of a resource that can have a policy."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def role():
    """A role that suits all of them."""
    return "roles/pubsub.viewer"


@pytest.fixture
def set_policy(publisher):
    """Set a policy with one binding; return what is kept."""

    def set_policy(resource, role, *members, etag=b""):
        policy = {"bindings": [{"role": role, "members": members}], "etag": etag}
        return publisher.set_iam_policy(request={"resource": resource, "policy": policy})

    return set_policy


def read(publisher, resource):
    return publisher.get_iam_policy(request={"resource": resource})


def test_a_new_resource_has_an_empty_policy_with_an_etag(publisher, resource):
    policy = read(publisher, resource)

    assert policy.etag
    assert not policy.bindings


def test_a_policy_is_read_changed_and_set(publisher, resource, role, set_policy):
    etag = read(publisher, resource).etag
    kept = set_policy(resource, role, MEMBER, etag=etag)

    assert kept == read(publisher, resource)
    assert kept.etag != etag
    assert [(one.role, list(one.members)) for one in kept.bindings] == [(role, [MEMBER])]


def test_a_policy_that_changed_meanwhile_is_aborted(publisher, resource, role, set_policy):
    etag = read(publisher, resource).etag
    set_policy(resource, role, MEMBER)

    with pytest.raises(exceptions.Aborted):
        set_policy(resource, role, "allUsers", etag=etag)


@pytest.mark.parametrize(
    ("bad_role", "member"),
    [("publisher", MEMBER), ("roles/pubsub.publisher", "reader@example.com")],
)
def test_a_malformed_binding_is_refused(resource, set_policy, bad_role, member):
    with pytest.raises(exceptions.InvalidArgument):
        set_policy(resource, bad_role, member)


def test_a_resource_that_does_not_exist_is_not_found(publisher, names, set_policy):
    for name in (names.topic, names.subscription, f"{names.project}/snapshots/none"):
        with pytest.raises(exceptions.NotFound):
            read(publisher, name)
        with pytest.raises(exceptions.NotFound):
            set_policy(name, "roles/pubsub.publisher", MEMBER)


def test_permissions_are_those_of_the_kind_of_resource(publisher, topic):
    asked = ["pubsub.topics.publish", "pubsub.topics.update", "pubsub.subscriptions.consume"]
    request = {"resource": topic, "permissions": asked}

    held = publisher.test_iam_permissions(request=request).permissions

    assert list(held) == asked[:2]


def test_on_a_missing_resource_there_are_no_permissions(publisher, names):
    request = {"resource": names.topic, "permissions": ["pubsub.topics.publish"]}

    assert not publisher.test_iam_permissions(request=request).permissions


def test_a_policy_goes_with_its_topic(publisher, topic, role, set_policy):
    set_policy(topic, role, MEMBER)
    publisher.delete_topic(topic=topic)
    publisher.create_topic(name=topic)

    assert not read(publisher, topic).bindings


def test_a_policy_goes_with_its_subscription(
    publisher, subscriber, topic, subscription, role, set_policy
):
    set_policy(subscription, role, MEMBER)
    subscriber.delete_subscription(subscription=subscription)
    subscriber.create_subscription(name=subscription, topic=topic)

    assert not read(publisher, subscription).bindings


def test_a_policy_goes_with_its_snapshot(
    publisher, subscriber, subscription, snapshot, role, set_policy
):
    set_policy(snapshot, role, MEMBER)
    subscriber.delete_snapshot(snapshot=snapshot)
    subscriber.create_snapshot(name=snapshot, subscription=subscription)

    assert not read(publisher, snapshot).bindings


def test_a_policy_goes_with_its_schema(publisher, schemas, schema, names, role, set_policy):
    set_policy(schema, role, MEMBER)
    schemas.delete_schema(name=schema)
    letter = {"type_": google.pubsub_v1.Schema.Type.AVRO, "definition": LETTER}
    schemas.create_schema(parent=names.project, schema=letter, schema_id="letter")

    assert not read(publisher, schema).bindings


def test_the_subscriber_client_has_the_same_policies(subscriber, subscription, set_policy):
    set_policy(subscription, "roles/pubsub.subscriber", MEMBER)

    policy = subscriber.get_iam_policy(request={"resource": subscription})

    assert list(policy.bindings[0].members) == [MEMBER]
