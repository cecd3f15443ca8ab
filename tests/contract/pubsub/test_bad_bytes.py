"""What no client library sends: the answer is INVALID_ARGUMENT all the same, never INTERNAL."""

import grpc
import pytest


@pytest.fixture
def call(emulator, only_ours):
    channel = grpc.insecure_channel(emulator.grpc)

    def call(method, payload):
        return channel.unary_unary(f"/google.pubsub.v1.{method}")(payload, timeout=5)

    yield call
    channel.close()


@pytest.mark.parametrize(
    ("method", "payload"),
    [
        ("Publisher/CreateTopic", b"\xff\xff\xff"),
        ("Publisher/CreateTopic", b"\x0a\x02\xff\xfe"),  # a name that is not UTF-8
        ("Publisher/Publish", b"\x12\xff\xff\xff\xff\x0f"),  # a length beyond the end
        ("Subscriber/Pull", b"\x08"),
        ("Publisher/ListTopics", b""),
        ("Subscriber/Acknowledge", b""),
    ],
)
def test_a_request_that_cannot_be_decoded_is_an_invalid_argument(call, method, payload):
    with pytest.raises(grpc.RpcError) as refused:
        call(method, payload)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_request_over_ten_mebibytes_is_an_invalid_argument(call):
    field = b"\x0a" + b"\x80\x80\x80\x05" + bytes(10 * 1024 * 1024)
    with pytest.raises(grpc.RpcError) as refused:
        call("Publisher/Publish", field)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_an_unknown_method_is_unimplemented(call):
    with pytest.raises(grpc.RpcError) as refused:
        call("Publisher/Nonsense", b"")

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
