"""Streams and the life of the process: what a stop and a restart mean to who listens."""

import queue

import google.pubsub_v1
import grpc
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators.pubsub import protos
from tests.contract.pubsub.processes import ours
from tests.contract.pubsub.streams import METHOD, RawStream
from tests.support.ports import free_port

TOPIC = "projects/integration/topics/letters"
SUBSCRIPTION = "projects/integration/subscriptions/readers"


def clients(channel):
    """Return a publisher and the official subscriber."""
    publisher = google.pubsub_v1.PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    transport = SubscriberGrpcTransport(channel=channel)
    return publisher, pubsub_v1.SubscriberClient(transport=transport)


def create(publisher, subscriber):
    publisher.create_topic(name=TOPIC)
    subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)


def test_a_stop_ends_streams_with_unavailable_and_is_quick(tmp_path):
    with ours(tmp_path) as emulator, grpc.insecure_channel(emulator.grpc) as channel:
        create(*clients(channel))
        streams = [
            RawStream(channel, subscription=SUBSCRIPTION, stream_ack_deadline_seconds=10)
            for _ in range(50)
        ]
        clients(channel)[0].publish(topic=TOPIC, messages=[{"data": b"x"}] * 50)
        for stream in streams:
            stream.until(lambda stream: stream.responses)

        status, seconds = emulator.terminate()

        assert {stream.end() for stream in streams} == {"UNAVAILABLE"}
        assert (status, seconds < 2) == (0, True)


def test_what_a_client_did_not_read_is_available_when_it_goes(tmp_path):
    with ours(tmp_path) as emulator, grpc.insecure_channel(emulator.grpc) as channel:
        publisher, subscriber = clients(channel)
        publisher.create_topic(name=TOPIC)
        subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC, ack_deadline_seconds=600)
        for _ in range(4):
            publisher.publish(topic=TOPIC, messages=[{"data": bytes(3_000_000)}])
        first = protos.StreamingPullRequest(
            subscription=SUBSCRIPTION, stream_ack_deadline_seconds=600
        )
        requests = queue.SimpleQueue()
        requests.put(first.SerializeToString())
        call = channel.stream_stream(METHOD)(iter(requests.get, None))
        next(call)

        call.cancel()
        requests.put(None)

        answers = [subscriber.pull(subscription=SUBSCRIPTION, max_messages=1) for _ in range(2)]
        assert all(answer.received_messages for answer in answers)


def test_a_subscriber_outlives_a_restart(tmp_path):
    """The stream ends with UNAVAILABLE, and the client opens another one on its own."""
    port, bodies = free_port(), queue.Queue()
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        publisher, subscriber = clients(channel)
        with ours(tmp_path, "--port", port) as emulator:
            create(publisher, subscriber)
            future = subscriber.subscribe(
                SUBSCRIPTION, callback=lambda one: (one.ack(), bodies.put(one.data))
            )
            publisher.publish(topic=TOPIC, messages=[{"data": b"before"}])
            assert bodies.get(timeout=20) == b"before"
            emulator.terminate()
        with ours(tmp_path, "--port", port):
            publisher.publish(topic=TOPIC, messages=[{"data": b"after"}], timeout=20)
            while (body := bodies.get(timeout=20)) != b"after":
                assert body == b"before"  # its ack may not have arrived
            future.cancel()
            future.result(timeout=20)
