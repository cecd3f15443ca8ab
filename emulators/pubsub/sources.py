"""Where a subscription takes its deliveries from, each with the body to send."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from emulators.pubsub.engine import Delivery, Engine


class Taken(NamedTuple):
    """A delivery and the body to send."""

    delivery: Delivery
    body: bytes


class Source(Protocol):
    """What a subscription takes its deliveries from."""

    def has_ready(self) -> bool:
        """Say whether `take` is worth a call; it may still come back empty."""

    def available(self) -> int:
        """Return how many messages `take` may find at most."""

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
        """Hand out up to `limit` deliveries to `consumer`, of about `max_bytes` at most."""

    def stop(self) -> None:
        """Hand out nothing more; what has not been handed out is available again."""


class PlainSource:
    """Messages as they were published."""

    def __init__(self, engine: Engine, body: Callable[[int], bytes | None]) -> None:
        self._engine = engine
        self._body = body

    def has_ready(self) -> bool:
        return self._engine.has_ready()

    def available(self) -> int:
        return self._engine.available()

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
        deliveries = self._engine.take(
            limit, now, per_key=per_key, lease_seconds=lease_seconds, consumer=consumer
        )
        taken: list[Taken] = []
        size = 0
        for number, delivery in enumerate(deliveries):
            body = self._body(delivery.seq)
            if body is None:  # older than the topic's log, so nobody can want it
                self._engine.ack(delivery.seq, delivery.generation)
                continue
            size += len(body)
            if taken and size > max_bytes:
                for later in deliveries[number:]:
                    self._engine.give_back(later.seq, later.generation)
                break
            taken.append(Taken(delivery, body))
        return taken

    def stop(self) -> None:
        return
