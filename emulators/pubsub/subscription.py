"""One subscription while the emulator runs: its engine, its timer, who waits for messages."""

import asyncio
from collections.abc import Callable, Iterable

from emulators.pubsub import protos
from emulators.pubsub.ageing import Ageing
from emulators.pubsub.bodies import Bodies
from emulators.pubsub.clock import Clock
from emulators.pubsub.consumers import Consumers
from emulators.pubsub.engine import Engine
from emulators.pubsub.errors import FailedPrecondition, InvalidArgument
from emulators.pubsub.pulse import Pulse
from emulators.pubsub.resources import policy_of
from emulators.pubsub.roles import Ledger, Owner, Pusher
from emulators.pubsub.sources import PlainSource, Source, Taken
from emulators.pubsub.subscription_backlog import SubscriptionBacklog
from emulators.pubsub.topic import LiveTopic
from emulators.pubsub.transforms.choice import TransformChoice
from emulators.pubsub.transforms.stage import Runner
from emulators.pubsub.wire import AckId, Received

MAX_PULL_BYTES = 9_000_000


class Subscription(SubscriptionBacklog):
    """All of one subscription's deliveries. Every method runs on the event loop's thread."""

    def __init__(
        self,
        subscription_id: int,
        resource: protos.Subscription,
        topic: LiveTopic,
        *,
        engine: Engine,
        bodies: Bodies,
        retained_from: int,
        clock: Clock,
        owner: Owner,
        ledger: Ledger,
        make_pusher: Callable[["Subscription"], Pusher],
        runner: Runner,
        floor: int,
    ) -> None:
        self.id = subscription_id
        self.topic = topic
        self.floor = floor
        self.pusher: Pusher | None = None
        self.consumers = Consumers()
        self._engine = engine
        self._bodies = bodies
        self._clock = clock
        self._owner = owner
        self._ledger = ledger
        self._make_pusher = make_pusher
        self._endpoint = ""
        self._plain = PlainSource(engine, self._message)
        self._source: Source = self._plain
        self._transforms = TransformChoice(engine, runner, self._message, clock, self._look)
        self._pulse = Pulse(engine, clock, self._look)
        self._gone: Exception | None = None
        # Of what is acked, later messages than this one are retained, where that is asked for.
        self.retained_from = retained_from
        self._ageing = Ageing(
            topic, bodies, clock, too_old=self._on_age, unused=self._on_long_unused
        )
        self.resource = resource
        self.configure(resource)

    def configure(self, resource: protos.Subscription) -> None:
        """Take over a changed resource, or a changed topic; leases keep their deadline."""
        if resource.retain_acked_messages and not self.resource.retain_acked_messages:
            self.retained_from, _ = self._engine.position()
            self._ledger.retains(self)
        self.resource = resource
        self.topic.show_retention(resource)
        self._engine.policy = policy_of(resource)
        if self._gone:
            return
        self._source = self._transforms.stage_of(resource) or self._plain
        self._ageing.configure(resource)
        if resource.push_config.push_endpoint != self._endpoint:
            self._push_to(resource.push_config.push_endpoint)
        self._look()

    def published(self, head: int) -> None:
        """Learn of new messages."""
        self._engine.publish(head)
        self._ageing.published()
        self._look()

    def seek(self, floor: int, acked: list[int]) -> None:
        """Let all up to `floor` be acked, `acked` beyond it, and nothing else; leases end.

        Raises: what `end` was told.
        """
        if self._gone:
            raise self._gone
        self._ageing.used()
        self._engine.seek(floor, acked)
        self.floor = floor
        self._ledger.sought(self, acked)
        self._ageing.sought()
        self._drop_old()
        self._look()

    def check_pull(self) -> None:
        """Raises: what `end` was told; FailedPrecondition on a push subscription."""
        if self._gone:
            raise self._gone
        if self.pusher:
            raise self._push_only()

    async def pull(self, limit: int, wait_seconds: float) -> list[Received]:
        """Return up to `limit` deliveries, waiting for the first; empty after `wait_seconds`."""
        received = self.take(limit)
        if received or wait_seconds <= 0:
            return received
        try:
            async with asyncio.timeout(wait_seconds):
                return await self._take_in_turn(limit)
        except TimeoutError:
            return []

    def take(
        self,
        limit: int,
        *,
        per_key: int | None = None,
        lease_seconds: float | None = None,
        max_bytes: int = MAX_PULL_BYTES,
        consumer: int = 0,
    ) -> list[Received]:
        """Return up to `limit` deliveries that are available now, of about `max_bytes` at most.

        Their lease is `lease_seconds`, else the ack deadline; of one key there are `per_key`, and
        none while earlier ones are outstanding with another than `consumer`.
        """
        if self._gone:
            raise self._gone
        if not self.pusher:  # a push is use when it is acked
            self._ageing.used()
        self._drop_old()
        taken = self._source.take(
            limit,
            self._clock.now(),
            per_key=per_key,
            lease_seconds=lease_seconds or self._engine.policy.ack_deadline,
            max_bytes=max_bytes,
            consumer=consumer,
        )
        received = self._as_received(taken)
        self._look()
        return received

    def ack(self, ack_ids: Iterable[AckId]) -> list[AckId]:
        """Finish messages; return the ids that failed, none unless exactly-once is on.

        Raises: InvalidArgument if an id is another subscription's.
        """
        own = self._own(ack_ids)
        exactly_once = self._engine.policy.exactly_once
        if exactly_once:
            own.sort()  # of an ordering key, an earlier one's ack makes way for the later one's
            self._engine.tick(self._clock.now())
        failed = [one for one in own if not self._engine.ack(one.seq, one.generation)]
        self._look()
        return failed if exactly_once else []

    def modify(self, ack_ids: Iterable[AckId], seconds: float) -> list[AckId]:
        """Set deadlines to `seconds` from now, 0 is a nack; return and raise as `ack` does."""
        now = self._clock.now()
        failed = [
            one
            for one in self._own(ack_ids)
            if not self._engine.modify(one.seq, one.generation, seconds, now)
        ]
        self._look()
        return failed if self._engine.policy.exactly_once else []

    def give_back(self, ack_ids: Iterable[AckId]) -> None:
        """Make deliveries that never left the emulator available again, at once."""
        for ack_id in ack_ids:
            self._engine.give_back(ack_id.seq, ack_id.generation)
        self._look()

    def end(self, reason: Exception) -> None:
        """Deliver nothing from now on; who waits gets `reason`."""
        self._gone = reason
        self._pulse.stop()
        if self.pusher:
            self.pusher.stop()
        self._ageing.end()
        self._source.stop()
        self.consumers.end(reason)

    # How

    def _push_to(self, endpoint: str) -> None:
        """Start anew with another endpoint, which owes nothing to the former's back-off."""
        if self.pusher:
            self.pusher.stop()
        self._endpoint = endpoint
        self.pusher = self._make_pusher(self) if endpoint else None
        if self.pusher:
            self.consumers.end(self._push_only())

    def _push_only(self) -> FailedPrecondition:
        name = self.resource.name
        return FailedPrecondition(f"{name!r} is a push subscription, it cannot be pulled")

    def _own(self, ack_ids: Iterable[AckId]) -> list[AckId]:
        self._ageing.used()
        own = list(dict.fromkeys(ack_ids))  # an id twice in a request is one ack
        for ack_id in own:
            if ack_id.subscription != self.id:
                raise InvalidArgument(f"ack_id '{ack_id}' belongs to another subscription")
        return own

    def _drop_old(self) -> None:
        """Give up what is older than the subscription keeps; cheap where nothing can be so."""
        too_old = self._ageing.too_old(self.floor)
        if too_old > self.floor:
            self._engine.drop_through(too_old)

    def _on_age(self) -> None:
        self._drop_old()
        self._look()

    def _on_long_unused(self) -> None:
        if self.consumers.streams or len(self.consumers.line):
            self._ageing.used()
        if self._ageing.is_unused():
            self._owner.expired(self)

    def _as_received(self, taken: list[Taken]) -> list[Received]:
        shown = self._owner.counts_attempts(self.resource)
        return [
            Received(AckId(self.id, seq, generation), body, attempt if shown else 0)
            for (seq, generation, attempt), body in taken
        ]

    async def _take_in_turn(self, limit: int) -> list[Received]:
        received: list[Received] = []
        while not received:
            await self.consumers.line.turn(pass_on=self._look)
            self.check_pull()
            received = self.take(limit)
        return received

    def _look(self) -> None:
        """After any change: forward what is exhausted, wake who can be served, set the timer."""
        if self._gone:
            return
        released, self._engine.released = self._engine.released, []
        self.consumers.outstanding.remove(released)
        exhausted, self._engine.exhausted = self._engine.exhausted, []
        for seq, deliveries in exhausted:
            self._owner.forward(self, seq, deliveries)
        if self._engine.has_changes():
            self._ledger.touched(self)
        self.consumers.wake_for(self._engine.kept())
        if self._source.has_ready():
            self._wake()
        if not self._gone:
            self._pulse.set()

    def _wake(self) -> None:
        if self.pusher:
            self.pusher.pump()
        self.consumers.line.call()
