"""What bad input is answered: ours as the service, and with `--lenient` as Google's emulator."""

import threading
from types import SimpleNamespace

import google.pubsub_v1
import grpc
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from tests.contract.pubsub.bad_input import (
    REFUSED_BY_ALL,
    REFUSED_BY_THE_SERVICE,
    SUBSCRIPTION,
    TOPIC,
)
from tests.contract.pubsub.processes import googles, googles_is_there, ours

ACCEPTED = "accepted"


class Client:
    """A generated client that never retries; `client.create_topic(name=…)` sends that request."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, method):
        call = getattr(self._client, method)
        return lambda **request: call(request=request, retry=None, timeout=10)

    def stream(self, *requests):
        """Open a StreamingPull with these requests; return its first response."""
        over = threading.Event()

        def say():
            yield from requests
            over.wait(10)  # who says that there is nothing more to come is not answered

        call = self._client.streaming_pull(say(), retry=None, timeout=10)
        try:
            return next(iter(call))
        finally:
            over.set()
            call.cancel()


@pytest.fixture(scope="module", params=["strict", "lenient", "googles"])
def server(request, tmp_path_factory):
    """A running emulator: whether it is strict, and a channel to it."""
    folder = tmp_path_factory.mktemp("pubsub")
    if request.param == "googles" and (reason := googles_is_there()):
        pytest.skip(f"Google's emulator: {reason}")
    start = {
        "strict": lambda: ours(folder),
        "lenient": lambda: ours(folder, "--lenient"),
        "googles": lambda: googles(folder),
    }[request.param]
    any_size = [("grpc.max_receive_message_length", -1)]
    with start() as running, grpc.insecure_channel(running.grpc, any_size) as channel:
        yield SimpleNamespace(channel=channel, strict=request.param == "strict")


@pytest.fixture(scope="module")
def clients(server):
    """The clients of the emulator, which has a topic and a subscription to it."""
    publisher = google.pubsub_v1.PublisherClient(
        transport=PublisherGrpcTransport(channel=server.channel)
    )
    subscriber = google.pubsub_v1.SubscriberClient(
        transport=SubscriberGrpcTransport(channel=server.channel)
    )
    schemas = google.pubsub_v1.SchemaServiceClient(
        transport=SchemaServiceGrpcTransport(channel=server.channel)
    )
    publisher.create_topic(name=TOPIC)
    subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
    return SimpleNamespace(
        publisher=Client(publisher), subscriber=Client(subscriber), schemas=Client(schemas)
    )


@pytest.mark.parametrize(("call", "code"), REFUSED_BY_ALL.values(), ids=REFUSED_BY_ALL)
def test_bad_input_gets_its_code(clients, call, code):
    assert code_of(call, clients) == code


@pytest.mark.parametrize(
    ("call", "code"), REFUSED_BY_THE_SERVICE.values(), ids=REFUSED_BY_THE_SERVICE
)
def test_what_googles_emulator_accepts_the_lenient_one_accepts(server, clients, call, code):
    assert code_of(call, clients) == (code if server.strict else ACCEPTED)


def code_of(call, clients):
    """Return the status that the call ends with, or that it was accepted."""
    try:
        call(clients)
    except GoogleAPICallError as error:
        return error.grpc_status_code.name
    return ACCEPTED
