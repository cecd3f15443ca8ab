"""An open stream: who is sent what, how much of it, and what becomes of it when the client goes."""

import asyncio

import pytest

from emulators.pubsub import protos
from emulators.pubsub.errors import InvalidArgument, NotFound, Unavailable
from emulators.pubsub.stream import MAX_BYTES, MAX_MESSAGES, PullStream
from emulators.pubsub.wire import AckId
from tests.unit.pubsub.conftest import SUBSCRIPTION


async def settle():
    """Let everybody run who can without time passing."""
    for _ in range(30):
        await asyncio.sleep(0)


class Client:
    """Talks to a stream as gRPC would: it asks for the next response once one is written."""

    def __init__(self, subscription, commit, **fields):
        first = {"subscription": SUBSCRIPTION, "stream_ack_deadline_seconds": 60, **fields}
        stream = PullStream(subscription, protos.StreamingPullRequest(**first), commit)
        self._requests = asyncio.Queue()
        self._responses = stream.responses(self._said())
        self._next = None
        self.is_gone = False

    async def responses(self):
        """Return what comes until nothing more does; all of it counts as written."""
        found = []
        while response := await self.write():
            found.append(response)
        return found

    async def write(self):
        """Return the response that is being written, None if there is none."""
        self._next = self._next or asyncio.ensure_future(anext(self._responses))
        await settle()
        if not self._next.done():
            return None
        done, self._next = self._next, None
        return protos.StreamingPullResponse.FromString(done.result())

    def come_back(self):
        """Say that the last response is written."""
        self._next = asyncio.ensure_future(anext(self._responses))

    async def received(self):
        """Return the received messages of all responses that come now."""
        return [one for response in await self.responses() for one in response.received_messages]

    async def bodies(self):
        """Return the data of the messages that come now."""
        return [one.message.data for one in await self.received()]

    def say(self, **fields):
        """Send a request."""
        self._requests.put_nowait(protos.StreamingPullRequest(**fields))

    def finish(self):
        """Say that no request will follow."""
        self._requests.put_nowait(None)

    async def ending(self):
        """Return the error that the call ends with, None for none."""
        while True:
            try:
                await (self._next or anext(self._responses))
                self._next = None
            except StopAsyncIteration:
                return None
            except Exception as error:
                return error

    async def go(self):
        """Break the connection, whatever is being written."""
        self.is_gone = True
        if self._next:
            self._next.cancel()
            await asyncio.wait([self._next])
        await self._responses.aclose()

    async def _said(self):
        while (request := await self._requests.get()) is not None:
            yield request


@pytest.fixture
async def connect(broker):
    """Open a stream to a subscription."""
    clients = []

    async def connect(subscription, commit=None, **fields):
        client = Client(subscription, commit or broker.journal.commit, **fields)
        clients.append(client)
        client.greeting = await client.responses()
        return client

    yield connect
    for client in clients:
        if not client.is_gone:
            await client.go()


def ids(received):
    """Return the ack ids of received messages as the subscription takes them."""
    return [AckId.parse(one.ack_id) for one in received]


async def test_a_message_comes_as_soon_as_it_is_published(subscribe, connect, publish):
    client = await connect(await subscribe())
    assert client.greeting == []

    (message_id,) = await publish(b"x", attributes={"a": "1"})

    (response,) = await client.responses()
    (received,) = response.received_messages
    assert received.message.message_id == message_id
    assert received.message.attributes == {"a": "1"}
    assert received.delivery_attempt == 0
    assert response.HasField("subscription_properties")


async def test_the_lease_is_the_streams(subscribe, connect, publish, clock):
    client = await connect(await subscribe(ack_deadline_seconds=10))
    await publish(b"x")
    assert await client.bodies() == [b"x"]

    clock.advance(59.9)
    assert await client.bodies() == []
    clock.advance(0.2)

    assert await client.bodies() == [b"x"]


async def test_a_new_deadline_is_for_what_is_delivered_later(subscribe, connect, publish, clock):
    client = await connect(await subscribe())
    await publish(b"early")
    await client.bodies()

    client.say(stream_ack_deadline_seconds=100)
    await publish(b"late")
    await client.bodies()

    clock.advance(61)
    assert await client.bodies() == [b"early"]
    clock.advance(40)
    assert await client.bodies() == [b"late"]


