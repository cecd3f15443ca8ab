# Types of the raw messages that `protos.py` hands out, as far as the emulator uses them. A contract
# test compares the fields with the descriptors.
from collections.abc import Iterable, MutableMapping, MutableSequence

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

class SchemaSettings(Message):
    schema: str
    encoding: int
    first_revision_id: str
    last_revision_id: str
    def __init__(
        self,
        *,
        schema: str = ...,
        encoding: int = ...,
        first_revision_id: str = ...,
        last_revision_id: str = ...,
    ) -> None: ...

class JavaScriptUDF(Message):
    function_name: str
    code: str
    def __init__(self, *, function_name: str = ..., code: str = ...) -> None: ...

class Compression(Message):
    compression_algorithm: int
    compression_mode: int
    def __init__(
        self, *, compression_algorithm: int = ..., compression_mode: int = ...
    ) -> None: ...

class MessageTransform(Message):
    enabled: bool
    disabled: bool
    @property
    def javascript_udf(self) -> JavaScriptUDF: ...
    @property
    def compression(self) -> Compression: ...
    def __init__(
        self,
        *,
        javascript_udf: JavaScriptUDF | None = ...,
        compression: Compression | None = ...,
        disabled: bool = ...,
    ) -> None: ...

class MessageStoragePolicy(Message):
    enforce_in_transit: bool
    @property
    def allowed_persistence_regions(self) -> MutableSequence[str]: ...
    def __init__(self, *, allowed_persistence_regions: Iterable[str] = ...) -> None: ...

class _TextFormat(Message):
    delimiter: str

class _CloudStorageSource(Message):
    state: int
    bucket: str
    @property
    def text_format(self) -> _TextFormat: ...

class IngestionDataSourceSettings(Message):
    @property
    def cloud_storage(self) -> _CloudStorageSource: ...

class Topic(Message):
    name: str
    state: int
    kms_key_name: str
    @property
    def message_storage_policy(self) -> MessageStoragePolicy: ...
    @property
    def ingestion_data_source_settings(self) -> IngestionDataSourceSettings: ...
    @property
    def message_retention_duration(self) -> Duration: ...
    @property
    def schema_settings(self) -> SchemaSettings: ...
    @property
    def message_transforms(self) -> MutableSequence[MessageTransform]: ...
    @property
    def labels(self) -> MutableMapping[str, str]: ...
    def __init__(self, *, name: str = ..., labels: dict[str, str] | None = ...) -> None: ...

class _OidcToken(Message):
    service_account_email: str
    audience: str
    def __init__(self, *, service_account_email: str = ..., audience: str = ...) -> None: ...

class _NoWrapper(Message):
    write_metadata: bool

