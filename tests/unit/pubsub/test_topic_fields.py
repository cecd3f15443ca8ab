"""A topic's fields: which are kept, completed, refused."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.limits import DOCUMENTED, LENIENT
from emulators.pubsub.protos import Topic
from emulators.pubsub.resources import complete_topic, updated_topic
from emulators.pubsub.resources.topics import MUTABLE, NOT_SHOWN
from tests.support.pubsub_samples import samples
from tests.unit.pubsub.resource_states import shown_as_active

NAME = "projects/p/topics/letters"
FIELDS = [
    (name, sample)
    for name in Topic.DESCRIPTOR.fields_by_name
    if name not in ("name", *NOT_SHOWN)
    for sample in samples(Topic, name)
]
KINESIS = dict.fromkeys(("stream_arn", "consumer_arn", "aws_role_arn", "gcp_service_account"), "x")
DAY = 86_400


def completed(limits=DOCUMENTED, **fields):
    topic = Topic(**{"name": NAME} | fields)
    complete_topic(topic, limits)
    return topic


def test_a_plain_topic_is_active():
    assert completed() == Topic(name=NAME, state=1)


@pytest.mark.parametrize(("name", "sample"), FIELDS, ids=[name for name, _ in FIELDS])
def test_every_field_is_kept(name, sample):
    given = Topic(name=NAME)
    given.MergeFrom(sample)

    complete_topic(given, DOCUMENTED)

    assert given == shown_as_active(Topic(name=NAME), sample)


@pytest.mark.parametrize(("name", "sample"), FIELDS, ids=[name for name, _ in FIELDS])
def test_every_field_can_be_updated(name, sample):
    updated = updated_topic(completed(), sample, FieldMask(paths=[name]), DOCUMENTED)

    assert name in MUTABLE
    assert updated == shown_as_active(Topic(name=NAME), sample)
    assert updated_topic(updated, Topic(), FieldMask(paths=[name]), DOCUMENTED) == completed()


@pytest.mark.parametrize("name", ["name", *NOT_SHOWN])
def test_what_only_the_server_sets_cannot_be_updated(name):
    with pytest.raises(InvalidArgument, match="cannot be changed"):
        updated_topic(completed(), Topic(), FieldMask(paths=[name]), DOCUMENTED)


def test_what_only_the_server_sets_is_ignored_and_tags_are_not_shown():
    assert completed(state=2, satisfies_pzs=True, tags={"1/a": "b"}) == completed()


def test_a_text_format_without_a_delimiter_gets_the_line_end():
    source = {"bucket": "bbb", "text_format": {}}
    topic = completed(ingestion_data_source_settings={"cloud_storage": source})

    found = topic.ingestion_data_source_settings.cloud_storage
    assert (found.text_format.delimiter, found.state) == ("\n", 1)


AT_THE_LIMIT = {
    "retention 10 min": {"message_retention_duration": {"seconds": 600}},
    "retention 31 days": {"message_retention_duration": {"seconds": 31 * DAY}},
    "64 labels": {"labels": {f"a{number}": "" for number in range(64)}},
    "label of 63": {"labels": {"k" * 63: "v" * 63}},
    "label of 126 bytes": {"labels": {"é" * 63: "é" * 63}},
    "label of another script": {"labels": {"鍵": "値-_9"}},
}
BAD_ANYWHERE = {
    "retention 599 s": {"message_retention_duration": {"seconds": 599}},
    "retention 599.999999999 s": {
        "message_retention_duration": {"seconds": 599, "nanos": 10**9 - 1}
    },
    "retention over 31 days": {"message_retention_duration": {"seconds": 31 * DAY, "nanos": 1}},
    "retention negative": {"message_retention_duration": {"seconds": -600}},
    "retention of a bad form": {"message_retention_duration": {"seconds": 601, "nanos": -1}},
    "retention with too many nanoseconds": {
        "message_retention_duration": {"seconds": 601, "nanos": 10**9}
    },
    "no source": {"ingestion_data_source_settings": {}},
    "logs without a source": {
        "ingestion_data_source_settings": {"platform_logs_settings": {"severity": 2}}
    },
    "source without a bucket": {
        "ingestion_data_source_settings": {"cloud_storage": {"avro_format": {}}}
    },
    "source with gs://": {
        "ingestion_data_source_settings": {"cloud_storage": {"bucket": "gs://b", "avro_format": {}}}
    },
    "source without a format": {
        "ingestion_data_source_settings": {"cloud_storage": {"bucket": "bbb"}}
    },
    "delimiter of two characters": {
        "ingestion_data_source_settings": {
            "cloud_storage": {"bucket": "bbb", "text_format": {"delimiter": "ab"}}
        }
    },
} | {
    f"kinesis without {name}": {
        "ingestion_data_source_settings": {"aws_kinesis": KINESIS | {name: ""}}
    }
    for name in KINESIS
}
OVER_A_DOCUMENTED_LIMIT = {
    "65 labels": {"labels": {f"a{number}": "" for number in range(65)}},
    "empty label key": {"labels": {"": "v"}},
    "label key of 64": {"labels": {"k" * 64: "v"}},
    "label value of 64": {"labels": {"k": "v" * 64}},
    "label key over 128 bytes": {"labels": {"鍵" * 43: "v"}},
    "label key in capitals": {"labels": {"K": "v"}},
    "label key that starts with a digit": {"labels": {"1k": "v"}},
    "label key with a blank": {"labels": {"k k": "v"}},
    "label value in capitals": {"labels": {"k": "V"}},
    "key name of another form": {"kms_key_name": "nonsense"},
    "no region": {"message_storage_policy": {}},
    "empty region": {"message_storage_policy": {"allowed_persistence_regions": [""]}},
}


@pytest.mark.parametrize("fields", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_a_field_at_a_limit_is_accepted(fields):
    completed(**fields)


@pytest.mark.parametrize("limits", [DOCUMENTED, LENIENT], ids=["documented", "lenient"])
@pytest.mark.parametrize("fields", BAD_ANYWHERE.values(), ids=BAD_ANYWHERE)
def test_a_bad_field_is_refused(limits, fields):
    with pytest.raises(InvalidArgument):
        completed(limits, **fields)


@pytest.mark.parametrize("fields", OVER_A_DOCUMENTED_LIMIT.values(), ids=OVER_A_DOCUMENTED_LIMIT)
def test_a_field_over_a_documented_limit_is_refused_unless_lenient(fields):
    completed(LENIENT, **fields)
    with pytest.raises(InvalidArgument):
        completed(**fields)


def test_an_update_is_checked_as_a_new_topic():
    changes = Topic(message_retention_duration={"seconds": 1})
    with pytest.raises(InvalidArgument):
        updated_topic(
            completed(), changes, FieldMask(paths=["message_retention_duration"]), DOCUMENTED
        )
