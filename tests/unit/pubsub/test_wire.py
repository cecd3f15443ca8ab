"""Answers spliced from bytes are what protobuf itself would have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub import protos
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.wire import AckId, Received, pull_response

numbers = st.integers(min_value=0, max_value=2**40)
received = st.builds(
    Received,
    ack_id=st.builds(AckId, numbers, numbers, numbers),
    body=st.builds(
        lambda data, attributes: protos.PubsubMessage(
            data=data, attributes=attributes
        ).SerializeToString(),
        st.binary(max_size=300),
        st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    ),
    attempt=st.integers(min_value=0, max_value=300),
)


@given(st.lists(received, max_size=4))
def test_a_spliced_answer_is_read_back_by_protobuf(deliveries):
    answer = protos.PullResponse.FromString(pull_response(deliveries))

    assert [
        (one.ack_id, one.message, one.delivery_attempt) for one in answer.received_messages
    ] == [
        (str(one.ack_id), protos.PubsubMessage.FromString(one.body), one.attempt)
        for one in deliveries
    ]


@given(st.builds(AckId, numbers, numbers, numbers))
def test_an_ack_id_is_read_back(ack_id):
    assert AckId.parse(str(ack_id)) == ack_id


@pytest.mark.parametrize(
    "text", ["", "1-2", "1-2-3-4", "a-b-c", "1--2-3", "1-2-٣", "1-2-" + "9" * 21]
)
def test_anything_else_is_no_ack_id(text):
    with pytest.raises(InvalidArgument):
        AckId.parse(text)
