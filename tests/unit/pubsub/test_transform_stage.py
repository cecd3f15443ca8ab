"""Deliveries of a subscription with transforms: what waits, what is handed out, what never is."""

import asyncio
from types import SimpleNamespace

import pytest

from emulators.pubsub import protos
from emulators.pubsub.engine import Engine
from emulators.pubsub.errors import FailedPrecondition
from emulators.pubsub.policy import Policy, RetryPolicy
from emulators.pubsub.transforms.chain import Failed
from emulators.pubsub.transforms.stage import PAUSE_SECONDS, ROOM, TransformStage

DEADLINE = 10.0


class Runner:
    """Applies a function of Python; a test may hold it until `go` is set."""

    def __init__(self, function):
        self.function = function
        self.go = asyncio.Event()
        self.go.set()
        self.calls = []

    async def run(self, transforms, messages):
        self.calls.append([message.data.decode() for message in messages])
        await self.go.wait()
        return [self.function(message) for message in messages]


class KeyedLog:
    """A log in which every message has the same ordering key."""

    ordered, filtered = True, False

    def key(self, _):
        return "key"

    def matches(self, _):
        return True

    def later(self, key, after, up_to, limit):
        return list(range(after + 1, min(up_to, after + limit) + 1))


class Scene:
    """An engine with a stage before it, at a time that a test sets."""

    def __init__(self, function, policy=None, log=None):
        self.now = 0.0
        self.engine = Engine(policy or Policy(ack_deadline=DEADLINE), log=log)
        self.runner = Runner(function)
        self.changes = 0
        self.timers = []
        self.published = 0
        self.stage = TransformStage(
            [protos.MessageTransform()],
            engine=self.engine,
            runner=self.runner,
            body=self.body,
            ordered=log is not None,
            name="projects/p/subscriptions/s",
            clock=SimpleNamespace(now=lambda: self.now, call_at=self.call_at),
            changed=self.changed,
        )

    def body(self, seq):
        message = protos.PubsubMessage(data=str(seq).encode(), ordering_key="key")
        return message.SerializeToString()

    def call_at(self, when, callback):
        timer = SimpleNamespace(when=when, callback=callback, cancel=lambda: None)
        self.timers.append(timer)
        return timer

    def changed(self):
        self.changes += 1

    def publish(self, count):
        self.published += count
        self.engine.publish(self.published)

    def take(self, limit=1000, per_key=None, max_bytes=10**6):
        return self.stage.take(
            limit, self.now, per_key=per_key, lease_seconds=DEADLINE, max_bytes=max_bytes
        )

    async def taken(self, **limits):
        """Take, let the transforms run to their end, take again: return data and deliveries."""
        found = self.take(**limits)
        await self.settled()
        found += self.take(**limits)
        return [
            (protos.PubsubMessage.FromString(one.body).data.decode(), one.delivery) for one in found
        ]

    async def settled(self):
        for _ in range(20):
            await asyncio.sleep(0)


def louder(message):
    message.data += b"!"
    return message


def texts(taken):
    return [text for text, _ in taken]


async def test_messages_are_handed_out_as_transformed_in_order():
    scene = Scene(louder)
    scene.publish(3)

    assert scene.take() == []
    await scene.settled()
    assert scene.changes == 1
    assert texts(await scene.taken()) == ["1!", "2!", "3!"]


async def test_the_ack_deadline_begins_when_a_message_is_handed_out():
    scene = Scene(louder)
    scene.publish(1)
    scene.take()
    await scene.settled()
    scene.now = 1_000_000.0
    ((_, delivery),) = await scene.taken()

    scene.engine.tick(scene.now + DEADLINE - 1)
    assert scene.engine.is_out(delivery.seq, delivery.generation)
    scene.engine.tick(scene.now + DEADLINE)
    assert not scene.engine.is_out(delivery.seq, delivery.generation)
    assert delivery.attempt == 1


