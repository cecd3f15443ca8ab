"""A topic's ingestion settings: kept as they are and shown as active; nothing is ingested."""

from google.protobuf.message import Message

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import IngestionDataSourceSettings
from emulators.pubsub.resources.values import ACTIVE

# Source: Google's emulator, "Missing required fields for … ingestion settings".
REQUIRED = {
    "aws_kinesis": ("stream_arn", "consumer_arn", "aws_role_arn", "gcp_service_account"),
    "cloud_storage": ("bucket",),
    "azure_event_hubs": (
        "resource_group", "namespace", "event_hub", "client_id", "tenant_id", "subscription_id",
        "gcp_service_account",
    ),
    "aws_msk": ("cluster_arn", "topic", "aws_role_arn", "gcp_service_account"),
    "confluent_cloud": (
        "bootstrap_server", "cluster_id", "topic", "identity_pool_id", "gcp_service_account",
    ),
}  # fmt: skip


def complete_ingestion(settings: IngestionDataSourceSettings) -> None:
    """Check the source, show it as active. Raises: InvalidArgument."""
    kind = settings.WhichOneof("source")
    if kind is None:
        raise InvalidArgument("ingestion_data_source_settings has no source")
    source = getattr(settings, kind)
    _check_required(kind, source)
    if kind == "cloud_storage":
        _complete_cloud_storage(settings)
    source.state = ACTIVE


def _check_required(kind: str, source: Message) -> None:
    missing = [name for name in REQUIRED[kind] if not getattr(source, name)]
    if missing:
        raise InvalidArgument(f"ingestion_data_source_settings.{kind} lacks {', '.join(missing)}")


def _complete_cloud_storage(settings: IngestionDataSourceSettings) -> None:
    source = settings.cloud_storage
    if source.bucket.startswith("gs://"):
        raise InvalidArgument(f"bucket {source.bucket!r} must stand without gs://")
    input_format = source.WhichOneof("input_format")
    if input_format is None:
        raise InvalidArgument("ingestion_data_source_settings.cloud_storage has no input format")
    if input_format == "text_format":
        if not source.text_format.HasField("delimiter"):
            source.text_format.delimiter = "\n"
        if len(source.text_format.delimiter) != 1:
            raise InvalidArgument(
                f"text_format.delimiter {source.text_format.delimiter!r} is not one character"
            )