async def test_acks_and_deadlines_may_come_in_the_stream(subscribe, connect, publish, clock):
    client = await connect(await subscribe())
    await publish(b"acked", b"nacked", b"longer")
    acked, nacked, longer = await client.received()

    client.say(
        ack_ids=[acked.ack_id],
        modify_deadline_ack_ids=[nacked.ack_id, longer.ack_id],
        modify_deadline_seconds=[0, 200],
    )
    again = await client.received()
    client.say(ack_ids=[one.ack_id for one in again])

    assert [one.message.data for one in again] == [b"nacked"]
    await settle()
    clock.advance(199)
    assert await client.bodies() == []
    clock.advance(1)
    assert await client.bodies() == [b"longer"]


# Flow control


async def test_no_more_messages_are_outstanding_than_the_client_takes(subscribe, connect, publish):
    subscription = await subscribe()
    client = await connect(subscription, max_outstanding_messages=2)
    await publish(b"1", b"2", b"3", b"4")
    first, _ = await client.received()

    subscription.ack(ids([first]))  # in a unary call

    assert await client.bodies() == [b"3"]


async def test_no_more_bytes_are_outstanding_than_the_client_takes(subscribe, connect, publish):
    client = await connect(await subscribe(), max_outstanding_bytes=1500)
    await publish(*(bytes(600) for _ in range(5)))
    received = await client.received()
    assert len(received) == 3  # with two of them the limit is not reached

    client.say(ack_ids=[received[0].ack_id])
    assert len(await client.bodies()) == 1


async def test_a_message_larger_than_the_limit_comes_alone(subscribe, connect, publish):
    client = await connect(await subscribe(), max_outstanding_bytes=10)
    await publish(b"x" * 100, b"y" * 100)

    (received,) = await client.received()
    client.say(ack_ids=[received.ack_id])

    assert await client.bodies() == [b"y" * 100]


async def test_a_nack_makes_room(subscribe, connect, publish):
    client = await connect(await subscribe(), max_outstanding_messages=1)
    await publish(b"1", b"2")
    (received,) = await client.received()

    client.say(modify_deadline_ack_ids=[received.ack_id], modify_deadline_seconds=[0])

    assert await client.bodies() == [b"1"]


async def test_an_expired_deadline_makes_room(subscribe, connect, publish, clock):
    client = await connect(await subscribe(), max_outstanding_messages=1)
    await publish(b"1", b"2")
    await client.bodies()

    clock.advance(60)

    assert await client.bodies() == [b"1"]


async def test_a_longer_deadline_makes_no_room(subscribe, connect, publish):
    client = await connect(await subscribe(), max_outstanding_messages=1)
    await publish(b"1", b"2")
    (received,) = await client.received()

    client.say(modify_deadline_ack_ids=[received.ack_id], modify_deadline_seconds=[600])

    assert await client.bodies() == []


async def test_without_limits_everything_comes_in_bounded_responses(subscribe, connect, publish):
    client = await connect(await subscribe())
    await publish(*(b"x" for _ in range(MAX_MESSAGES + 1)))

    sizes = [len(response.received_messages) for response in await client.responses()]

    assert sizes == [MAX_MESSAGES, 1]


