# Types of the raw messages that `protos.py` hands out, as far as the emulator uses them. A contract
# test compares the fields with the descriptors.
from collections.abc import Iterable, MutableMapping, MutableSequence

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

class Topic(Message):
    name: str
    state: int
    @property
    def labels(self) -> MutableMapping[str, str]: ...
    def __init__(self, *, name: str = ..., labels: dict[str, str] | None = ...) -> None: ...

class _OidcToken(Message):
    service_account_email: str
    audience: str
    def __init__(self, *, service_account_email: str = ..., audience: str = ...) -> None: ...

class PushConfig(Message):
    push_endpoint: str
    @property
    def attributes(self) -> MutableMapping[str, str]: ...
    @property
    def oidc_token(self) -> _OidcToken: ...
    def __init__(
        self, *, push_endpoint: str = ..., oidc_token: _OidcToken | dict[str, str] | None = ...
    ) -> None: ...

class RetryPolicy(Message):
    @property
    def minimum_backoff(self) -> Duration: ...
    @property
    def maximum_backoff(self) -> Duration: ...
    def __init__(
        self, *, minimum_backoff: Duration | None = ..., maximum_backoff: Duration | None = ...
    ) -> None: ...

class DeadLetterPolicy(Message):
    dead_letter_topic: str
    max_delivery_attempts: int
    def __init__(
        self, *, dead_letter_topic: str = ..., max_delivery_attempts: int = ...
    ) -> None: ...

class ExpirationPolicy(Message):
    @property
    def ttl(self) -> Duration: ...
    def __init__(self, *, ttl: Duration | None = ...) -> None: ...

class Subscription(Message):
    name: str
    topic: str
    ack_deadline_seconds: int
    enable_message_ordering: bool
    state: int
    @property
    def push_config(self) -> PushConfig: ...
    @property
    def message_retention_duration(self) -> Duration: ...
    @property
    def labels(self) -> MutableMapping[str, str]: ...
    @property
    def expiration_policy(self) -> ExpirationPolicy: ...
    @property
    def dead_letter_policy(self) -> DeadLetterPolicy: ...
    @property
    def retry_policy(self) -> RetryPolicy: ...
    def __init__(
        self,
        *,
        name: str = ...,
        topic: str = ...,
        push_config: PushConfig | None = ...,
        ack_deadline_seconds: int = ...,
        message_retention_duration: Duration | None = ...,
        labels: dict[str, str] | None = ...,
        enable_message_ordering: bool = ...,
        expiration_policy: ExpirationPolicy | None = ...,
        dead_letter_policy: DeadLetterPolicy | None = ...,
        retry_policy: RetryPolicy | None = ...,
    ) -> None: ...

class PubsubMessage(Message):
    data: bytes
    message_id: str
    ordering_key: str
    @property
    def attributes(self) -> MutableMapping[str, str]: ...
    @property
    def publish_time(self) -> Timestamp: ...
    def __init__(
        self,
        *,
        data: bytes = ...,
        attributes: dict[str, str] | None = ...,
        ordering_key: str = ...,
    ) -> None: ...

class GetTopicRequest(Message):
    topic: str
    def __init__(self, *, topic: str = ...) -> None: ...

class ListTopicsRequest(Message):
    project: str
    page_size: int
    page_token: str

class ListTopicsResponse(Message):
    next_page_token: str
    @property
    def topics(self) -> MutableSequence[Topic]: ...
    def __init__(self, *, topics: Iterable[Topic] = ..., next_page_token: str = ...) -> None: ...

class ListTopicSubscriptionsRequest(Message):
    topic: str
    page_size: int
    page_token: str

class ListTopicSubscriptionsResponse(Message):
    next_page_token: str
    @property
    def subscriptions(self) -> MutableSequence[str]: ...
    def __init__(
        self, *, subscriptions: Iterable[str] = ..., next_page_token: str = ...
    ) -> None: ...

class DeleteTopicRequest(Message):
    topic: str
    def __init__(self, *, topic: str = ...) -> None: ...

class PublishRequest(Message):
    topic: str
    @property
    def messages(self) -> MutableSequence[PubsubMessage]: ...
    def __init__(self, *, topic: str = ..., messages: Iterable[PubsubMessage] = ...) -> None: ...

class PublishResponse(Message):
    @property
    def message_ids(self) -> MutableSequence[str]: ...
    def __init__(self, *, message_ids: Iterable[str] = ...) -> None: ...

class GetSubscriptionRequest(Message):
    subscription: str
    def __init__(self, *, subscription: str = ...) -> None: ...

class UpdateSubscriptionRequest(Message):
    @property
    def subscription(self) -> Subscription: ...
    @property
    def update_mask(self) -> FieldMask: ...
    def __init__(
        self, *, subscription: Subscription | None = ..., update_mask: FieldMask | None = ...
    ) -> None: ...

class ListSubscriptionsRequest(Message):
    project: str
    page_size: int
    page_token: str

class ListSubscriptionsResponse(Message):
    next_page_token: str
    @property
    def subscriptions(self) -> MutableSequence[Subscription]: ...
    def __init__(
        self, *, subscriptions: Iterable[Subscription] = ..., next_page_token: str = ...
    ) -> None: ...

class DeleteSubscriptionRequest(Message):
    subscription: str
    def __init__(self, *, subscription: str = ...) -> None: ...

class ModifyPushConfigRequest(Message):
    subscription: str
    @property
    def push_config(self) -> PushConfig: ...

class PullRequest(Message):
    subscription: str
    return_immediately: bool
    max_messages: int
    def __init__(self, *, subscription: str = ..., max_messages: int = ...) -> None: ...

class ReceivedMessage(Message):
    ack_id: str
    delivery_attempt: int
    @property
    def message(self) -> PubsubMessage: ...

class PullResponse(Message):
    @property
    def received_messages(self) -> MutableSequence[ReceivedMessage]: ...

class AcknowledgeRequest(Message):
    subscription: str
    @property
    def ack_ids(self) -> MutableSequence[str]: ...
    def __init__(self, *, subscription: str = ..., ack_ids: Iterable[str] = ...) -> None: ...

class ModifyAckDeadlineRequest(Message):
    subscription: str
    ack_deadline_seconds: int
    @property
    def ack_ids(self) -> MutableSequence[str]: ...
