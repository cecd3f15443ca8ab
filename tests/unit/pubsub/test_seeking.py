"""Where a seek to a time leads: the closed form is what the rule says message by message."""

from hypothesis import given
from hypothesis import strategies as st

from emulators.pubsub.seeking import sought

HEAD = 30
seqs = st.integers(0, HEAD)


def unacked(floor, acked):
    return set(range(floor + 1, HEAD + 1)) - set(acked)


@given(floor=seqs, ahead=st.sets(seqs), before=seqs, replayable_after=seqs)
def test_what_is_earlier_is_acked_and_the_rest_unacked_as_far_as_it_is_retained(
    floor, ahead, before, replayable_after
):
    acked = [seq for seq in ahead if seq > floor]

    after = unacked(*sought(floor, acked, before=before, replayable_after=replayable_after))

    assert after == {
        seq
        for seq in range(before + 1, HEAD + 1)
        if seq in unacked(floor, acked) or seq > replayable_after
    }


def test_a_seek_to_the_present_acks_everything():
    assert sought(3, [7], before=HEAD, replayable_after=HEAD) == (HEAD, [])


def test_a_seek_to_the_past_brings_back_what_is_retained_and_no_more():
    assert sought(9, [12], before=0, replayable_after=5) == (5, [])


def test_without_retention_a_seek_to_the_past_changes_nothing():
    assert sought(9, [12], before=0, replayable_after=HEAD) == (9, [12])
