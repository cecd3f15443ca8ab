"""Whether a resource that exists is the one that a seed describes. Pure."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from emulators.pubsub import protos

DAY = 86_400
OUTPUT_ONLY = {
    *("state", "detached", "topic_message_retention_duration", "satisfies_pzs"),
    *("revision_id", "revision_create_time"),
}


def differences(wanted: Message, there: Message) -> list[str]:
    """Return the paths of fields that `there` has otherwise than creating `wanted` would give."""
    given = {found.name for found, _ in wanted.ListFields()} | OUTPUT_ONLY
    by_default = {found.name: value for found, value in _defaults(wanted).ListFields()}
    added = [
        found.name
        for found, value in there.ListFields()
        if found.name not in given and by_default.get(found.name) != value
    ]
    return [*_differences(wanted, there, ""), *added]


def without_output(resource: Any) -> Any:
    """Clear the fields that are the emulator's to set; return the resource."""
    for name in OUTPUT_ONLY & set(resource.DESCRIPTOR.fields_by_name):
        resource.ClearField(name)
    return resource


def _differences(wanted: Message, there: Message, below: str) -> Iterator[str]:
    for found, value in wanted.ListFields():
        path = f"{below}{found.name}"
        other = getattr(there, found.name)
        if found.message_type and not found.is_repeated and value.ListFields():
            yield from _differences(value, other, f"{path}.")
        elif value != other:
            yield path


def _defaults(wanted: Message) -> Message:
    """Return what a resource of that kind has without being given it."""
    if not isinstance(wanted, protos.Subscription):
        return type(wanted)()
    defaults = protos.Subscription(ack_deadline_seconds=10)
    defaults.push_config.SetInParent()
    defaults.message_retention_duration.seconds = 7 * DAY
    defaults.expiration_policy.ttl.seconds = 31 * DAY
    return defaults
