"""Faults: what may be asked for, which calls they meet, what they do to them."""

import json

import pytest
from grpc import StatusCode

from emulators.pubsub import protos
from emulators.pubsub.control.fault import CODES, Injected
from emulators.pubsub.control.faults import DisturbedClient, Faults
from emulators.pubsub.errors import InvalidArgument, NotFound
from emulators.pubsub.push.client import Outcome
from emulators.pubsub.rpc import Stream

PUBLISH, PULL = "google.pubsub.v1.Publisher/Publish", "google.pubsub.v1.Subscriber/Pull"
STREAMING = "google.pubsub.v1.Subscriber/StreamingPull"
READERS = "projects/p/subscriptions/readers"


@pytest.fixture
def slept():
    """The delays that were waited for."""
    return []


@pytest.fixture
def faults(slept):
    async def sleep(seconds):
        slept.append(seconds)

    faults = Faults(sleep)
    faults.know(frozenset({PUBLISH, PULL, STREAMING}))
    return faults


@pytest.fixture
def publish(faults):
    """Call Publish through the faults; `publish.done` counts how often it was really done."""

    async def do():
        publish.done += 1
        return b"answer"

    def publish(method=PUBLISH):
        return faults.around(method, do)

    publish.done = 0
    return publish


class Endpoint:
    """A push client that sends nothing and counts."""

    def __init__(self):
        self.sent = 0

    async def post(self, url, body, headers, timeout_seconds):
        self.sent += 1
        return Outcome(204)


@pytest.fixture
def endpoint():
    return Endpoint()


@pytest.fixture
def push(faults, endpoint):
    """Push through the faults of a subscription."""

    def push(subscription=READERS):
        client = DisturbedClient(endpoint, faults, subscription)
        return client.post("http://localhost/", b"", {}, 10)

    return push


async def test_a_fault_fails_its_number_of_calls_and_no_more(faults, publish):
    faults.add({"rpc": "Publish", "times": 2, "code": "UNAVAILABLE", "message": "gone fishing"})

    for _ in range(2):
        with pytest.raises(Injected, match="gone fishing") as caught:
            await publish()
        assert caught.value.code is StatusCode.UNAVAILABLE
    assert await publish() == b"answer"
    assert publish.done == 1


async def test_a_fault_without_a_number_fires_once_and_with_null_for_ever(faults, publish):
    once = faults.add({"rpc": "Publish", "code": "ABORTED"})
    for_ever = faults.add({"rpc": "Publish", "code": "INTERNAL", "times": None})

    for code in ("ABORTED", *["INTERNAL"] * 20):
        with pytest.raises(Injected) as caught:
            await publish()
        assert caught.value.code.name == code
    assert (faults.fired(once.id), faults.fired(for_ever.id)) == (1, 20)


@pytest.mark.parametrize("rpc", ["Publish", PUBLISH, "*"])
async def test_an_rpc_is_named_short_or_in_full_or_by_a_star(faults, publish, rpc):
    faults.add({"rpc": rpc, "code": "UNAVAILABLE"})

    with pytest.raises(Injected):
        await publish()


async def test_other_rpcs_and_pushes_are_left_alone(faults, publish, push):
    faults.add({"rpc": "Publish", "code": "UNAVAILABLE"})

    assert await publish(PULL) == b"answer"
    assert (await push()).acked


async def test_a_fault_after_the_call_drops_the_answer_of_what_was_done(faults, publish):
    faults.add({"rpc": "Publish", "code": "DEADLINE_EXCEEDED", "after": True})

    with pytest.raises(Injected):
        await publish()

    assert publish.done == 1


async def test_a_duplicated_call_is_done_twice_and_answered_once(faults, publish):
    faults.add({"rpc": "Publish", "duplicate": True})

    assert await publish() == b"answer"
    assert publish.done == 2


async def test_a_delay_waits_before_the_call(faults, publish, push, stream, slept):
    faults.add({"rpc": "Publish", "delay_seconds": 1.5, "code": "ABORTED"})
    faults.add({"rpc": "StreamingPull", "delay_seconds": 2})
    faults.add({"push": "*", "delay_seconds": 3})

    with pytest.raises(Injected):
        await publish()
    await stream()
    await push()

    assert slept == [1.5, 2, 3]


async def test_the_oldest_fault_fires_first_and_the_next_when_it_is_used_up(faults, publish):
    faults.add({"rpc": "*", "code": "ABORTED"})
    faults.add({"rpc": "Publish", "code": "UNAVAILABLE"})

    codes = []
    for _ in range(2):
        with pytest.raises(Injected) as caught:
            await publish()
        codes.append(caught.value.code.name)

    assert codes == ["ABORTED", "UNAVAILABLE"]


async def test_cleared_faults_do_not_fire(faults, publish):
    first = faults.add({"rpc": "Publish", "code": "ABORTED"})
    faults.add({"rpc": "Publish", "code": "UNAVAILABLE"})

    faults.clear(first.id)
    with pytest.raises(Injected) as caught:
        await publish()
    faults.clear()

    assert caught.value.code is StatusCode.UNAVAILABLE
    assert await publish() == b"answer"
    assert faults.list() == []


def test_clearing_a_fault_that_is_not_there_is_an_error(faults):
    with pytest.raises(NotFound, match="fault 7"):
        faults.clear(7)


