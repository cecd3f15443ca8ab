"""What a client may say on a stream, and how it is told what it may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.protos import StreamingPullRequest
from emulators.pubsub.stream_requests import answers_of, check_first, check_later
from emulators.pubsub.wire import AckId

SUBSCRIPTION = "projects/p/subscriptions/readers"
ONE, OTHER = AckId(1, 1, 1), AckId(1, 2, 2)


def first(**fields):
    return StreamingPullRequest(
        **{"subscription": SUBSCRIPTION, "stream_ack_deadline_seconds": 10, **fields}
    )


@pytest.mark.parametrize("seconds", [10, 600])
def test_a_first_request_has_a_subscription_and_a_deadline(seconds):
    check_first(first(stream_ack_deadline_seconds=seconds, max_outstanding_messages=-1))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"subscription": ""}, "must set subscription"),
        ({"subscription": "readers"}, "'readers'"),
        ({"stream_ack_deadline_seconds": 0}, "must set stream_ack_deadline_seconds"),
        ({"stream_ack_deadline_seconds": 9}, "9 is not 10 to 600"),
        ({"stream_ack_deadline_seconds": 601}, "601 is not 10 to 600"),
        ({"stream_ack_deadline_seconds": -1}, "-1 is not 10 to 600"),
    ],
)
def test_a_bad_first_request_is_refused(fields, problem):
    with pytest.raises(InvalidArgument, match=problem):
        check_first(first(**fields))


@pytest.mark.parametrize(
    "fields", [{}, {"client_id": "c"}, {"stream_ack_deadline_seconds": 600}, {"ack_ids": ["1-1-1"]}]
)
def test_a_later_request_may_be_empty_or_set_a_deadline(fields):
    check_later(StreamingPullRequest(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"subscription": SUBSCRIPTION},
        {"max_outstanding_messages": 5},
        {"max_outstanding_messages": -1},
        {"max_outstanding_bytes": 5},
        {"protocol_version": 1},
        {"stream_ack_deadline_seconds": 9},
        {"stream_ack_deadline_seconds": 601},
        {"stream_ack_deadline_seconds": -1},
    ],
)
def test_a_later_request_may_not_set_what_belongs_into_the_first(fields):
    with pytest.raises(InvalidArgument, match=next(iter(fields))):
        check_later(StreamingPullRequest(**fields))


def test_acks_and_deadlines_are_read_ids_by_seconds():
    answers = answers_of(
        StreamingPullRequest(
            ack_ids=[str(ONE)],
            modify_deadline_ack_ids=[str(OTHER), str(ONE)],
            modify_deadline_seconds=[0, 600],
        )
    )

    assert answers.acks == [ONE]
    assert answers.deadlines == {0: [OTHER], 600: [ONE]}


@pytest.mark.parametrize(
    "fields",
    [
        {"ack_ids": ["nonsense"]},
        {"modify_deadline_ack_ids": ["nonsense"], "modify_deadline_seconds": [1]},
        {"modify_deadline_ack_ids": ["1-1-1"]},
        {"modify_deadline_seconds": [10]},
        {"modify_deadline_ack_ids": ["1-1-1"], "modify_deadline_seconds": [1, 2]},
        {"modify_deadline_ack_ids": ["1-1-1"], "modify_deadline_seconds": [-1]},
        {"modify_deadline_ack_ids": ["1-1-1"], "modify_deadline_seconds": [601]},
    ],
)
def test_bad_acks_and_deadlines_are_refused(fields):
    with pytest.raises(InvalidArgument):
        answers_of(StreamingPullRequest(**fields))


numbers = st.one_of(st.integers(-2, 700), st.integers(-(2**31), 2**31 - 1))
ack_ids = st.one_of(st.sampled_from(["1-1-1", "f-0-ffffffffffffffff", "1-1", ""]), st.text())


@given(
    st.builds(
        StreamingPullRequest,
        subscription=st.one_of(st.sampled_from(["", SUBSCRIPTION]), st.text()),
        stream_ack_deadline_seconds=numbers,
        max_outstanding_messages=st.integers(-(2**63), 2**63 - 1),
        max_outstanding_bytes=st.integers(-(2**63), 2**63 - 1),
        ack_ids=st.lists(ack_ids, max_size=3),
        modify_deadline_ack_ids=st.lists(ack_ids, max_size=3),
        modify_deadline_seconds=st.lists(numbers, max_size=3),
    )
)
def test_whatever_a_client_says_is_taken_or_refused(request_):
    for check in (check_first, check_later, answers_of):
        try:
            check(request_)
        except InvalidArgument as refusal:
            assert str(refusal)  # noqa: PT017 (any other error is the failure)
