"""What Publish accepts, at each limit and one beyond it; and what lenient limits let pass."""

import pytest

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import DOCUMENTED, LENIENT
from emulators.pubsub.messages import check_publish
from emulators.pubsub.protos import PublishRequest

TOPIC = "projects/p/topics/letters"

AT_THE_LIMIT = {
    "one message": [{"data": b"x"}],
    "1000 messages": [{"data": b"x"}] * 1000,
    "attributes alone": [{"attributes": {"a": ""}}],
    "data of 10 MB": [{"data": bytes(10_000_000)}],
    "data of 10 MB together": [{"data": bytes(5_000_000)}] * 2,
    "100 attributes": [{"attributes": {str(number): "" for number in range(100)}}],
    "key of 256": [{"attributes": {"k" * 256: ""}}],
    "key of 256 bytes": [{"attributes": {"é" * 128: ""}}],
    "value of 1024": [{"attributes": {"k": "v" * 1024}}],
    "key with goog inside": [{"attributes": {"my-goog": ""}}],
    "ordering key of 1024": [{"data": b"x", "ordering_key": "k" * 1024}],
    "one ordering key": [{"data": b"x", "ordering_key": "k"}] * 2,
    "id and time set by the caller": [{"data": b"x", "message_id": "7", "publish_time": {}}],
}
OVER_A_DOCUMENTED_LIMIT = {
    "data over 10 MB": [{"data": bytes(10_000_001)}],
    "data over 10 MB together": [{"data": bytes(5_000_001)}, {"data": bytes(5_000_000)}],
    "request over 10 MiB": [{"attributes": {f"{n}": "v" * 1024 for n in range(100)}}] * 103,
    "101 attributes": [{"attributes": {str(number): "" for number in range(101)}}],
    "key of 257": [{"attributes": {"k" * 257: ""}}],
    "key of 258 bytes": [{"attributes": {"é" * 129: ""}}],
    "empty key": [{"attributes": {"": "v"}}],
    "key that starts with goog": [{"attributes": {"google": ""}}],
    "value of 1025": [{"attributes": {"k": "v" * 1025}}],
    "value of 1026 bytes": [{"attributes": {"k": "é" * 513}}],
    "ordering key of 1025": [{"data": b"x", "ordering_key": "k" * 1025}],
    "two ordering keys": [{"data": b"x", "ordering_key": key} for key in "ab"],
    "an ordering key and none": [{"data": b"x", "ordering_key": key} for key in ("a", "")],
}
BAD_ANYWHERE = {
    "none": [],
    "1001 messages": [{"data": b"x"}] * 1001,
    "empty": [{}],
    "ordering key alone": [{"ordering_key": "k"}],
}


def check(messages, limits):
    check_publish(PublishRequest(topic=TOPIC, messages=messages), limits)


@pytest.mark.parametrize("limits", [DOCUMENTED, LENIENT], ids=["documented", "lenient"])
@pytest.mark.parametrize("messages", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_what_is_within_the_limits_is_accepted(messages, limits):
    check(messages, limits)


@pytest.mark.parametrize("messages", OVER_A_DOCUMENTED_LIMIT.values(), ids=OVER_A_DOCUMENTED_LIMIT)
def test_what_is_over_a_documented_limit_is_refused(messages):
    with pytest.raises(InvalidArgument):
        check(messages, DOCUMENTED)


@pytest.mark.parametrize("messages", OVER_A_DOCUMENTED_LIMIT.values(), ids=OVER_A_DOCUMENTED_LIMIT)
def test_lenient_limits_accept_what_googles_emulator_does(messages):
    check(messages, LENIENT)


@pytest.mark.parametrize("limits", [DOCUMENTED, LENIENT], ids=["documented", "lenient"])
@pytest.mark.parametrize("messages", BAD_ANYWHERE.values(), ids=BAD_ANYWHERE)
def test_what_googles_emulator_refuses_lenient_limits_refuse(messages, limits):
    with pytest.raises(InvalidArgument):
        check(messages, limits)


def test_the_error_names_the_message_and_the_limit():
    with pytest.raises(InvalidArgument, match="message 1: ordering_key is longer than 1024 bytes"):
        check([{"data": b"x"}, {"data": b"x", "ordering_key": "k" * 1025}], DOCUMENTED)
