"""What a subscription's fields may hold, at each limit and beyond it."""

import pytest

from emulators.pubsub.errors import InvalidArgument, OutOfRange
from emulators.pubsub.limits import DOCUMENTED, LENIENT
from tests.unit.pubsub.test_subscription_fields import DAY, DEAD, completed, seconds


def storage(**fields):
    return {
        "ack_deadline_seconds": 600,
        "cloud_storage_config": {"bucket": "bbb", "max_duration": seconds(60)} | fields,
    }


def bigtable(**key):
    table = "projects/p/instances/i/tables/t"
    mapping = {"delimited_key": key}
    return {"bigtable_config": {"table": table, "column_family_mapping": mapping}}


def push(**fields):
    return {"push_config": {"push_endpoint": "https://a/x?y=z"} | fields}


AT_THE_LIMIT = {
    "ack deadline 10": {"ack_deadline_seconds": 10},
    "ack deadline 600": {"ack_deadline_seconds": 600},
    "retention 10 min": {"message_retention_duration": seconds(600)},
    "retention 31 days": {"message_retention_duration": seconds(31 * DAY)},
    "expiration 1 day": {"expiration_policy": {"ttl": seconds(DAY)}},
    "expiration 10,000 years": {"expiration_policy": {"ttl": seconds(315_576_000_000)}},
    "retry of 0 s": {"retry_policy": {"minimum_backoff": {}, "maximum_backoff": {}}},
    "retry of 600 s": {"retry_policy": {"minimum_backoff": seconds(600)}},
    "filter of 256 bytes": {"filter": f'attributes.a = "{"b" * 239}"'},
    "port": {"push_config": {"push_endpoint": "http://127.0.0.1:65535"}},
    "token": push(oidc_token={"service_account_email": "a@b"}),
    "BigQuery table's schema": {"bigquery_config": {"table": "p.d.t", "use_table_schema": True}},
    "domain-scoped project": {"bigquery_config": {"table": "example.com:p.d.t"}},
    "storage at least": storage(max_bytes=1000, max_messages=1000),
    "storage at most": storage(max_duration=seconds(600), max_bytes=10 * 2**30),
    "one key field": bigtable(key_fields=["a"]),
    "two key fields": bigtable(key_fields=["a", "b"], delimiter=b"#"),
}
BAD_ANYWHERE = {
    "ack deadline -1": {"ack_deadline_seconds": -1},
    "ack deadline 601": {"ack_deadline_seconds": 601},
    "retention 0": {"message_retention_duration": {}},
    "retention 599 s": {"message_retention_duration": seconds(599)},
    "retention over 31 days": {"message_retention_duration": seconds(31 * DAY + 1)},
    "expiration -1 s": {"expiration_policy": {"ttl": seconds(-1)}},
    "expiration over 10,000 years": {"expiration_policy": {"ttl": seconds(315_576_000_001)}},
    "retry minimum 601 s": {"retry_policy": {"minimum_backoff": seconds(601)}},
    "retry maximum 601 s": {"retry_policy": {"maximum_backoff": seconds(601)}},
    "retry -1 s": {"retry_policy": {"minimum_backoff": seconds(-1)}},
    "retry minimum above maximum": {
        "retry_policy": {"minimum_backoff": seconds(20), "maximum_backoff": seconds(10)}
    },
    "dead-letter topic of another form": {"dead_letter_policy": {"dead_letter_topic": "x"}},
    "topic of another form": {"topic": "letters"},
    "deleted topic": {"topic": "_deleted-topic_"},
    "name of another form": {"name": "readers"},
    "endpoint without a scheme": push(push_endpoint="nowhere"),
    "endpoint of another scheme": push(push_endpoint="ftp://a/"),
    "endpoint without a host": push(push_endpoint="http://"),
    "endpoint with a bad port": push(push_endpoint="http://a:99999/"),
    "endpoint with a line break": push(push_endpoint="http://a/\r\nX: y"),
}
OVER_A_DOCUMENTED_LIMIT = {
    "ack deadline 9": {"ack_deadline_seconds": 9},
    "ack deadline 1": {"ack_deadline_seconds": 1},
    "expiration under a day": {"expiration_policy": {"ttl": seconds(DAY - 1)}},
    "expiration 0": {"expiration_policy": {"ttl": {}}},
    "filter of 257 bytes": {"filter": f'attributes.a = "{"b" * 241}"'},
    "bad filter": {"filter": "nonsense ("},
    "label in capitals": {"labels": {"A": "b"}},
    "version that there is not": push(attributes={"x-goog-version": "v9"}),
    "token without an account": push(oidc_token={"audience": "a"}),
    "token without an endpoint": {"push_config": {"oidc_token": {"service_account_email": "a@b"}}},
    "push and exactly-once": push() | {"enable_exactly_once_delivery": True},
    "export and exactly-once": {
        "bigquery_config": {"table": "p.d.t"},
        "enable_exactly_once_delivery": True,
    },
    "push and export": push() | {"bigquery_config": {"table": "p.d.t"}},
    "two exports": {"bigquery_config": {"table": "p.d.t"}} | storage(),
    "no BigQuery table": {"bigquery_config": {}},
    "BigQuery table of another form": {"bigquery_config": {"table": "t"}},
    "both BigQuery schemas": {
        "bigquery_config": {"table": "p.d.t", "use_topic_schema": True, "use_table_schema": True}
    },
    "no bucket": {"cloud_storage_config": {}},
    "bucket with gs://": storage(bucket="gs://bbb"),
    "storage of 59 s": storage(max_duration=seconds(59)),
    "storage of 601 s": storage(max_duration=seconds(601)),
    "storage longer than the ack deadline": storage() | {"ack_deadline_seconds": 59},
    "storage of 999 bytes": storage(max_bytes=999),
    "storage over 10 GiB": storage(max_bytes=10 * 2**30 + 1),
    "storage of -1 bytes": storage(max_bytes=-1),
    "storage of 999 messages": storage(max_messages=999),
    "storage of -1 messages": storage(max_messages=-1),
    "storage suffix": storage(filename_suffix="a/"),
    "no Bigtable table": {"bigtable_config": {}},
    "no key field": bigtable(delimiter=b"#"),
    "two key fields without a delimiter": bigtable(key_fields=["a", "b"]),
    "delimiter of 51": bigtable(key_fields=["a", "b"], delimiter=b"#" * 51),
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


@pytest.mark.parametrize("limits", [DOCUMENTED, LENIENT], ids=["documented", "lenient"])
@pytest.mark.parametrize("attempts", [-1, 1, 4, 101])
def test_dead_letter_attempts_out_of_range_are_refused(limits, attempts):
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": attempts}
    with pytest.raises(OutOfRange):
        completed(limits, dead_letter_policy=policy)


@pytest.mark.parametrize("attempts", [5, 100])
def test_dead_letter_attempts_at_the_limits_are_accepted(attempts):
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": attempts}
    assert completed(dead_letter_policy=policy).dead_letter_policy.max_delivery_attempts == attempts
