"""The RPCs on messages, called without gRPC: how long a pull waits, and what it leaves behind."""

import asyncio

import pytest

from emulators.pubsub import protos
from emulators.pubsub.errors import FailedPrecondition, InvalidArgument, NotFound
from emulators.pubsub.exactly_once import DOMAIN, INVALID, REASON, UNORDERED
from emulators.pubsub.limits import LENIENT
from emulators.pubsub.pulling import MAX_ACK_REQUEST_BYTES, Pulling
from tests.unit.pubsub.conftest import SUBSCRIPTION


class Caller:
    """A caller with so many seconds left, at each time that it is asked."""

    def __init__(self, *left):
        self._left = list(left)

    def time_remaining(self):
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


PATIENT = Caller(None)


@pytest.fixture
def pulling(broker):
    return Pulling(broker)


@pytest.fixture
def pull(pulling):
    """Pull up to `count` messages; return them."""

    async def pull(count=10, *, caller=PATIENT, **fields):
        request = protos.PullRequest(subscription=SUBSCRIPTION, max_messages=count, **fields)
        answer = protos.PullResponse.FromString(await pulling.pull(request, caller))
        return list(answer.received_messages)

    return pull


@pytest.fixture
def acknowledge(pulling):
    """Acknowledge by ack id."""

    async def acknowledge(*ack_ids):
        request = protos.AcknowledgeRequest(subscription=SUBSCRIPTION, ack_ids=ack_ids)
        await pulling.acknowledge(request, PATIENT)

    return acknowledge


def failures(refusal):
    """Return the failed ids of a refusal with their reasons."""
    (info,) = refusal.value.details
    assert (info.reason, info.domain) == (REASON, DOMAIN)
    return dict(info.metadata)


async def test_a_pull_of_nothing_ends_before_the_callers_deadline(subscribe, pull):
    await subscribe()

    async with asyncio.timeout(5):
        assert await pull(caller=Caller(0.2)) == []


async def test_a_pull_that_returns_immediately_does_not_wait(subscribe, pull):
    await subscribe()
    waiting = asyncio.ensure_future(pull(return_immediately=True))
    for _ in range(5):
        await asyncio.sleep(0)

    assert waiting.done()


async def test_an_answer_that_comes_too_late_takes_no_message_with_it(subscribe, publish, pull):
    await subscribe()
    await publish(b"x")

    await pull(caller=Caller(1.0, 0.0))

    assert len(await pull()) == 1


async def test_a_pull_gets_a_thousand_messages_at_most(subscribe, publish, pull):
    await subscribe()
    await publish(*(b"x" for _ in range(1001)))

    assert len(await pull(5000)) == 1000


async def test_a_subscription_that_becomes_push_ends_a_waiting_pull(subscribe, pull, admin):
    subscription = await subscribe()
    waiting = asyncio.ensure_future(pull())
    await asyncio.sleep(0)
    config = protos.PushConfig(push_endpoint="http://127.0.0.1:9/nobody")
    resource = protos.Subscription.FromString(subscription.resource.SerializeToString())
    resource.push_config.CopyFrom(config)

    subscription.configure(resource)

    with pytest.raises(FailedPrecondition):
        await waiting


async def test_a_pull_of_a_push_subscription_gets_nothing_where_that_is_let_pass(
    broker, subscribe, publish
):
    await subscribe(push_config=protos.PushConfig(push_endpoint="http://127.0.0.1:9/nobody"))
    await publish(b"x")
    request = protos.PullRequest(subscription=SUBSCRIPTION, max_messages=1)

    assert await Pulling(broker, limits=LENIENT).pull(request, PATIENT) == b""
    with pytest.raises(FailedPrecondition):
        await Pulling(broker).pull(request, PATIENT)


@pytest.mark.parametrize("count", [0, -1])
async def test_a_pull_of_less_than_one_is_refused(subscribe, pull, count):
    await subscribe()

    with pytest.raises(InvalidArgument, match=str(count)):
        await pull(count)


async def test_a_pull_of_a_missing_subscription_is_refused(pull, admin):
    with pytest.raises(NotFound):
        await pull()


async def test_a_long_request_is_refused(subscribe, acknowledge):
    await subscribe()

    with pytest.raises(InvalidArgument, match=str(MAX_ACK_REQUEST_BYTES)):
        await acknowledge("1" * MAX_ACK_REQUEST_BYTES)


async def test_failed_acks_are_named_with_their_reason(subscribe, publish, pull, acknowledge):
    await subscribe(enable_exactly_once_delivery=True, enable_message_ordering=True)
    await publish(b"1", b"2", b"3", ordering_key="k")
    one, two, three = (received.ack_id for received in await pull())
    await acknowledge(one)

    with pytest.raises(InvalidArgument) as refusal:
        await acknowledge(one, three)

    assert failures(refusal) == {one: INVALID, three: UNORDERED}
    await acknowledge(two, three)


async def test_an_ack_is_durable_before_it_is_answered(
    subscribe, publish, pull, acknowledge, store
):
    subscription = await subscribe(enable_exactly_once_delivery=True)
    await publish(b"1", b"2")
    _, two = await pull()

    await acknowledge(two.ack_id)

    assert 2 in list(store.acks(subscription.id))


async def test_failures_too_many_for_a_trailer_are_not_named(subscribe, publish, pull, acknowledge):
    await subscribe(enable_exactly_once_delivery=True)
    await publish(*(b"x" for _ in range(200)))
    ack_ids = [received.ack_id for received in await pull(200)]
    await acknowledge(*ack_ids)

    with pytest.raises(InvalidArgument, match="200 ack_ids") as refusal:
        await acknowledge(*ack_ids)
    assert failures(refusal) == {}
    with pytest.raises(InvalidArgument) as refusal:
        await acknowledge(*ack_ids[:100])
    assert len(failures(refusal)) == 100
