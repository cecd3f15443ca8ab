"""Any history of a broker, crashes and seeks included: every message is acked, dead, deliverable or
out of retention; none is lost, none comes twice where exactly-once holds, a key keeps its order."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.errors import FailedPrecondition, Unavailable
from emulators.pubsub.store import Store
from tests.unit.pubsub.broker_fates import FINISHED, Fate
from tests.unit.pubsub.broker_model import Model
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION, TOPIC, FakePusher, ManualClock

LETTERS = "projects/p/subscriptions/letters"
RETENTION, ATTEMPTS = 600, 5
picks = st.integers(min_value=0)
attached = precondition(lambda self: not self.detached)
with_deliveries = precondition(lambda self: self.deliveries and not self.detached)
with_messages = precondition(lambda self: self.model.messages and not self.detached)


class Histories(RuleBasedStateMachine):
    @initialize(
        ordered=st.booleans(),
        exactly_once=st.booleans(),
        dead_letters=st.booleans(),
        retains=st.booleans(),
        filtered=st.booleans(),
    )
    def start(self, ordered, exactly_once, dead_letters, retains, filtered):
        self.clock, self.store = ManualClock(), Store(":memory:", synchronous="off")
        self.attempts = ATTEMPTS if dead_letters else None
        self.model = Model(ordered, exactly_once, retains, self.attempts, RETENTION)
        self.deliveries = []  # (number, ack id) of every delivery there was
        self.filtered, self.detached, self.letters = filtered, False, []
        resource = protos.Subscription(
            name=SUBSCRIPTION,
            topic=TOPIC,
            enable_message_ordering=ordered,
            enable_exactly_once_delivery=exactly_once,
            retain_acked_messages=retains,
            message_retention_duration={"seconds": RETENTION},
            filter="attributes:wanted" if filtered else "",
        )
        if dead_letters:
            resource.dead_letter_policy.dead_letter_topic = DEAD
            resource.dead_letter_policy.max_delivery_attempts = ATTEMPTS
        self.begin_life()
        for name in (TOPIC, DEAD):
            self.run(self.admin.create_topic(protos.Topic(name=name)))
        self.run(self.admin.create_subscription(resource))
        self.run(self.admin.create_subscription(protos.Subscription(name=LETTERS, topic=DEAD)))

    # What a client does

    @rule(key=st.sampled_from(["", "", "a", "b"]), count=st.integers(1, 3), wanted=st.booleans())
    def publish(self, key, count, wanted):
        self.pass_time(1)
        for _ in range(count):
            message = self.model.publish(key, self.now, wanted=wanted or not self.filtered)
            if self.detached:
                self.model.detached()
            self.run(self.broker.publish(TOPIC, [as_proto(message.number, key, wanted)]))
        self.model.committed()

    @attached
    @rule(limit=st.integers(1, 6))
    def take(self, limit):
        for received in self.subscription.take(limit):
            number = int(protos.PubsubMessage.FromString(received.body).data)
            self.model.delivered(number, received.ack_id, received.attempt, self.now)
            self.deliveries.append((number, received.ack_id))

    @with_deliveries
    @rule(pick=picks)
    def ack(self, pick):
        self.ack_delivery(*self.deliveries[-1 - pick % len(self.deliveries)])

    @with_deliveries
    @rule(pick=picks, seconds=st.sampled_from([0, 0, 5, 60]))
    def modify(self, pick, seconds):
        number, ack_id = self.deliveries[-1 - pick % len(self.deliveries)]
        failed = self.subscription.modify([ack_id], seconds)
        assert self.model.modified(number, ack_id, seconds, self.now) or not (
            self.model.exactly_once and not failed
        )

    @attached
    @rule(times=st.integers(1, ATTEMPTS))
    def nack_everything(self, times):
        for _ in range(times):
            self.take(100)
            for number, ack_id in self.deliveries[-100:]:
                self.subscription.modify([ack_id], 0)
                self.model.modified(number, ack_id, 0, self.now)

    @with_messages
    @rule(pick=picks, retreat=st.sampled_from([0, 0.5]))
    def seek_to_time(self, pick, retreat):
        message = self.model.messages[pick % len(self.model.messages)]
        time = message.published - retreat
        ahead_ns = round((time - self.now) * 1e9)
        self.broker.replay.to_time(self.subscription, self.clock.wall_ns() + ahead_ns)
        self.commit()
        self.model.sought_to_time(time, self.now)

    @attached
    @rule(name=st.sampled_from(["one", "two"]))
    def take_snapshot(self, name):
        path = f"projects/p/snapshots/{name}"
        if name in self.model.snapshots:
            self.broker.snapshots.delete(path)
        self.broker.snapshots.create(path, self.subscription, {})
        self.commit()
        self.model.snapshot(name)

    @precondition(lambda self: self.model.snapshots and not self.detached)
    @rule(pick=picks)
    def seek_to_snapshot(self, pick):
        name = sorted(self.model.snapshots)[pick % len(self.model.snapshots)]
        self.broker.replay.to_snapshot(self.subscription, f"projects/p/snapshots/{name}")
        self.commit()
        self.model.sought_to_snapshot(name)

    @attached
    @precondition(lambda self: len(self.model.messages) > 8)
    @rule()
    def detach(self):
        self.broker.detach(self.subscription)
        self.commit()
        self.model.detached()
        self.detached = True

    # What happens to everybody

    @rule(seconds=st.sampled_from([0.5, 3, 10, 30, 30, 599, 601]))
    def pass_time(self, seconds):
        self.clock.advance(seconds)
        self.model.time_is(self.now)

    @rule()
    def commit(self):
        self.run(self.broker.journal.commit())
        self.model.committed()

    @rule()
    def restart(self):
        self.commit()
        self.broker.end(Unavailable("the emulator is stopping"))
        self.run(self.broker.journal.close())
        self.model.restarted()
        self.begin_life()

    @rule(publishing=st.booleans())
    def crash(self, publishing):
        if publishing:  # what is not answered is not there, even if it was begun
            self.loop.create_task(self.broker.publish(TOPIC, [as_proto(-1, "", True)]))
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
        self.model.crashed()
        self.begin_life()

    # What always holds

    @invariant()
    def nothing_is_lost_or_invented(self):
        unacked = self.subscription.counts()["unacked"]
        assert self.model.is_counted(unacked), f"{unacked} of {self.model.messages}"

    @invariant()
    def a_detached_subscription_delivers_nothing(self):
        if self.detached:
            with pytest.raises(FailedPrecondition):
                self.subscription.take(1)

    def teardown(self):
        if not hasattr(self, "loop"):
            return
        if not self.detached:
            for _ in range(3 * len(self.model.messages) + 3):
                self.pass_time(5)
                before = len(self.deliveries)
                self.take(100)
                for delivery in self.deliveries[before:]:
                    self.ack_delivery(*delivery)
            self.commit()
        assert self.subscription.counts()["unacked"] == 0
        assert {one.fate for one in self.model.messages} <= {*FINISHED, Fate.UNSURE}
        self.check_letters()
        self.loop.close()
        self.store.close()

    def check_letters(self):
        """Every dead message stands on the dead-letter topic, and as often as it died."""
        self.commit()
        letters = self.broker.subscription(LETTERS).take(1000)
        found = [int(protos.PubsubMessage.FromString(one.body).data) for one in letters]
        for message in self.model.messages:
            if message.number not in self.model.unsure_letters:
                assert found.count(message.number) == message.letters, message

    # How

    @property
    def now(self):
        return self.clock.now()

    @property
    def subscription(self):
        return self.broker.subscription(SUBSCRIPTION)

    def begin_life(self):
        """Start a broker on what the store holds; whatever an earlier one left undone is lost."""
        if hasattr(self, "loop"):
            for task in asyncio.all_tasks(self.loop):
                task._log_destroy_pending = False
            self.loop.close()
            self.clock.forget_timers()
            self.clock.advance(0.001)
        self.loop = asyncio.new_event_loop()
        self.run(self.load())
        self.pass_time(0)

    async def load(self):
        self.broker = Broker(self.store, self.clock, FakePusher, threaded=False, failed=pytest.fail)
        self.admin = Admin(self.broker, self.store)

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def ack_delivery(self, number, ack_id):
        failed = self.subscription.ack([ack_id])
        if self.model.exactly_once:
            self.run(self.broker.journal.commit())  # as the RPC does before it answers
        self.model.acked(number, ack_id, accepted=not failed)
        if self.model.exactly_once:
            self.model.committed()


def as_proto(number, key, wanted):
    attributes = {"wanted": ""} if wanted else {}
    return protos.PubsubMessage(data=b"%d" % number, ordering_key=key, attributes=attributes)


Histories.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, database=None
)
test_any_history = Histories.TestCase