async def test_the_list_tells_how_often_each_fired_and_is_json(faults, publish):
    faults.add({"rpc": "Publish", "code": "ABORTED", "times": 3})
    with pytest.raises(Injected):
        await publish()

    listed = json.loads(json.dumps(faults.list()))

    assert listed == [{"rpc": "Publish", "times": 3, "code": "ABORTED", "id": 1, "fired": 1}]


async def test_a_push_fault_fails_without_sending(faults, push, endpoint):
    faults.add({"push": READERS, "code": "UNAVAILABLE"})

    outcome = await push()

    assert not outcome.acked
    assert "UNAVAILABLE" in outcome.problem
    assert endpoint.sent == 0
    assert (await push()).acked


async def test_a_push_fault_after_sending_drops_the_answer(faults, push, endpoint):
    faults.add({"push": "*", "code": "UNAVAILABLE", "after": True})

    assert not (await push()).acked
    assert endpoint.sent == 1


async def test_a_duplicated_push_is_sent_twice(faults, push, endpoint):
    faults.add({"push": READERS, "duplicate": True})

    assert (await push()).acked
    assert endpoint.sent == 2


async def test_pushes_of_other_subscriptions_are_left_alone(faults, push):
    faults.add({"push": READERS, "code": "UNAVAILABLE"})

    assert (await push("projects/p/subscriptions/others")).acked


@pytest.fixture
def stream(faults):
    """Read StreamingPull through the faults: three responses of two messages each."""

    async def answer(requests, call):
        two = [{"ack_id": "a"}, {"ack_id": "b"}]
        for _ in range(3):
            yield protos.StreamingPullResponse(received_messages=two).SerializeToString()

    plain = {STREAMING: Stream(protos.StreamingPullRequest, answer)}

    async def stream():
        read = 0
        try:
            async for _ in faults.around_streams(plain)[STREAMING].answer(None, None):
                read += 2
        except Injected as error:
            return read, error.code.name
        return read, None

    return stream


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({}, (0, "UNAVAILABLE")),
        ({"after_messages": 1}, (2, "UNAVAILABLE")),
        ({"after_messages": 3}, (4, "UNAVAILABLE")),
        ({"after_messages": 7}, (6, None)),
        ({"after": True}, (2, "UNAVAILABLE")),
    ],
)
async def test_a_stream_fails_at_its_start_or_after_some_messages(faults, stream, fault, outcome):
    faults.add({"rpc": "StreamingPull", "code": "UNAVAILABLE"} | fault)

    assert await stream() == outcome
    assert await stream() == (6, None)


async def test_a_unary_call_does_not_use_up_a_fault_for_streams(faults, publish, stream):
    faults.add({"rpc": "StreamingPull", "code": "UNAVAILABLE"})

    await publish()

    assert await stream() == (0, "UNAVAILABLE")


async def test_a_fault_that_duplicates_everything_leaves_streams_alone(faults, stream):
    fault = faults.add({"rpc": "*", "duplicate": True})

    assert await stream() == (6, None)
    assert faults.fired(fault.id) == 0


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ([], "is not a JSON object"),
        ({}, "give either rpc"),
        ({"rpc": "Publish", "push": "*", "code": "ABORTED"}, "give either rpc"),
        ({"rpc": "Publsh", "code": "ABORTED"}, "'Publsh' is unknown; there are Publish, Pull"),
        ({"rpc": 5, "code": "ABORTED"}, "rpc 5 is not a string"),
        ({"push": "readers", "code": "ABORTED"}, "push 'readers' is not projects/"),
        ({"rpc": "Publish"}, "it does nothing"),
        ({"rpc": "Publish", "code": "OK"}, "code 'OK' is not one of"),
        ({"rpc": "Publish", "code": "BROKEN"}, "code 'BROKEN' is not one of"),
        ({"rpc": "Publish", "code": "ABORTED", "times": 0}, "times 0 is not a whole number"),
        ({"rpc": "Publish", "code": "ABORTED", "times": True}, "times True is not a whole number"),
        ({"rpc": "Publish", "code": "ABORTED", "times": 1.5}, "times 1.5 is not a whole number"),
        ({"rpc": "Publish", "delay_seconds": -1}, "delay_seconds -1 is not a number"),
        ({"rpc": "Publish", "delay_seconds": 601}, "delay_seconds 601 is not .* from 0 to 600"),
        ({"rpc": "Publish", "delay_seconds": float("nan")}, "delay_seconds nan is not a number"),
        ({"rpc": "Publish", "after": "yes"}, "after 'yes' is not true or false"),
        ({"rpc": "Publish", "after": True, "duplicate": True}, "need a code"),
        ({"rpc": "Publish", "code": "ABORTED", "after_messages": 1}, "'StreamingPull' only"),
        ({"rpc": "StreamingPull", "duplicate": True}, "stream cannot be duplicated"),
        ({"rpc": "Publish", "code": "ABORTED", "tims": 2}, "unknown field 'tims'; known are rpc"),
    ],
)
def test_a_fault_that_cannot_be_says_what_is_wrong(faults, fault, problem):
    with pytest.raises(InvalidArgument, match=problem):
        faults.add(fault)

    assert faults.list() == []


def test_every_status_code_but_ok_can_be_asked_for(faults):
    for code in CODES:
        faults.add({"rpc": "Publish", "code": code.lower()})

    assert len(CODES) == 16
