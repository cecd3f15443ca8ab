"""What requests may hold: the documented limits, and what Google's emulator lets pass.

Values only; the rules that ask for them stand with what they check.
"""

from dataclasses import dataclass

DAY = 86_400
UNLIMITED = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The documented limits, if not said otherwise. Sizes are bytes, times seconds."""

    max_request_bytes: int = 10 * 1024 * 1024
    max_data_bytes: int = 10_000_000
    max_attributes: int = 100
    min_key_bytes: int = 1
    max_key_bytes: int = 256
    max_value_bytes: int = 1024
    max_ordering_key_bytes: int = 1024
    reserved_prefix: str | None = "goog"  # of attribute keys
    mixed_ordering_keys: bool = False
    min_ack_deadline: int = 10
    min_expiration: int = DAY
    any_filter: bool = False  # one that cannot be read is kept and lets everything through
    any_value: bool = False  # of labels, keys, storage policies, exports and their combinations
    any_page_token: bool = False
    missing_topic_lists_empty: bool = False
    negative_max_messages: bool = False
    max_modified_deadline: int = 600
    pull_of_push: bool = False  # answered with nothing
    max_topics: int = 10_000  # in a project
    max_subscriptions: int = 10_000  # in a project, and of a topic


DOCUMENTED = Limits()

# Google's emulator 0.8.20, as measured.
LENIENT = Limits(
    max_request_bytes=UNLIMITED,
    max_data_bytes=UNLIMITED,
    max_attributes=UNLIMITED,
    min_key_bytes=0,
    max_key_bytes=UNLIMITED,
    max_value_bytes=UNLIMITED,
    max_ordering_key_bytes=UNLIMITED,
    reserved_prefix=None,
    mixed_ordering_keys=True,
    min_ack_deadline=1,
    min_expiration=0,
    any_filter=True,
    any_value=True,
    any_page_token=True,
    missing_topic_lists_empty=True,
    negative_max_messages=True,
    max_modified_deadline=UNLIMITED,
    pull_of_push=True,
    max_topics=UNLIMITED,
    max_subscriptions=UNLIMITED,
)
