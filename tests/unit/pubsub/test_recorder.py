"""What was published lately: all of it, within bounds."""

from emulators.pubsub import protos
from emulators.pubsub.control.recorder import Recorder
from emulators.pubsub.topic import LiveTopic

NOW = 1_700_000_000 * 10**9


def published(recorder, topic, *bodies):
    messages = [protos.PubsubMessage(data=body) for body in bodies]
    recorder.published(topic, topic.number(messages, NOW))


def data(messages):
    return [protos.PubsubMessage.FromString(message.body).data for message in messages]


def test_messages_are_told_by_topic_in_order():
    recorder = Recorder()
    first, second = (LiveTopic(number, protos.Topic(), 0) for number in (1, 2))

    published(recorder, first, b"a", b"b")
    published(recorder, second, b"c")
    published(recorder, first, b"d")

    assert data(recorder.of(first)) == [b"a", b"b", b"d"]
    assert data(recorder.of(second)) == [b"c"]


def test_the_oldest_are_forgotten_when_there_are_too_many():
    recorder = Recorder(max_bytes=1000)
    topic = LiveTopic(1, protos.Topic(), 0)

    for number in range(100):
        published(recorder, topic, b"%03d" % number * 30)

    kept = data(recorder.of(topic))
    assert 1 < len(kept) < 11
    assert kept[-1].startswith(b"099")


def test_one_message_is_kept_however_large():
    recorder = Recorder(max_bytes=10)
    topic = LiveTopic(1, protos.Topic(), 0)

    published(recorder, topic, b"x" * 100)

    assert len(recorder.of(topic)) == 1
