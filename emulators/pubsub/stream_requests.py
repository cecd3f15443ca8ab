"""What a client may say on a StreamingPull stream. Pure: it checks and changes nothing."""

from collections import defaultdict
from typing import NamedTuple

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.names import check_subscription_name
from emulators.pubsub.protos import StreamingPullRequest
from emulators.pubsub.wire import AckId

ONLY_FIRST = (
    "subscription", "max_outstanding_messages", "max_outstanding_bytes", "protocol_version",
)  # fmt: skip
MIN_DEADLINE, MAX_DEADLINE = 10, 600


class Answers(NamedTuple):
    """The acks of a request, and its new deadlines: ack ids by seconds from now, 0 is a nack."""

    acks: list[AckId]
    deadlines: dict[int, list[AckId]]


def check_first(request: StreamingPullRequest) -> None:
    """Check the request that opens a stream. Raises: InvalidArgument."""
    if not request.subscription:
        raise InvalidArgument("the first request of a stream must set subscription")
    check_subscription_name(request.subscription)
    if not request.stream_ack_deadline_seconds:
        raise InvalidArgument("the first request of a stream must set stream_ack_deadline_seconds")
    _check_deadline(request)


def check_later(request: StreamingPullRequest) -> None:
    """Check a request after the first; an empty one is a heartbeat. Raises: InvalidArgument."""
    for name in ONLY_FIRST:
        if getattr(request, name):
            raise InvalidArgument(f"only the first request of a stream may set {name}")
    if request.stream_ack_deadline_seconds:
        _check_deadline(request)


def answers_of(request: StreamingPullRequest) -> Answers:
    """Return what a request says about messages. Raises: InvalidArgument."""
    ids, seconds = request.modify_deadline_ack_ids, request.modify_deadline_seconds
    if len(ids) != len(seconds):
        raise InvalidArgument(
            f"{len(ids)} modify_deadline_ack_ids and {len(seconds)} modify_deadline_seconds; "
            "each id needs its seconds"
        )
    deadlines: defaultdict[int, list[AckId]] = defaultdict(list)
    for ack_id, deadline in zip(ids, seconds, strict=True):
        if not 0 <= deadline <= MAX_DEADLINE:
            raise InvalidArgument(f"modify_deadline_seconds {deadline} is not 0 to {MAX_DEADLINE}")
        deadlines[deadline].append(AckId.parse(ack_id))
    return Answers([AckId.parse(ack_id) for ack_id in request.ack_ids], deadlines)


def _check_deadline(request: StreamingPullRequest) -> None:
    seconds = request.stream_ack_deadline_seconds
    if not MIN_DEADLINE <= seconds <= MAX_DEADLINE:
        raise InvalidArgument(
            f"stream_ack_deadline_seconds {seconds} is not {MIN_DEADLINE} to {MAX_DEADLINE}"
        )
