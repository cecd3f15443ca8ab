"""A topic's fields: limits, defaults, what may be changed. Schemas and transforms are not known."""

import re

from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import DAY, Limits
from emulators.pubsub.names import check_topic_name
from emulators.pubsub.protos import Topic
from emulators.pubsub.resources.ingestion import complete_ingestion
from emulators.pubsub.resources.masks import merged
from emulators.pubsub.resources.values import ACTIVE, check_duration, check_labels, clear

# The server's own, and tags: input only, they are bound to the resource and never shown in it.
NOT_SHOWN = ("state", "satisfies_pzs", "tags")
MUTABLE = frozenset({
    "labels", "message_storage_policy", "kms_key_name", "schema_settings",
    "message_retention_duration", "ingestion_data_source_settings", "message_transforms",
})  # fmt: skip

_KMS_KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


def complete_topic(topic: Topic, limits: Limits) -> None:
    """Check a topic to be created and fill in the defaults. Raises: InvalidArgument."""
    check_topic_name(topic.name)
    clear(topic, NOT_SHOWN)
    _settle(topic, limits)


def updated_topic(old: Topic, new: Topic, mask: FieldMask, limits: Limits) -> Topic:
    """Return `old` with the fields of `mask` taken from `new`, checked and completed.

    Raises: InvalidArgument.
    """
    result = merged(old, new, mask, MUTABLE)
    _settle(result, limits)
    return result


def _settle(topic: Topic, limits: Limits) -> None:
    if topic.HasField("message_retention_duration"):
        retention = topic.message_retention_duration
        check_duration("message_retention_duration", retention, 600, 31 * DAY)
    if topic.HasField("ingestion_data_source_settings"):
        complete_ingestion(topic.ingestion_data_source_settings)
    if not limits.any_value:
        check_labels(topic.labels)
        _check_placement(topic)
    topic.state = ACTIVE


def _check_placement(topic: Topic) -> None:
    """Check who may encrypt and where may be stored; neither is acted on."""
    if topic.kms_key_name and not _KMS_KEY.fullmatch(topic.kms_key_name):
        raise InvalidArgument(
            f"kms_key_name {topic.kms_key_name!r} is not of the form "
            "projects/*/locations/*/keyRings/*/cryptoKeys/*"
        )
    if topic.HasField("message_storage_policy"):
        regions = topic.message_storage_policy.allowed_persistence_regions
        if not regions or "" in regions:
            raise InvalidArgument(
                "message_storage_policy.allowed_persistence_regions must name one region or more"
            )
