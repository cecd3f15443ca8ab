"""Between a subscription's engine and its consumers: messages wait here while they are transformed.

What is here is leased from the engine, without a deadline, under the generation that its consumer
will see; the ack deadline begins when it is handed out. Every method runs on the event loop.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from emulators.pubsub.clock import Clock, Timer
from emulators.pubsub.engine import Delivery, Engine
from emulators.pubsub.errors import FailedPrecondition
from emulators.pubsub.logs import log
from emulators.pubsub.protos import MessageTransform, PubsubMessage
from emulators.pubsub.seldom import Seldom
from emulators.pubsub.sources import Taken
from emulators.pubsub.transforms.chain import Failed, Outcome
from emulators.pubsub.transforms.prepared import Prepared

ROOM = 200  # messages that may be here at once
TOGETHER = 50  # of them transformed in one go
PAUSE_SECONDS = 0.1  # after a failure, so that no message fails in a busy loop


class Runner(Protocol):
    """What applies transforms."""

    async def run(
        self, transforms: Sequence[MessageTransform], messages: Sequence[PubsubMessage]
    ) -> list[Outcome]:
        """Return what becomes of each message."""


class TransformStage:
    """The transforms of one subscription at work; `changed` is called when something is ready."""

    def __init__(
        self,
        transforms: Sequence[MessageTransform],
        *,
        engine: Engine,
        runner: Runner,
        body: Callable[[int], bytes | None],
        ordered: bool,
        name: str,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.transforms = list(transforms)
        self._engine = engine
        self._runner = runner
        self._body = body
        self._ordered = ordered
        self._fields = {"subscription": name}
        self._clock = clock
        self._seldom = Seldom(clock)
        self._changed = changed
        self._prepared = Prepared(lambda one: engine.is_out(one.seq, one.generation))
        self._under_way: deque[Delivery] = deque()
        self._resumes_at = -math.inf
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def has_ready(self) -> bool:
        """Say whether `take` may find something, or begin to transform something."""
        return self._prepared.has_ready() or (self._room() > 0 and self._engine.has_ready())

    def available(self) -> int:
        """Return how many messages `take` may find at most, now or soon."""
        return len(self._prepared) + self._engine.available()

    def take(
        self,
        limit: int,
        now: float,
        *,
        per_key: int | None,
        lease_seconds: float,
        max_bytes: int,
        consumer: int = 0,
    ) -> list[Taken]:
        """Hand out up to `limit` messages that are transformed, and begin with the next ones.

        An ordering key rests until all that is handed out of it is acked, whoever `consumer` is.
        """
        taken = self._prepared.hand_out(limit, max_bytes)
        for (seq, generation, _), _body in taken:
            self._engine.modify(seq, generation, lease_seconds, now)
        self._begin(min(limit, self._room()), now, per_key)
        return taken

    def stop(self) -> None:
        """Transform no more; what is here is available again."""
        if self._task:
            self._task.cancel()
        if self._timer:
            self._timer.cancel()
        for delivery in (*self._prepared.clear(), *self._under_way):
            self._engine.give_back(delivery.seq, delivery.generation)
        self._under_way.clear()

    def _pause(self) -> None:
        now = self._clock.now()
        if now >= self._resumes_at:
            self._resumes_at = now + PAUSE_SECONDS
            self._timer = self._clock.call_at(self._resumes_at, self._changed)

    def _room(self) -> int:
        if self._clock.now() < self._resumes_at:
            return 0
        return ROOM - len(self._prepared) - len(self._under_way)

    def _begin(self, limit: int, now: float, per_key: int | None) -> None:
        if limit <= 0:
            return
        self._under_way += self._engine.take(limit, now, per_key=per_key, lease_seconds=math.inf)
        if self._under_way and self._task is None:
            self._task = asyncio.ensure_future(self._transform())

    async def _transform(self) -> None:
        try:
            while self._under_way:
                await self._transform_some(list(islice(self._under_way, TOGETHER)))
                self._changed()
        finally:
            self._task = None

    async def _transform_some(self, deliveries: Sequence[Delivery]) -> None:
        bodies = [self._body(delivery.seq) for delivery in deliveries]
        outcomes = iter(await self._outcomes([body for body in bodies if body is not None]))
        for delivery, body in zip(deliveries, bodies, strict=True):
            self._under_way.popleft()
            # No body: older than the topic's log, so nobody can want it.
            self._settle(delivery, None if body is None else next(outcomes))

    async def _outcomes(self, bodies: Sequence[bytes]) -> list[Outcome]:
        messages = [PubsubMessage.FromString(body) for body in bodies]
        try:
            return await self._runner.run(self.transforms, messages)
        except FailedPrecondition as error:  # what was there when it was created is gone
            return [Failed(str(error))] * len(messages)

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Keep a result for its consumer; a message filtered out is acked, a failed one nacked."""
        seq, generation, _ = delivery
        if isinstance(outcome, PubsubMessage):
            key = outcome.ordering_key if self._ordered else ""
            self._prepared.add(Taken(delivery, outcome.SerializeToString()), key)
        elif outcome is None:
            if self._engine.is_out(seq, generation):
                self._engine.forwarded(seq)  # out of its turn, where an ack would have to wait
        else:
            if self._seldom.due(str(outcome)):
                log.warning("transform failed: %s", outcome, extra={"fields": self._fields})
            self._engine.modify(seq, generation, 0, self._clock.now())
            self._pause()