class PushConfig(Message):
    push_endpoint: str
    @property
    def attributes(self) -> MutableMapping[str, str]: ...
    @property
    def oidc_token(self) -> _OidcToken: ...
    @property
    def no_wrapper(self) -> _NoWrapper: ...
    def __init__(
        self,
        *,
        push_endpoint: str = ...,
        oidc_token: _OidcToken | dict[str, str] | None = ...,
        no_wrapper: dict[str, bool] | None = ...,
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

class BigQueryConfig(Message):
    table: str
    use_topic_schema: bool
    use_table_schema: bool
    state: int
    def __init__(self, *, table: str = ...) -> None: ...

class CloudStorageConfig(Message):
    bucket: str
    filename_suffix: str
    max_bytes: int
    max_messages: int
    state: int
    @property
    def max_duration(self) -> Duration: ...
    def __init__(self, *, bucket: str = ...) -> None: ...

class _DelimitedKey(Message):
    delimiter: bytes
    @property
    def key_fields(self) -> MutableSequence[str]: ...

class _ColumnFamilyMapping(Message):
    @property
    def delimited_key(self) -> _DelimitedKey: ...

class BigtableConfig(Message):
    table: str
    state: int
    @property
    def column_family_mapping(self) -> _ColumnFamilyMapping: ...
    def __init__(self, *, table: str = ...) -> None: ...

class Subscription(Message):
    name: str
    topic: str
    @property
    def bigquery_config(self) -> BigQueryConfig: ...
    @property
    def cloud_storage_config(self) -> CloudStorageConfig: ...
    @property
    def bigtable_config(self) -> BigtableConfig: ...
    @property
    def message_transforms(self) -> MutableSequence[MessageTransform]: ...
    ack_deadline_seconds: int
    enable_message_ordering: bool
    enable_exactly_once_delivery: bool
    retain_acked_messages: bool
    detached: bool
    filter: str
    state: int
    @property
    def push_config(self) -> PushConfig: ...
    @property
    def message_retention_duration(self) -> Duration: ...
    @property
    def topic_message_retention_duration(self) -> Duration: ...
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
        enable_exactly_once_delivery: bool = ...,
        retain_acked_messages: bool = ...,
        filter: str = ...,
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

class UpdateTopicRequest(Message):
    @property
    def topic(self) -> Topic: ...
    @property
    def update_mask(self) -> FieldMask: ...
    def __init__(
        self, *, topic: Topic | None = ..., update_mask: FieldMask | None = ...
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

class CompiledProtoSchema(Message):
    root_message: str
    compiled_bytes: bytes
    def __init__(self, *, root_message: str = ..., compiled_bytes: bytes = ...) -> None: ...

class Schema(Message):
    name: str
    type_: int
    definition: str
    revision_id: str
    @property
    def compiled_proto_schema(self) -> CompiledProtoSchema: ...
    @property
    def revision_create_time(self) -> Timestamp: ...
    def __init__(
        self,
        *,
        name: str = ...,
        type_: int = ...,
        definition: str = ...,
        compiled_proto_schema: CompiledProtoSchema | None = ...,
        revision_id: str = ...,
        revision_create_time: Timestamp | None = ...,
    ) -> None: ...

class CreateSchemaRequest(Message):
    parent: str
    schema_id: str
    @property
    def schema(self) -> Schema: ...
    def __init__(
        self, *, parent: str = ..., schema: Schema | None = ..., schema_id: str = ...
    ) -> None: ...

class GetSchemaRequest(Message):
    name: str
    view: int
    def __init__(self, *, name: str = ..., view: int = ...) -> None: ...

class ListSchemasRequest(Message):
    parent: str
    view: int
    page_size: int
    page_token: str

class ListSchemasResponse(Message):
    next_page_token: str
    @property
    def schemas(self) -> MutableSequence[Schema]: ...
    def __init__(self, *, schemas: Iterable[Schema] = ..., next_page_token: str = ...) -> None: ...

class ListSchemaRevisionsRequest(Message):
    name: str
    view: int
    page_size: int
    page_token: str

class ListSchemaRevisionsResponse(Message):
    next_page_token: str
    @property
    def schemas(self) -> MutableSequence[Schema]: ...
    def __init__(self, *, schemas: Iterable[Schema] = ..., next_page_token: str = ...) -> None: ...

class CommitSchemaRequest(Message):
    name: str
    @property
    def schema(self) -> Schema: ...
    def __init__(self, *, name: str = ..., schema: Schema | None = ...) -> None: ...

class RollbackSchemaRequest(Message):
    name: str
    revision_id: str

class DeleteSchemaRevisionRequest(Message):
    name: str
    revision_id: str

class DeleteSchemaRequest(Message):
    name: str

class ValidateSchemaRequest(Message):
    parent: str
    @property
    def schema(self) -> Schema: ...

class ValidateSchemaResponse(Message): ...

class ValidateMessageRequest(Message):
    parent: str
    name: str
    message: bytes
    encoding: int
    @property
    def schema(self) -> Schema: ...

class ValidateMessageResponse(Message): ...

class StreamingPullRequest(Message):
    subscription: str
    stream_ack_deadline_seconds: int
    client_id: str
    max_outstanding_messages: int
    max_outstanding_bytes: int
    protocol_version: int
    @property
    def ack_ids(self) -> MutableSequence[str]: ...
    @property
    def modify_deadline_ack_ids(self) -> MutableSequence[str]: ...
    @property
    def modify_deadline_seconds(self) -> MutableSequence[int]: ...
    def __init__(
        self,
        *,
        subscription: str = ...,
        ack_ids: Iterable[str] = ...,
        modify_deadline_seconds: Iterable[int] = ...,
        modify_deadline_ack_ids: Iterable[str] = ...,
        stream_ack_deadline_seconds: int = ...,
        max_outstanding_messages: int = ...,
        max_outstanding_bytes: int = ...,
        protocol_version: int = ...,
    ) -> None: ...

class _AcknowledgeConfirmation(Message):
    @property
    def ack_ids(self) -> MutableSequence[str]: ...
    @property
    def invalid_ack_ids(self) -> MutableSequence[str]: ...
    @property
    def unordered_ack_ids(self) -> MutableSequence[str]: ...

class _ModifyAckDeadlineConfirmation(Message):
    @property
    def ack_ids(self) -> MutableSequence[str]: ...
    @property
    def invalid_ack_ids(self) -> MutableSequence[str]: ...

class _SubscriptionProperties(Message):
    exactly_once_delivery_enabled: bool
    message_ordering_enabled: bool

class StreamingPullResponse(Message):
    @property
    def received_messages(self) -> MutableSequence[ReceivedMessage]: ...
    @property
    def acknowledge_confirmation(self) -> _AcknowledgeConfirmation: ...
    @property
    def modify_ack_deadline_confirmation(self) -> _ModifyAckDeadlineConfirmation: ...
    @property
    def subscription_properties(self) -> _SubscriptionProperties: ...

class Snapshot(Message):
    name: str
    topic: str
    @property
    def expire_time(self) -> Timestamp: ...
    @property
    def labels(self) -> MutableMapping[str, str]: ...
    def __init__(
        self, *, name: str = ..., topic: str = ..., labels: dict[str, str] | None = ...
    ) -> None: ...

class CreateSnapshotRequest(Message):
    name: str
    subscription: str
    @property
    def labels(self) -> MutableMapping[str, str]: ...

class GetSnapshotRequest(Message):
    snapshot: str

class ListSnapshotsRequest(Message):
    project: str
    page_size: int
    page_token: str

class ListSnapshotsResponse(Message):
    def __init__(
        self, *, snapshots: Iterable[Snapshot] = ..., next_page_token: str = ...
    ) -> None: ...

class UpdateSnapshotRequest(Message):
    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def update_mask(self) -> FieldMask: ...

class DeleteSnapshotRequest(Message):
    snapshot: str

class ListTopicSnapshotsRequest(Message):
    topic: str
    page_size: int
    page_token: str

class ListTopicSnapshotsResponse(Message):
    def __init__(self, *, snapshots: Iterable[str] = ..., next_page_token: str = ...) -> None: ...

class SeekRequest(Message):
    subscription: str
    snapshot: str
    @property
    def time(self) -> Timestamp: ...

class SeekResponse(Message): ...

class DetachSubscriptionRequest(Message):
    subscription: str

class DetachSubscriptionResponse(Message): ...
