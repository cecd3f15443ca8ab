"""What clients are told of acks and new deadlines that failed under exactly-once delivery."""

from collections.abc import Sequence

from google.rpc.error_details_pb2 import ErrorInfo

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import StreamingPullResponse
from emulators.pubsub.stream_requests import Answers
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.wire import AckId

REASON, DOMAIN = "EXACTLY_ONCE_ACKID_FAILURE", "pubsub.googleapis.com"
INVALID, UNORDERED = "PERMANENT_FAILURE_INVALID_ACK_ID", "TRANSIENT_FAILURE_UNORDERED_ACK_ID"
# Clients take 8 KB of trailers, some in base64; beyond it they report another error than this.
MAX_INFO_BYTES = 5_800


def check_failed(subscription: Subscription, failed: Sequence[AckId]) -> None:
    """Raises: InvalidArgument with an ErrorInfo that names the reason of each id that failed.

    Where they are too many for that, it names none, so that clients take all ids for failed.
    """
    if not failed:
        return
    info = ErrorInfo(reason=REASON, domain=DOMAIN)
    for ack_id in failed:
        unordered = subscription.is_out(ack_id)
        info.metadata[str(ack_id)] = UNORDERED if unordered else INVALID
    text = f"{len(failed)} ack_ids are expired, acked, delivered anew or out of order"
    if info.ByteSize() > MAX_INFO_BYTES:
        info.metadata.clear()
        text += "; they are too many to name: send at most 100 in a request"
    raise InvalidArgument(text, info)


def confirmation(
    subscription: Subscription,
    answers: Answers,
    failed_acks: Sequence[AckId],
    failed_deadlines: Sequence[AckId],
) -> bytes:
    """Return a serialised StreamingPullResponse that says what became of a request's `answers`."""
    response = StreamingPullResponse()
    if answers.acks:
        acks = response.acknowledge_confirmation
        unordered = {ack_id for ack_id in failed_acks if subscription.is_out(ack_id)}
        acks.ack_ids.extend(_others(answers.acks, failed_acks))
        acks.unordered_ack_ids.extend(map(str, unordered))
        acks.invalid_ack_ids.extend(_others(failed_acks, unordered))
    if answers.deadlines:
        deadlines = response.modify_ack_deadline_confirmation
        every = [ack_id for ack_ids in answers.deadlines.values() for ack_id in ack_ids]
        deadlines.ack_ids.extend(_others(every, failed_deadlines))
        deadlines.invalid_ack_ids.extend(map(str, failed_deadlines))
    return response.SerializeToString()


def _others(ack_ids: Sequence[AckId], left_out: Sequence[AckId] | set[AckId]) -> list[str]:
    left_out = set(left_out)
    return [str(ack_id) for ack_id in dict.fromkeys(ack_ids) if ack_id not in left_out]
