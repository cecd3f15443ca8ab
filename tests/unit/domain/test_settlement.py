"""The table "Answers to a delivery": verdict and count in, state and answer out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.backoff import ledger_delay_seconds, rescue_delay_seconds
from shared.domain.outcome import (
    Failed,
    Failure,
    Postponed,
    Rejected,
    Released,
    Snoozed,
    Succeeded,
)
from shared.domain.settlement import Answer, Settlement, settle
from shared.domain.task import FINAL, State
from shared.domain.task_type import Limits, Retry

OOPS = Failure("Oops", "no")
MOMENT = datetime(2027, 1, 1, tzinfo=UTC)
BY_PUBSUB = Limits()
BY_LEDGER = Limits(retry=Retry(by="ledger"))


def settled(verdict, limits=BY_PUBSUB, attempt=1) -> Settlement:
    return settle(verdict, limits, attempt=attempt, chance=0.5)


def test_a_result_is_acked_and_final():
    s = settled(Succeeded({"a": 1}))
    assert (s.state, s.answer, s.result) == (State.SUCCEEDED, Answer.ACK, {"a": 1})


def test_a_failure_is_nacked_and_left_to_pubsub_with_the_relay_behind_it():
    s = settled(Failed(OOPS))
    assert (s.state, s.answer, s.hold, s.copy) == (State.RETRYING, Answer.NACK, False, False)
    assert s.due_in_seconds == 600 + 20


def test_a_failure_of_a_ledger_type_is_acked_and_held_until_its_back_off():
    s = settled(Failed(OOPS), BY_LEDGER)
    assert (s.state, s.answer, s.hold) == (State.RETRYING, Answer.ACK, True)
    assert 10 <= s.due_in_seconds <= 20


@pytest.mark.parametrize("limits", [BY_PUBSUB, BY_LEDGER])
def test_the_last_failure_is_acked_and_its_dead_letter_is_our_own(limits):
    s = settled(Failed(OOPS), limits, attempt=5)
    assert (s.state, s.answer, s.copy) == (State.DEAD, Answer.ACK, True)


def test_the_attempt_before_the_last_is_retried():
    assert settled(Failed(OOPS), attempt=4).state is State.RETRYING


def test_a_reject_is_dead_at_once_with_a_copy():
    s = settled(Rejected(OOPS))
    assert (s.state, s.answer, s.copy) == (State.DEAD, Answer.ACK, True)


def test_a_postponed_task_waits_as_long_as_it_asked_and_costs_an_attempt():
    s = settled(Postponed(90, OOPS))
    assert (s.state, s.answer, s.due_in_seconds) == (State.SCHEDULED, Answer.ACK, 90)
    assert (s.hold, s.costs_attempt) == (True, True)


def test_postponing_on_the_last_attempt_gives_up():
    assert settled(Postponed(90, OOPS), attempt=5).state is State.DEAD


def test_a_snooze_waits_until_its_moment_and_costs_nothing():
    s = settled(Snoozed(MOMENT, OOPS), attempt=5)
    assert (s.state, s.answer, s.due_at) == (State.SCHEDULED, Answer.ACK, MOMENT)
    assert (s.hold, s.costs_attempt) == (True, False)


def test_a_released_run_is_redelivered_and_costs_nothing():
    s = settled(Released(), attempt=5)
    assert (s.state, s.answer, s.costs_attempt) == (State.RETRYING, Answer.NACK, False)


verdicts = st.sampled_from(
    [Succeeded(1), Failed(OOPS), Rejected(OOPS), Postponed(5, OOPS), Snoozed(MOMENT, OOPS)]
)


@given(
    verdict=verdicts,
    limits=st.sampled_from([BY_PUBSUB, BY_LEDGER]),
    attempt=st.integers(1, 5),
    chance=st.floats(0, 1),
)
def test_whatever_happens_something_brings_the_task_back_or_it_is_final(
    verdict, limits, attempt, chance
):
    s = settle(verdict, limits, attempt=attempt, chance=chance)
    comes_back = s.due_at is not None or s.due_in_seconds is not None
    assert comes_back != (s.state in FINAL)
    if s.state is State.DEAD:
        assert (s.answer, s.copy) == (Answer.ACK, True)


@given(attempt=st.integers(1, 100), chance=st.floats(0, 1))
def test_ledger_back_off_stays_within_its_range(attempt, chance):
    assert 10 <= ledger_delay_seconds(Retry(), attempt, chance) <= 600


def test_ledger_back_off_grows_even_with_the_worst_luck():
    shortest = [ledger_delay_seconds(Retry(), n, 0.0) for n in range(1, 5)]
    assert shortest == sorted(set(shortest))
    assert ledger_delay_seconds(Retry(), 1, 1.0) <= ledger_delay_seconds(Retry(), 2, 0.0)


def test_no_back_off_is_possible():
    assert ledger_delay_seconds(Retry(min_seconds=0, max_seconds=0), 3, 0.9) == 0
    assert rescue_delay_seconds(Retry(min_seconds=0, max_seconds=0)) == 20
