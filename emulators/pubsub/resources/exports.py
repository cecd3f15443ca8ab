"""BigQuery, Cloud Storage and Bigtable subscriptions: settings kept and shown as active.

Nothing is exported: their messages wait, and can be pulled.
"""

import re

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import (
    BigQueryConfig,
    BigtableConfig,
    CloudStorageConfig,
    Subscription,
)
from emulators.pubsub.resources.values import ACTIVE, check_duration

EXPORTS = ("bigquery_config", "cloud_storage_config", "bigtable_config")
DEFAULT_MAX_DURATION = 300
MAX_EXPORT_BYTES = 10 * 1024**3

_BIGQUERY_TABLE = re.compile(r"[^\s]+[.:][^.:]+\.[^.:]+")
_BIGTABLE_TABLE = re.compile(r"projects/[^/]+/instances/[^/]+/tables/[^/]+")


def complete_exports(subscription: Subscription, *, any_value: bool) -> None:
    """Fill in the defaults; check what is there unless `any_value`. Raises: InvalidArgument."""
    if subscription.HasField("cloud_storage_config"):
        config = subscription.cloud_storage_config
        if not config.HasField("max_duration"):
            config.max_duration.seconds = DEFAULT_MAX_DURATION
    if not any_value:
        _check(subscription)
    for name in EXPORTS:
        if subscription.HasField(name):
            getattr(subscription, name).state = ACTIVE


def _check(subscription: Subscription) -> None:
    if subscription.HasField("bigquery_config"):
        _check_bigquery(subscription.bigquery_config)
    if subscription.HasField("bigtable_config"):
        _check_bigtable(subscription.bigtable_config)
    if subscription.HasField("cloud_storage_config"):
        _check_cloud_storage(subscription.cloud_storage_config)


def _check_bigquery(config: BigQueryConfig) -> None:
    if not _BIGQUERY_TABLE.fullmatch(config.table):
        raise InvalidArgument(
            f"bigquery_config.table {config.table!r} is not of the form project.dataset.table"
        )
    if config.use_topic_schema and config.use_table_schema:
        raise InvalidArgument("bigquery_config: use_topic_schema excludes use_table_schema")


def _check_bigtable(config: BigtableConfig) -> None:
    if not _BIGTABLE_TABLE.fullmatch(config.table):
        raise InvalidArgument(
            f"bigtable_config.table {config.table!r} is not of the form "
            "projects/*/instances/*/tables/*"
        )
    if config.column_family_mapping.WhichOneof("key_definition") != "delimited_key":
        return
    key = config.column_family_mapping.delimited_key
    if not key.key_fields:
        raise InvalidArgument("bigtable_config: delimited_key.key_fields is empty")
    least = 1 if len(key.key_fields) > 1 else 0
    if not least <= len(key.delimiter) <= 50:
        raise InvalidArgument(
            f"bigtable_config: delimited_key.delimiter has {len(key.delimiter)} bytes, "
            f"not {least} to 50"
        )


def _check_cloud_storage(config: CloudStorageConfig) -> None:
    if not config.bucket or "/" in config.bucket:
        raise InvalidArgument(
            f"cloud_storage_config.bucket {config.bucket!r} is not a bucket's name, without gs://"
        )
    if config.filename_suffix.endswith("/"):
        raise InvalidArgument("cloud_storage_config.filename_suffix must not end in '/'")
    check_duration("cloud_storage_config.max_duration", config.max_duration, 60, 600)
    if config.max_bytes and not 1000 <= config.max_bytes <= MAX_EXPORT_BYTES:
        raise InvalidArgument(
            f"cloud_storage_config.max_bytes {config.max_bytes} is not 1000 to {MAX_EXPORT_BYTES}"
        )
    if config.max_messages and config.max_messages < 1000:
        raise InvalidArgument(
            f"cloud_storage_config.max_messages {config.max_messages} is less than 1000"
        )
