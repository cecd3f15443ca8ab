"""Where a seek to a time leaves a subscription: pure, messages are sequence numbers."""

from collections.abc import Iterable


def sought(
    floor: int, acked: Iterable[int], *, before: int, replayable_after: int
) -> tuple[int, list[int]]:
    """Return floor and acks beyond it after a seek to a time.

    What is up to `before` was published earlier than the time, so it is acked. Of the rest, what
    comes after `replayable_after` is still retained, so it is unacked; the others keep their state.
    Source: Pub/Sub, `SeekRequest.time`.
    """
    new_floor = max(before, min(floor, replayable_after))
    return new_floor, [seq for seq in acked if new_floor < seq <= replayable_after]
