"""The pusher on a broker in memory: what it sends when, to an endpoint that answers as told."""

import asyncio
import logging

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub import protos
from emulators.pubsub.broker import Broker
from emulators.pubsub.iam.permits import agent_of
from emulators.pubsub.iam.protos import Binding, Policy
from emulators.pubsub.push.client import Outcome
from emulators.pubsub.push.pusher import Pusher
from emulators.pubsub.push.window import PushWindow
from emulators.pubsub.tokens import TokenIssuer
from tests.unit.pubsub.conftest import DEAD, SUBSCRIPTION

ACCOUNT = "pusher@p.iam.gserviceaccount.com"
MOST_BYTES = 1000
URL = "https://example.com/push"


class FakeEndpoint:
    """A push client whose endpoint answers with `statuses` in turn, then 200; or not until told."""

    def __init__(self):
        self.requests = []
        self.statuses = []
        self.answer = asyncio.Event()
        self.answer.set()

    async def post(self, url, body, headers, timeout_seconds):
        self.requests.append((body, headers, timeout_seconds))
        await self.answer.wait()
        return Outcome(self.statuses.pop(0) if self.statuses else 200)

    def bodies(self):
        return [body for body, _, _ in self.requests]


@pytest.fixture
def endpoint():
    return FakeEndpoint()


@pytest.fixture
def enforce_iam():
    return False


@pytest.fixture
def backoff():
    return False


@pytest.fixture
async def broker(store, clock, endpoint, enforce_iam, backoff):
    def make_pusher(subscription):
        return Pusher(
            subscription,
            client=endpoint,
            tokens=TokenIssuer(None, lambda: 1_700_000_000.0),
            permits=broker.permits,
            window=PushWindow(backoff=backoff),
            clock=clock,
            most_bytes=MOST_BYTES,
        )

    broker = Broker(
        store, clock, make_pusher, threaded=False, failed=pytest.fail, enforce_iam=enforce_iam
    )
    return broker


@pytest.fixture
def subscribe_push(subscribe):
    """A push subscription whose requests are the messages' data."""

    async def subscribe_push(*, config=None, **fields):
        push = {"push_endpoint": URL, "no_wrapper": {}, **(config or {})}
        return await subscribe(push_config=protos.PushConfig(**push), **fields)

    return subscribe_push


async def turns(count=30):
    """Let everything that can happen without time passing happen."""
    for _ in range(count):
        await asyncio.sleep(0)


def grant(broker, resource, role):
    member = f"serviceAccount:{agent_of('p')}"
    policy = broker.policies.of(resource)
    policy.bindings.append(Binding(role=role, members=[member]))
    broker.policies.replace(resource, policy, audit=False)


def retry(seconds):
    return protos.RetryPolicy(
        minimum_backoff={"seconds": seconds}, maximum_backoff={"seconds": seconds}
    )


async def test_a_message_is_sent_with_the_ack_deadline_as_its_time_out(
    subscribe_push, publish, endpoint
):
    subscription = await subscribe_push(ack_deadline_seconds=17)
    await publish(b"x")
    await turns()

    assert endpoint.requests == [(b"x", {}, 17)]
    assert subscription.counts()["unacked"] == 0


async def test_a_keys_next_message_waits_while_the_one_before_is_out(
    subscribe_push, publish, endpoint
):
    await subscribe_push(enable_message_ordering=True)
    endpoint.answer.clear()
    await publish(b"a1", b"a2", ordering_key="a")
    await publish(b"b1", ordering_key="b")
    await turns()
    assert endpoint.bodies() == [b"a1", b"b1"]

    endpoint.answer.set()
    await turns()

    assert endpoint.bodies() == [b"a1", b"b1", b"a2"]


async def test_a_keys_retry_delay_holds_its_later_messages_and_no_other_keys(
    subscribe_push, publish, endpoint, clock
):
    await subscribe_push(enable_message_ordering=True, retry_policy=retry(20))
    endpoint.statuses = [500]
    await publish(b"a1", b"a2", ordering_key="a")
    await turns()
    await publish(b"b1", ordering_key="b")
    await turns()
    clock.advance(19)
    await turns()
    assert endpoint.bodies() == [b"a1", b"b1"]

    clock.advance(2)
    await turns()

    assert endpoint.bodies() == [b"a1", b"b1", b"a1", b"a2"]


async def test_what_is_out_when_push_turns_to_pull_still_counts(
    subscribe_push, publish, endpoint, admin
):
    subscription = await subscribe_push()
    endpoint.answer.clear()
    await publish(b"x")
    await turns()

    changes = protos.Subscription(name=SUBSCRIPTION)
    await admin.update_subscription(changes, FieldMask(paths=["push_config"]))
    await publish(b"y")
    endpoint.answer.set()
    await turns()

    assert endpoint.bodies() == [b"x"]
    assert subscription.counts()["unacked"] == 1
    assert len(subscription.take(10)) == 1


async def test_what_a_puller_holds_when_pull_turns_to_push_is_pushed_after_its_deadline(
    subscribe, publish, endpoint, admin, clock
):
    subscription = await subscribe(ack_deadline_seconds=10)
    await publish(b"x", b"y")
    subscription.take(1)
    config = protos.PushConfig(push_endpoint=URL, no_wrapper={})
    changes = protos.Subscription(name=SUBSCRIPTION, push_config=config)
    await admin.update_subscription(changes, FieldMask(paths=["push_config"]))
    await turns()
    assert len(endpoint.requests) == 1

    clock.advance(11)
    await turns()

    assert sorted(endpoint.bodies()) == [b"x", b"y"]