async def test_a_response_is_bounded_in_bytes(subscribe, connect, publish):
    client = await connect(await subscribe())
    await publish(*(bytes(MAX_BYTES // 3) for _ in range(4)))

    sizes = [len(response.received_messages) for response in await client.responses()]

    assert sizes == [2, 2]


# Several streams


async def test_messages_are_shared_out_among_the_streams(subscribe, connect, publish):
    subscription = await subscribe()
    clients = [await connect(subscription) for _ in range(3)]

    await publish(*(b"%d" % number for number in range(9)))

    assert [len(await client.bodies()) for client in clients] == [3, 3, 3]


async def test_single_messages_go_to_the_streams_in_turn(subscribe, connect, publish):
    subscription = await subscribe()
    clients = [await connect(subscription) for _ in range(3)]

    for number in range(6):
        await publish(b"%d" % number)
        for client in clients:
            client.got = [*getattr(client, "got", []), *await client.bodies()]

    assert [client.got for client in clients] == [[b"0", b"3"], [b"1", b"4"], [b"2", b"5"]]


async def test_a_full_stream_leaves_the_rest_to_others(subscribe, connect, publish):
    subscription = await subscribe()
    full, free = (
        await connect(subscription, max_outstanding_messages=1),
        await connect(subscription),
    )

    await publish(*(b"x" for _ in range(9)))

    assert len(await full.bodies()) == 1
    assert len(await free.bodies()) == 8


async def test_a_full_stream_is_not_called(subscribe, connect, publish):
    subscription = await subscribe()
    full = await connect(subscription, max_outstanding_messages=1)
    await publish(b"1")
    assert await full.bodies() == [b"1"]
    free = await connect(subscription)

    await publish(b"2")

    assert await free.bodies() == [b"2"]


async def test_a_stream_that_comes_back_waits_behind_the_others(subscribe, connect, publish):
    subscription = await subscribe()
    one, other = await connect(subscription), await connect(subscription)
    await publish(b"1")
    await one.write()
    publishing = asyncio.ensure_future(publish(b"2"))
    await asyncio.sleep(0)

    one.come_back()  # in the moment in which the other is called
    await publishing

    assert await other.bodies() == [b"2"]


async def test_a_slow_client_does_not_hold_up_the_others(subscribe, connect, publish):
    subscription = await subscribe(enable_message_ordering=True)
    slow, quick = await connect(subscription, protocol_version=1), await connect(subscription)
    slow.say()
    assert await slow.write()  # is being written from now on

    await publish(b"x")

    assert await quick.bodies() == [b"x"]


async def test_a_stream_that_goes_when_it_is_called_passes_the_turn_on(
    broker, subscribe, connect, publish
):
    subscription = await subscribe()
    gone, stays = await connect(subscription), await connect(subscription)
    publishing = asyncio.ensure_future(publish(b"x"))
    await asyncio.sleep(0)
    going = []
    broker.journal.on_commit(lambda: going.append(asyncio.ensure_future(gone.go())))

    await publishing
    await going[0]

    assert await stays.bodies() == [b"x"]


async def test_a_pull_and_a_stream_wait_in_one_line(subscribe, connect, publish):
    subscription = await subscribe()
    client = await connect(subscription)
    pull = asyncio.ensure_future(subscription.pull(10, wait_seconds=60))
    await settle()

    await publish(b"1")
    assert await client.bodies() == [b"1"]
    await publish(b"2")

    assert len(await pull) == 1


# Ordering keys


@pytest.fixture
def publish_in_order(publish):
    """Publish one message after the other, each with the key that it begins with."""

    async def publish_in_order(*bodies):
        for body in bodies:
            await publish(body.encode(), ordering_key=body[0])

    return publish_in_order


async def test_a_key_goes_on_in_the_stream_that_has_its_earlier_messages(
    subscribe, connect, publish_in_order
):
    subscription = await subscribe(enable_message_ordering=True)
    one, other = await connect(subscription), await connect(subscription)

    await publish_in_order("a1")
    assert await one.bodies() == [b"a1"]
    await publish_in_order("b1", "a2", "b2", "a3")

    assert await one.bodies() == [b"a2", b"a3"]
    assert await other.bodies() == [b"b1", b"b2"]


async def test_a_pull_gets_nothing_of_a_key_that_a_stream_has(subscribe, connect, publish_in_order):
    subscription = await subscribe(enable_message_ordering=True)
    client = await connect(subscription)
    await publish_in_order("a1")
    await client.bodies()

    await publish_in_order("a2")

    assert subscription.take(10) == []
    assert await client.bodies() == [b"a2"]


async def test_a_stream_gets_nothing_of_a_key_that_was_pulled(subscribe, connect, publish_in_order):
    subscription = await subscribe(enable_message_ordering=True)
    await publish_in_order("a1")
    (pulled,) = subscription.take(10)
    client = await connect(subscription)
    await publish_in_order("a2")
    assert await client.bodies() == []

    subscription.ack([pulled.ack_id])

    assert await client.bodies() == [b"a2"]


async def test_a_key_that_is_acked_is_anybodys(subscribe, connect, publish_in_order):
    subscription = await subscribe(enable_message_ordering=True)
    one, other = await connect(subscription), await connect(subscription)
    await publish_in_order("a1")
    (received,) = await one.received()

    one.say(ack_ids=[received.ack_id])
    await settle()
    await publish_in_order("a2")

    assert await other.bodies() == [b"a2"]


async def test_a_nack_repeats_the_later_ones_in_the_same_stream(
    subscribe, connect, publish_in_order
):
    subscription = await subscribe(enable_message_ordering=True)
    one, other = await connect(subscription), await connect(subscription)
    await publish_in_order("a1", "a2", "a3")
    _, second, third = await one.received()

    one.say(ack_ids=[third.ack_id])
    one.say(modify_deadline_ack_ids=[second.ack_id], modify_deadline_seconds=[0])

    assert await one.bodies() == [b"a2", b"a3"]
    assert await other.bodies() == []


async def test_a_full_stream_keeps_its_keys(subscribe, connect, publish_in_order):
    subscription = await subscribe(enable_message_ordering=True)
    full = await connect(subscription, max_outstanding_messages=1)
    free = await connect(subscription)
    await publish_in_order("a1", "a2")
    (first,) = await full.received()
    assert await free.bodies() == []

    full.say(ack_ids=[first.ack_id])
    await settle()

    assert await full.bodies() + await free.bodies() == [b"a2"]


async def test_a_closed_streams_keys_go_to_others_when_they_have_expired(
    subscribe, connect, publish_in_order, clock
):
    subscription = await subscribe(enable_message_ordering=True)
    gone, stays = await connect(subscription), await connect(subscription)
    await publish_in_order("a1")
    await gone.bodies()
    await gone.go()

    await publish_in_order("a2")
    assert await stays.bodies() == []
    clock.advance(60)

    assert await stays.bodies() == [b"a1", b"a2"]


async def test_thousands_of_one_key_flow_through_a_small_window(subscribe, connect, publish):
    subscription = await subscribe(enable_message_ordering=True)
    client = await connect(subscription, max_outstanding_messages=7)
    for _ in range(3):
        await publish(*(b"x" for _ in range(500)), ordering_key="k")

    seqs = []
    while received := await client.received():
        seqs += [ack_id.seq for ack_id in ids(received)]
        client.say(ack_ids=[one.ack_id for one in received])

    assert seqs == list(range(1, 1501))


# The end


async def test_what_was_not_written_is_available_at_once(subscribe, connect, publish):
    subscription = await subscribe(
        dead_letter_policy=protos.DeadLetterPolicy(
            dead_letter_topic="projects/p/topics/dead-letters", max_delivery_attempts=5
        )
    )
    client = await connect(subscription)
    await publish(b"1", b"2")
    assert len((await client.write()).received_messages) == 2

    await client.go()

    again = subscription.take(10)
    assert [one.attempt for one in again] == [1, 1]


async def test_what_was_written_keeps_its_lease_when_the_stream_ends(
    subscribe, connect, publish, clock
):
    subscription = await subscribe()
    client = await connect(subscription)
    await publish(b"x")
    (received,) = await client.received()

    await client.go()

    assert subscription.take(10) == []
    subscription.ack(ids([received]))
    clock.advance(1000)
    assert subscription.take(10) == []


async def test_a_client_that_sends_no_more_requests_has_done(subscribe, connect):
    client = await connect(await subscribe())

    client.finish()

    assert await client.ending() is None


async def test_a_bad_request_ends_the_stream(subscribe, connect):
    client = await connect(await subscribe())

    client.say(max_outstanding_messages=1)

    assert isinstance(await client.ending(), InvalidArgument)


async def test_a_deleted_subscription_ends_its_streams(subscribe, connect, publish, admin):
    subscription = await subscribe()
    full = await connect(subscription, max_outstanding_messages=1)
    await publish(b"x")
    assert await full.bodies() == [b"x"]
    waiting = await connect(subscription)

    await admin.delete_subscription(SUBSCRIPTION)

    assert isinstance(await waiting.ending(), NotFound)
    assert isinstance(await full.ending(), NotFound)


async def test_a_stopping_emulator_ends_all_streams(broker, subscribe, connect):
    client = await connect(await subscribe())

    broker.end(Unavailable("stopping"))

    assert isinstance(await client.ending(), Unavailable)


# What the client should know


@pytest.mark.parametrize("field", ["enable_exactly_once_delivery", "enable_message_ordering"])
async def test_properties_come_before_the_first_message(subscribe, connect, field):
    client = await connect(await subscribe(**{field: True}))

    (greeting,) = client.greeting
    assert not greeting.received_messages
    properties = greeting.subscription_properties
    is_ordered = field == "enable_message_ordering"
    assert properties.message_ordering_enabled == is_ordered
    assert properties.exactly_once_delivery_enabled == (not is_ordered)


async def test_a_message_that_is_there_already_comes_in_the_first_response(
    subscribe, connect, publish
):
    subscription = await subscribe(enable_message_ordering=True)
    await publish(b"x")

    (greeting,) = (await connect(subscription)).greeting

    assert len(greeting.received_messages) == 1
    assert greeting.subscription_properties.message_ordering_enabled


async def test_a_heartbeat_is_answered_if_the_client_knows_that(subscribe, connect):
    subscription = await subscribe()
    old, new = await connect(subscription), await connect(subscription, protocol_version=1)

    for client in (old, new):
        client.say()
        client.say(stream_ack_deadline_seconds=20)

    assert await old.responses() == []
    (answer,) = await new.responses()
    assert answer.HasField("subscription_properties")
    assert not answer.received_messages


async def test_confirmations_say_which_acks_and_deadlines_counted(subscribe, connect, publish):
    client = await connect(await subscribe(enable_exactly_once_delivery=True))
    await publish(b"1", b"2", b"3")
    one, two, three = (received.ack_id for received in await client.received())

    client.say(
        ack_ids=[one, two],
        modify_deadline_ack_ids=[three, two],
        modify_deadline_seconds=[20, 20],
    )
    client.say(ack_ids=[one, three])
    confirmations = [response.acknowledge_confirmation for response in await client.responses()]
    acked = [ack_id for each in confirmations for ack_id in each.ack_ids]

    assert acked == [one, two, three]
    assert [ack_id for each in confirmations for ack_id in each.invalid_ack_ids] == [one]


async def test_a_confirmed_deadline_counted(subscribe, connect, publish):
    client = await connect(await subscribe(enable_exactly_once_delivery=True))
    await publish(b"1", b"2")
    one, two = (received.ack_id for received in await client.received())
    client.say(ack_ids=[two])

    client.say(modify_deadline_ack_ids=[one, two], modify_deadline_seconds=[20, 20])

    *_, last = await client.responses()
    confirmation = last.modify_ack_deadline_confirmation
    assert (list(confirmation.ack_ids), list(confirmation.invalid_ack_ids)) == ([one], [two])
    assert last.subscription_properties.exactly_once_delivery_enabled


async def test_an_ack_is_durable_before_it_is_confirmed(subscribe, connect, publish):
    durable = asyncio.Event()
    client = await connect(await subscribe(enable_exactly_once_delivery=True), durable.wait)
    await publish(b"x")
    (received,) = await client.received()

    client.say(ack_ids=[received.ack_id])
    assert await client.responses() == []
    durable.set()

    assert len(await client.responses()) == 1


async def test_an_ack_out_of_order_may_be_repeated(subscribe, connect, publish):
    client = await connect(
        await subscribe(enable_exactly_once_delivery=True, enable_message_ordering=True)
    )
    await publish(b"1", b"2", ordering_key="k")
    one, two = (received.ack_id for received in await client.received())

    client.say(ack_ids=[two])
    *_, refused = await client.responses()
    client.say(ack_ids=[one, two])
    *_, accepted = await client.responses()

    assert list(refused.acknowledge_confirmation.unordered_ack_ids) == [two]
    assert not refused.acknowledge_confirmation.invalid_ack_ids
    assert list(accepted.acknowledge_confirmation.ack_ids) == [one, two]


async def test_acks_are_not_confirmed_without_exactly_once(subscribe, connect, publish):
    client = await connect(await subscribe())
    await publish(b"x")
    (received,) = await client.received()

    client.say(ack_ids=[received.ack_id])

    assert await client.responses() == []
