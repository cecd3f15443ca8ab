"""Transformed messages that wait for a consumer. Pure; it remembers who has what of each key."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from emulators.pubsub.engine import Delivery
from emulators.pubsub.sources import Taken

KEYS_LOOKED_THROUGH = 1000  # beyond so many, ordering keys that nobody has are forgotten


class _Waiting(NamedTuple):
    taken: Taken
    key: str


class Prepared:
    """Messages in order; those of an ordering key go to one consumer at a time.

    `is_out` says whether a delivery still counts: what does not is handed to nobody.
    """

    def __init__(self, is_out: Callable[[Delivery], bool]) -> None:
        self._is_out = is_out
        self._waiting: list[_Waiting] = []
        self._handed_out: dict[str, list[Delivery]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, taken: Taken, key: str) -> None:
        """Let a message wait; `key` is "" where no order is kept."""
        self._waiting.append(_Waiting(taken, key))

    def has_ready(self) -> bool:
        """Say whether `hand_out` would find something."""
        return any(self._is_out(one.taken.delivery) and self._is_free(one.key) for one in self)

    def hand_out(self, limit: int, max_bytes: int) -> list[Taken]:
        """Return up to `limit` messages of about `max_bytes`, of each key only if it is free."""
        found: list[_Waiting] = []
        kept: list[_Waiting] = []
        free: dict[str, bool] = {}
        size, full = 0, False
        for one in self:
            if not self._is_out(one.taken.delivery):
                continue
            if one.key not in free:
                free[one.key] = self._is_free(one.key)
            if free[one.key]:
                size += len(one.taken.body)
                full = full or len(found) >= limit or (bool(found) and size > max_bytes)
            (found if free[one.key] and not full else kept).append(one)
        self._waiting = kept
        self._remember(found)
        return [one.taken for one in found]

    def clear(self) -> list[Delivery]:
        """Forget everything; return the deliveries that nobody has got."""
        waiting, self._waiting = self._waiting, []
        return [one.taken.delivery for one in waiting]

    def __iter__(self) -> Iterator[_Waiting]:
        return iter(self._waiting)

    def _is_free(self, key: str) -> bool:
        """Say whether nobody has a message of this key; nothing holds back what has none."""
        return not any(map(self._is_out, self._handed_out.get(key, ())))

    def _remember(self, found: list[_Waiting]) -> None:
        for key in {one.key for one in found if one.key}:
            self._handed_out[key] = []  # it was free, so nothing of before counts
        for one in found:
            if one.key:
                self._handed_out[one.key].append(one.taken.delivery)
        if len(self._handed_out) > KEYS_LOOKED_THROUGH:
            handed_out = self._handed_out.items()
            self._handed_out = {key: had for key, had in handed_out if any(map(self._is_out, had))}