async def test_more_is_not_sent_while_a_great_many_bytes_are_out(subscribe_push, publish, endpoint):
    await subscribe_push()
    endpoint.answer.clear()
    await publish(b"x" * MOST_BYTES)
    await turns()
    await publish(b"y")
    await turns()
    assert len(endpoint.requests) == 1

    endpoint.answer.set()
    await turns()

    assert len(endpoint.requests) == 2


class TestBackOff:
    """Of a retry policy and the documented push back-off the longer wait holds."""

    @pytest.fixture
    def backoff(self):
        return True

    @pytest.fixture
    def wait_for(self, endpoint, clock):
        """Return the seconds until `count` requests have gone out."""

        async def wait_for(count):
            for seconds in range(200):
                await turns()
                if len(endpoint.requests) >= count:
                    return seconds
                clock.advance(1)
            return None

        return wait_for

    async def test_the_retry_policy_holds_a_message_back_longer(
        self, subscribe_push, publish, endpoint, wait_for
    ):
        await subscribe_push(retry_policy=retry(100))
        endpoint.statuses = [500]
        await publish(b"x")

        assert await wait_for(1) == 0
        assert 99 <= await wait_for(2) <= 101

    async def test_the_back_off_holds_a_subscription_back_longer(
        self, subscribe_push, publish, endpoint, wait_for
    ):
        await subscribe_push(retry_policy=retry(1))
        endpoint.statuses = [500] * 50
        await publish(b"x")
        waits = [await wait_for(count) for count in range(1, 41)]

        assert waits[0] == 0
        assert waits[1] <= 2
        assert 40 < waits[-1] <= 61

    async def test_it_ends_when_the_endpoint_recovers(
        self, subscribe_push, publish, endpoint, wait_for
    ):
        await subscribe_push()
        endpoint.statuses = [500] * 10
        await publish(*(b"%d" % number for number in range(40)))
        await wait_for(50)
        await publish(*(b"%d" % number for number in range(40)))

        assert await wait_for(90) == 0


class TestEnforcement:
    """`--iam enforce`: without the grants nothing is forwarded and nothing signed."""

    @pytest.fixture
    def enforce_iam(self):
        return True

    @pytest.fixture
    def config(self):
        return {"no_wrapper": None, "oidc_token": {"service_account_email": ACCOUNT}}

    async def test_nothing_is_sent_without_the_token_it_should_have(
        self, subscribe_push, publish, endpoint, config, caplog, clock
    ):
        subscription = await subscribe_push(config=config)
        with caplog.at_level(logging.ERROR, "emulators.pubsub"):
            await publish(b"x", b"y")
            await turns()
            for _ in range(5):
                clock.advance(1)
                await turns()

        assert endpoint.requests == []
        assert subscription.counts()["unacked"] == 2
        (record,) = caplog.records
        assert "roles/iam.serviceAccountTokenCreator" in record.getMessage()
        assert record.fields == {"subscription": SUBSCRIPTION}

    async def test_a_grant_lets_them_go(
        self, subscribe_push, publish, endpoint, config, broker, clock
    ):
        await subscribe_push(config=config)
        await publish(b"x")
        await turns()

        grant(
            broker,
            f"projects/-/serviceAccounts/{ACCOUNT}",
            "roles/iam.serviceAccountTokenCreator",
        )
        clock.advance(1)
        await turns()

        assert [headers["Authorization"][:7] for _, headers, _ in endpoint.requests] == ["Bearer "]

    async def test_without_grants_an_exhausted_message_is_delivered_again_uncounted(
        self, subscribe, publish, caplog
    ):
        policy = protos.DeadLetterPolicy(dead_letter_topic=DEAD, max_delivery_attempts=5)
        subscription = await subscribe(dead_letter_policy=policy)
        await publish(b"x")
        attempts = []
        with caplog.at_level(logging.ERROR, "emulators.pubsub"):
            for _ in range(8):
                (received,) = subscription.take(1)
                attempts.append(received.attempt)
                subscription.modify([received.ack_id], 0)

        assert attempts == [0] * 8
        (record,) = caplog.records
        assert f"roles/pubsub.publisher on {DEAD}" in record.getMessage()
        assert f"roles/pubsub.subscriber on {SUBSCRIPTION}" in record.getMessage()

    async def test_with_both_grants_it_is_dead_lettered(self, subscribe, publish, broker):
        policy = protos.DeadLetterPolicy(dead_letter_topic=DEAD, max_delivery_attempts=5)
        subscription = await subscribe(dead_letter_policy=policy)
        grant(broker, DEAD, "roles/pubsub.publisher")
        grant(broker, SUBSCRIPTION, "roles/pubsub.subscriber")
        await publish(b"x")
        for attempt in range(1, 6):
            (received,) = subscription.take(1)
            assert received.attempt == attempt
            subscription.modify([received.ack_id], 0)

        assert subscription.counts()["unacked"] == 0
        assert broker.topic(DEAD).numbered == 1


async def test_a_policy_goes_with_its_resource(admin, broker, subscribe):
    await subscribe()
    for name in (DEAD, SUBSCRIPTION):
        broker.policies.replace(
            name, Policy(bindings=[Binding(role="roles/owner", members=["allUsers"])]), audit=False
        )

    await admin.delete_topic(DEAD)
    await admin.delete_subscription(SUBSCRIPTION)

    assert not broker.policies.of(DEAD).bindings
    assert not broker.policies.of(SUBSCRIPTION).bindings