async def test_waiting_here_counts_as_no_attempt():
    scene = Scene(louder)
    scene.publish(1)
    scene.take()
    await scene.settled()
    scene.now = 1_000_000.0
    scene.engine.tick(scene.now)
    ((_, delivery),) = await scene.taken()

    assert delivery.attempt == 1


async def test_a_message_filtered_out_is_acked():
    scene = Scene(lambda message: None if message.data == b"2" else message)
    scene.publish(3)

    assert texts(await scene.taken()) == ["1", "3"]
    assert scene.engine.unacked() == 2


async def test_a_failed_message_is_nacked_and_comes_to_its_end():
    policy = Policy(DEADLINE, RetryPolicy(5.0, 5.0), max_attempts=2)
    scene = Scene(lambda _: Failed("no"), policy)
    scene.publish(1)
    assert await scene.taken() == []
    assert not scene.stage.has_ready()
    scene.now = 5.0
    scene.engine.tick(scene.now)

    assert scene.stage.has_ready()
    assert await scene.taken() == []
    assert scene.engine.exhausted == [(1, 2)]


async def test_a_failure_in_an_ordering_key_holds_the_later_ones_back():
    failing = {b"2"}
    function = lambda message: Failed("no") if message.data in failing else message  # noqa: E731
    scene = Scene(function, Policy(DEADLINE, RetryPolicy(5.0, 5.0)), KeyedLog())
    scene.publish(3)
    first = await scene.taken()
    assert texts(first) == ["1"]
    failing.clear()
    scene.engine.ack(first[0][1].seq, first[0][1].generation)
    scene.now = 5.0
    scene.engine.tick(scene.now)

    assert texts(await scene.taken()) == ["2", "3"]


@pytest.mark.parametrize("exactly_once", [False, True])
async def test_a_message_filtered_out_of_an_ordering_key_holds_no_other_back(exactly_once):
    scene = Scene(
        lambda message: None if message.data == b"2" else message,
        Policy(DEADLINE, exactly_once=exactly_once),
        KeyedLog(),
    )
    scene.publish(3)
    taken = await scene.taken()
    assert texts(taken) == ["1", "3"]
    for _, delivery in taken:
        assert scene.engine.ack(delivery.seq, delivery.generation)

    assert scene.engine.unacked() == 0


async def test_one_message_of_a_key_at_a_time_where_the_consumer_wants_it():
    scene = Scene(louder, log=KeyedLog())
    scene.publish(2)

    ((text, delivery),) = await scene.taken(per_key=1)
    assert (text, await scene.taken(per_key=1)) == ("1!", [])
    scene.engine.ack(delivery.seq, delivery.generation)
    assert texts(await scene.taken(per_key=1)) == ["2!"]


async def test_a_key_is_one_consumers_until_it_has_acked_all_that_it_has():
    scene = Scene(louder, log=KeyedLog())
    scene.publish(4)
    scene.take()
    await scene.settled()
    first, second = scene.take(limit=2)

    assert (len(scene.take(limit=2)), scene.stage.has_ready()) == (0, False)
    scene.engine.ack(second.delivery.seq, second.delivery.generation)
    assert (len(scene.take(limit=2)), scene.stage.has_ready()) == (0, False)
    scene.engine.ack(first.delivery.seq, first.delivery.generation)
    assert scene.stage.has_ready()
    assert texts(await scene.taken()) == ["3!", "4!"]


async def test_without_ordering_a_key_is_any_consumers():
    scene = Scene(louder)
    scene.publish(2)
    scene.take()
    await scene.settled()

    assert [len(scene.take(limit=1)), len(scene.take(limit=1))] == [1, 1]


async def test_a_nack_takes_back_what_waits_of_its_key():
    scene = Scene(louder, log=KeyedLog())
    scene.publish(3)
    scene.take()
    await scene.settled()
    (first,) = scene.take(limit=1)
    scene.engine.modify(first.delivery.seq, first.delivery.generation, 0, scene.now)

    assert texts(await scene.taken()) == ["1!", "2!", "3!"]


