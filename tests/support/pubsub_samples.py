"""Resources of Pub/Sub with every field set, made from their descriptors.

A field that a later version of the API adds is in them without a change here.
"""

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

# Fields that no arbitrary value fits, by the names of their message and their own.
FITTING = {
    "Topic.kms_key_name": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "TextFormat.delimiter": ";",
    "Subscription.ack_deadline_seconds": 600,
    "Subscription.filter": "attributes:colour",
    "PushConfig.push_endpoint": "http://127.0.0.1:9/",
    "PushConfig.attributes": {"x-goog-version": "v1beta1"},
    "ExpirationPolicy.ttl": Duration(seconds=86_400),
    "DeadLetterPolicy.dead_letter_topic": "projects/p/topics/dead-letters",
    "DeadLetterPolicy.max_delivery_attempts": 7,
    "BigQueryConfig.table": "p.d.t",
    "BigQueryConfig.use_table_schema": False,  # excludes use_topic_schema
    "BigtableConfig.table": "projects/p/instances/i/tables/t",
    "CloudStorageConfig.max_bytes": 1000,
    "CloudStorageConfig.max_messages": 1000,
}
WELL_KNOWN = {
    "google.protobuf.Duration": Duration(seconds=600),
    "google.protobuf.Timestamp": Timestamp(seconds=1_700_000_000),
    "google.protobuf.Struct": Struct(fields={"a": Value(number_value=1)}),
}
SCALARS = {
    FieldDescriptor.TYPE_STRING: "text",
    FieldDescriptor.TYPE_BYTES: b"x",
    FieldDescriptor.TYPE_BOOL: True,
    FieldDescriptor.TYPE_INT32: 1,
    FieldDescriptor.TYPE_INT64: 1,
    FieldDescriptor.TYPE_ENUM: 1,
}
ROUNDS = 15  # enough to meet each member of each oneof with each of the oneofs below it


def samples(message_type, name):
    """Return messages that have the field `name` alone, whole, in each of its alternatives."""
    found = {}
    for number in range(ROUNDS):
        message = message_type()
        _set(message, message_type.DESCRIPTOR.fields_by_name[name], number)
        found[message.SerializeToString(deterministic=True)] = message
    return list(found.values())


def _fill(message, number):
    for field in message.DESCRIPTOR.fields:
        others = field.containing_oneof.fields if field.containing_oneof else [field]
        if others[number % len(others)].name == field.name:
            _set(message, field, number)


def _set(message, field, number):
    fitting = FITTING.get(f"{field.containing_type.name}.{field.name}")
    kind = field.message_type
    place = getattr(message, field.name)
    if kind and kind.GetOptions().map_entry:
        place.update(fitting or {"key": "value"})
    elif kind and field.is_repeated:
        _fill(place.add(), number)
    elif kind:
        place.SetInParent()
        if known := fitting or WELL_KNOWN.get(kind.full_name):
            place.CopyFrom(known)
        else:
            _fill(place, number)
    elif field.is_repeated:
        place.append(SCALARS[field.type])
    else:
        setattr(message, field.name, SCALARS[field.type] if fitting is None else fitting)
