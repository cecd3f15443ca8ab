"""What an emulator has promised and what it has delivered: finds broken promises, does no I/O."""

from collections import defaultdict
from collections.abc import Iterable, Sequence


class Promises:
    """The book of one topic's messages, each known by a number of its own.

    Numbers of one ordering key are published in ascending order. `broken` says what was not kept.
    """

    def __init__(self, subscriptions: Sequence[str]) -> None:
        self.broken: list[str] = []
        self._expected: set[int] = set()
        self._answered = 0
        self._seen: dict[str, set[int]] = {name: set() for name in subscriptions}
        self._confirmed: dict[str, set[int]] = {name: set() for name in subscriptions}
        self._newest: dict[tuple[str, str], int] = defaultdict(int)

    def answered(self, numbers: Iterable[int]) -> None:
        """Expect messages whose publish was answered on every subscription."""
        new = set(numbers)
        self._answered += len(new)
        self._expected |= new

    def delivered(self, subscription: str, number: int, key: str = "") -> None:
        """Note a delivery. With a key, the first deliveries of a key's messages keep their order.

        What one subscription has got, answered or not, the others must get too.
        """
        if number in self._confirmed[subscription]:
            self.broken.append(f"{subscription}: {number} came again after its ack was confirmed")
        if number in self._seen[subscription]:
            return
        if key and number < self._newest[subscription, key]:
            later = self._newest[subscription, key]
            self.broken.append(f"{subscription}: {number} of key {key!r} came only after {later}")
        self._newest[subscription, key] = max(number, self._newest[subscription, key])
        self._seen[subscription].add(number)
        self._expected.add(number)

    def confirmed(self, subscription: str, numbers: Iterable[int]) -> None:
        """Expect messages never again: the answer to their ack has come."""
        self._confirmed[subscription].update(numbers)

    def missing(self, subscription: str) -> set[int]:
        """Return what has not come yet."""
        return self._expected - self._seen[subscription]

    def counts(self) -> dict[str, int]:
        """Return how much was promised and seen."""
        return {
            "answered": self._answered,
            "delivered": sum(map(len, self._seen.values())),
            "confirmed": sum(map(len, self._confirmed.values())),
        }