async def test_a_message_acked_or_dropped_meanwhile_is_not_handed_out():
    scene = Scene(louder)
    scene.publish(3)
    scene.take()
    await scene.settled()
    scene.engine.drop_through(2)

    assert texts(await scene.taken()) == ["3!"]


async def test_a_seek_begins_anew():
    scene = Scene(louder)
    scene.publish(2)
    scene.take()
    await scene.settled()
    scene.engine.seek(0, ())

    assert texts(await scene.taken()) == ["1!", "2!"]


async def test_a_body_that_is_gone_is_acked():
    scene = Scene(louder)
    body = scene.body
    scene.stage._body = lambda seq: None if seq == 1 else body(seq)
    scene.publish(2)

    assert texts(await scene.taken()) == ["2!"]
    assert scene.engine.unacked() == 1


async def test_limits_of_the_consumer_are_kept():
    scene = Scene(louder)
    scene.publish(5)
    scene.take()
    await scene.settled()

    assert len(scene.take(limit=2)) == 2
    assert len(scene.take(max_bytes=1)) == 1
    assert len(scene.take()) == 2


async def test_there_is_room_for_so_many_and_no_consumer_is_called_in_vain():
    scene = Scene(louder)
    scene.publish(10 * ROOM)
    scene.runner.go.clear()
    while scene.stage.has_ready():
        assert scene.take(limit=70) == []

    assert scene.engine.outstanding() == ROOM
    scene.runner.go.set()
    await scene.settled()
    assert scene.stage.has_ready()
    assert len(scene.take()) == ROOM


async def test_slow_messages_do_not_keep_the_first_ones_waiting():
    scene = Scene(louder)
    scene.publish(ROOM)
    scene.take()
    await scene.settled()

    assert max(len(call) for call in scene.runner.calls) < ROOM / 2
    assert len(scene.take()) == ROOM


async def test_a_stop_gives_everything_back_and_counts_as_no_attempt():
    scene = Scene(louder)
    scene.publish(120)
    scene.take(limit=50)
    await scene.settled()
    scene.runner.go.clear()
    scene.take(limit=20)
    await scene.settled()
    scene.stage.stop()
    await scene.settled()

    assert scene.engine.outstanding() == 20
    deliveries = scene.engine.take(1000, scene.now)
    assert {delivery.attempt for delivery in deliveries} == {1}
    assert [delivery.seq for delivery in deliveries] == list(range(21, 121))


async def test_without_what_runs_them_messages_fail_and_are_not_passed_on():
    def missing(_):
        raise FailedPrecondition("pip install")

    scene = Scene(missing, Policy(DEADLINE, RetryPolicy(5.0, 5.0)))
    scene.publish(1)

    assert await scene.taken() == []
    assert scene.engine.unacked() == 1
    assert scene.engine.outstanding() == 0


async def test_after_a_failure_there_is_a_pause_and_then_a_consumer_is_called():
    def slowly_failing(_):
        scene.now += PAUSE_SECONDS / 10
        return Failed("no")

    scene = Scene(slowly_failing)
    scene.publish(3)
    await scene.taken()
    assert not scene.stage.has_ready()
    (timer,) = scene.timers
    scene.now, changes = timer.when, scene.changes
    timer.callback()

    assert scene.changes == changes + 1
    assert scene.stage.has_ready()


async def test_a_message_that_always_fails_does_so_ten_times_a_second_and_is_told_of_once(caplog):
    scene = Scene(lambda _: Failed("no"))
    scene.publish(1)
    for tenth in range(50):
        scene.now = tenth / 10
        scene.engine.tick(scene.now)
        for _ in range(10):
            await scene.taken()

    assert len(scene.runner.calls) <= 51
    assert [record.message for record in caplog.records] == ["transform failed: no"]
