"""A broker in memory, with a clock that stands still until a test moves it."""

import heapq
import itertools
from types import SimpleNamespace

import pytest

from emulators.pubsub import protos
from emulators.pubsub.admin import Admin
from emulators.pubsub.broker import Broker
from emulators.pubsub.store import Store

TOPIC, DEAD = "projects/p/topics/letters", "projects/p/topics/dead-letters"
SUBSCRIPTION = "projects/p/subscriptions/readers"


class ManualClock:
    """Time that passes when a test says so; `timers` run as it passes them."""

    def __init__(self):
        self._now = 1000.0
        self._wall_ns = 1_700_000_000 * 10**9
        self._timers = []
        self._numbers = itertools.count()

    def now(self):
        return self._now

    def wall_ns(self):
        return self._wall_ns

    def call_at(self, when, callback):
        timer = SimpleNamespace(callback=callback, cancelled=False)
        timer.cancel = lambda: setattr(timer, "cancelled", True)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def set_wall_back(self, seconds):
        """Do what a correction of the machine's clock does."""
        self._wall_ns -= int(seconds * 1e9)

    def fall_behind(self, seconds):
        """Let time pass while the loop is too busy to run timers."""
        self._move_to(self._now + seconds)

    def forget_timers(self):
        """Do to those who wait what the end of their process does."""
        self._timers.clear()

    def advance(self, seconds):
        """Let time pass, and run the timers that come due."""
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            self._move_to(when)
            if not timer.cancelled:
                timer.callback()
        self._move_to(end)

    def _move_to(self, when):
        passed = max(0.0, when - self._now)
        self._now += passed
        self._wall_ns += round(passed * 1e9)


class FakePusher:
    """Notes what it is told, and sends nothing."""

    def __init__(self, subscription):
        self.subscription = subscription
        self.pumped = 0
        self.stopped = False

    def pump(self):
        self.pumped += 1

    def stop(self):
        self.stopped = True


class RecordingStore(Store):
    """A store in memory that keeps the batches it was given."""

    def __init__(self):
        super().__init__(":memory:", synchronous="off")
        self.batches = []

    def apply(self, batch):
        super().apply(batch)
        self.batches.append(batch)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store():
    store = RecordingStore()
    yield store
    store.close()


@pytest.fixture
async def broker(store, clock):
    """A broker without topics."""
    return Broker(store, clock, FakePusher, threaded=False, failed=pytest.fail)


@pytest.fixture
async def admin(broker, store):
    """Its resources, with the topics `TOPIC` and `DEAD`."""
    admin = Admin(broker, store)
    for name in (TOPIC, DEAD):
        await admin.create_topic(protos.Topic(name=name))
    return admin


@pytest.fixture
def subscribe(admin, broker):
    """Create a subscription to `TOPIC`; return it as it runs."""

    async def subscribe(name=SUBSCRIPTION, topic=TOPIC, **fields):
        await admin.create_subscription(protos.Subscription(name=name, topic=topic, **fields))
        return broker.subscription(name)

    return subscribe


@pytest.fixture
def publish(broker):
    """Publish messages with these bodies; return their ids."""

    async def publish(*bodies, topic=TOPIC, **fields):
        messages = [protos.PubsubMessage(data=body, **fields) for body in bodies]
        return await broker.publish(topic, messages)

    return publish


def bodies(received):
    """Return the data of pulled messages."""
    return [protos.PubsubMessage.FromString(one.body).data for one in received]
