"""Answers spliced from bytes are what protobuf itself would have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub import protos
from emulators.pubsub.errors import InvalidArgument
from emulators.pubsub.wire import AckId, Received, pull_response, stream_response

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


@given(st.lists(received, max_size=4), st.booleans(), st.booleans())
def test_a_stream_response_has_the_messages_and_the_properties(deliveries, exactly_once, ordered):
    response = protos.StreamingPullResponse.FromString(
        stream_response(deliveries, exactly_once=exactly_once, ordered=ordered)
    )

    messages = protos.PullResponse.FromString(pull_response(deliveries)).received_messages
    assert list(response.received_messages) == list(messages)
    assert response.HasField("subscription_properties")
    properties = response.subscription_properties
    assert properties.exactly_once_delivery_enabled == exactly_once
    assert properties.message_ordering_enabled == ordered


@given(st.builds(AckId, numbers, numbers, numbers))
def test_an_ack_id_is_read_back(ack_id):
    assert AckId.parse(str(ack_id)) == ack_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1-2",
        "1-2-3-4",
        "x-y-z",
        "A-B-C",
        "1--2-3",
        "1-2-٣",
        "1-2-3\n",
        "01-2-3",
        "1-2-" + "9" * 17,
    ],
)
def test_anything_else_is_no_ack_id(text):
    with pytest.raises(InvalidArgument):
        AckId.parse(text)
