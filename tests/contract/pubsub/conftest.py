"""The same client on both emulators: every test here runs on ours and on Google's, where it is.

A module with `pytestmark = by_both_transports` runs by gRPC and by REST.
"""

import itertools
import time
import warnings
from types import SimpleNamespace

import google.pubsub_v1
import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import (
    PublisherGrpcTransport,
    PublisherRestTransport,
)
from google.pubsub_v1.services.subscriber.transports import (
    SubscriberGrpcTransport,
    SubscriberRestTransport,
)

from tests.contract.pubsub.processes import googles, googles_is_there, ours

numbers = itertools.count(1)
by_both_transports = pytest.mark.parametrize("transport", ["grpc", "rest"], scope="session")


@pytest.fixture(scope="session", params=["ours", "googles"])
def emulator(request, tmp_path_factory):
    """A running emulator with its kind."""
    folder = tmp_path_factory.mktemp("pubsub")
    if request.param == "googles" and (reason := googles_is_there()):
        pytest.skip(f"Google's emulator: {reason}")
    with ours(folder) if request.param == "ours" else googles(folder) as running:
        running.kind = request.param
        yield running


@pytest.fixture
def only_ours(emulator):
    """For what Google's emulator does otherwise than the documentation; the test says what."""
    assert emulator.kind == "ours"


@pytest.fixture
def only_by_grpc(transport):
    """For what the REST client cannot say; the test says what."""
    assert transport == "grpc"


def pytest_collection_modifyitems(config, items):
    """Leave out the runs that a test's `only_ours` and `only_by_grpc` exclude."""
    left_out = [item for item in items if is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def is_left_out(item):
    """Say whether `item` is a run that the fixtures of its test exclude."""
    values = item.callspec.params if hasattr(item, "callspec") else {}
    on_googles = "only_ours" in item.fixturenames and values.get("emulator") == "googles"
    by_rest = "only_by_grpc" in item.fixturenames and values.get("transport") == "rest"
    return on_googles or by_rest


def pytest_generate_tests(metafunc):
    """By gRPC, unless the module has `by_both_transports`.

    Always a parameter, never a fixture: so what a session keeps for one transport is never
    given to a test of the other, in whatever order the files run.
    """
    marks = metafunc.definition.iter_markers("parametrize")
    if "transport" in metafunc.fixturenames and all(m.args[0] != "transport" for m in marks):
        metafunc.parametrize("transport", ["grpc"], scope="session")


@pytest.fixture(scope="session")
def publisher(emulator, transport):
    """The official client's publisher."""
    return pubsub_v1.PublisherClient(transport=publisher_transport(emulator, transport))


@pytest.fixture(scope="session")
def subscriber(emulator, transport):
    """The official client's subscriber."""
    if transport == "rest":
        return pubsub_v1.SubscriberClient(transport=rest(SubscriberRestTransport, emulator))
    options = [("grpc.max_receive_message_length", -1)]
    channel = grpc.insecure_channel(emulator.grpc, options=options)
    return pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))


def publisher_transport(emulator, transport):
    """Return a transport for a publisher."""
    if transport == "rest":
        return rest(PublisherRestTransport, emulator)
    return PublisherGrpcTransport(channel=grpc.insecure_channel(emulator.grpc))


def rest(kind, emulator):
    """Return a REST transport that raises the exceptions which the gRPC one does."""
    transport = kind(host=emulator.rest, url_scheme="http", credentials=AnonymousCredentials())
    transport._session.hooks["response"].append(raise_by_status)
    return transport


def raise_by_status(response, **_):
    """Raise what the status in the body names; the client goes by the HTTP code alone."""
    if response.status_code >= 400:
        error = response.json()["error"]
        code = grpc.StatusCode[error["status"]]
        raise exceptions.from_grpc_status(code, error.get("message", ""))


@pytest.fixture
def names():
    """Names that no other test uses."""
    project = f"projects/contract-{next(numbers)}"
    return SimpleNamespace(
        project=project,
        topic=f"{project}/topics/letters",
        dead=f"{project}/topics/dead-letters",
        subscription=f"{project}/subscriptions/readers",
        other=f"{project}/subscriptions/others",
    )


@pytest.fixture
def topic(publisher, names):
    """A topic's name."""
    return publisher.create_topic(name=names.topic).name


@pytest.fixture
def subscription(subscriber, topic, names):
    """The name of a pull subscription to `topic`."""
    return subscriber.create_subscription(name=names.subscription, topic=topic).name


@pytest.fixture
def pull(subscriber):
    """Pull until `count` messages are there; several answers may be needed."""

    def pull(subscription, count=1):
        found = []
        for _ in range(20):
            if len(found) >= count:
                break
            answer = subscriber.pull(
                subscription=subscription, max_messages=count - len(found), timeout=5
            )
            found += answer.received_messages
            if not answer.received_messages:
                time.sleep(0.1)  # Google's answers at once when it has nothing yet
        return found

    return pull


@pytest.fixture
def is_empty(subscriber):
    """Say whether a subscription has nothing to give at the moment."""

    def is_empty(subscription):
        with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
            answer = subscriber.pull(
                request={
                    "subscription": subscription,
                    "max_messages": 1,
                    "return_immediately": True,
                }
            )
        return not answer.received_messages

    return is_empty


@pytest.fixture(scope="session")
def send(emulator, transport):
    """Send one Publish request as it is; return the ids. (The hand-written client batches.)"""
    generated = google.pubsub_v1.PublisherClient(transport=publisher_transport(emulator, transport))

    def send(topic, messages):
        answer = generated.publish(topic=topic, messages=messages, retry=None, timeout=10)
        return list(answer.message_ids)

    return send


@pytest.fixture
def publish(send, topic):
    """Publish messages with these bodies in one request; return their ids."""

    def publish(*bodies, topic=topic, **fields):
        return send(topic, [{"data": body, **fields} for body in bodies])

    return publish
