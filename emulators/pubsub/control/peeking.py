"""Shows a subscription's unacked messages to people who look in: nothing is leased or counted."""

from collections.abc import Iterable, Iterator
from itertools import islice

from google.protobuf.json_format import MessageToDict

from emulators.pubsub import protos
from emulators.pubsub.control.fields import whole_number
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.store import StoredMessage, seq_of
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.unacked import Glimpse

MOST = 1000


def peek(subscription: Subscription, limit: int, after: str) -> dict[str, object]:
    """Return up to `limit` unacked messages after the one with the id `after`, oldest first.

    `state` is ready, outstanding, delayed (backing off), held (acked, but something earlier of its
    ordering key is not) or exhausted (about to be dead-lettered).
    """
    if not 1 <= limit <= MOST:
        raise InvalidArgument(f"limit {limit} is not 1 to {MOST}")
    position = whole_number(after or "0")
    if position is None:
        raise InvalidArgument(f"page_token {after[:40]!r} is not one that a peek gave")
    glimpses = subscription.glimpses(seq_of(position))
    found = list(islice(_with_bodies(subscription, glimpses), limit + 1))
    page = found[:limit]
    return {
        "messages": [row for _, row in page],
        "next_page_token": str(page[-1][0]) if len(found) > limit else "",
    }


def _with_bodies(
    subscription: Subscription, glimpses: Iterable[Glimpse]
) -> Iterator[tuple[int, dict[str, object]]]:
    for glimpse in glimpses:
        if stored := subscription.body(glimpse.seq):
            yield stored.position, as_row(stored, glimpse.state, glimpse.failures)


def as_row(stored: StoredMessage, state: str, failures: int) -> dict[str, object]:
    """Return a message in protobuf's JSON, and what has become of it."""
    message = MessageToDict(protos.PubsubMessage.FromString(stored.body))
    return {"message": message, "state": state, "failed_deliveries": failures}
