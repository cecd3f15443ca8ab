"""From a verdict to the row's next state and the answer to Pub/Sub.

Pure: the table "Answers to a delivery" of shared/README.md. Nothing else in the product decides
what a failed attempt becomes.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.domain.backoff import ledger_delay_seconds, rescue_delay_seconds
from shared.domain.outcome import (
    Cancelled,
    Failed,
    Failure,
    Postponed,
    Rejected,
    Released,
    Snoozed,
    Succeeded,
    Verdict,
)
from shared.domain.task import State
from shared.domain.task_type import Limits


class Answer(StrEnum):
    """What a delivery is told: done with this message, or deliver it again."""

    ACK = "ack"
    NACK = "nack"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ends: the row's next state, and when the relay shall look at it again.

    `due_in_seconds` counts from the database's now, `due_at` is a moment; at most one is set.
    With `hold`, no claim may come before it. `copy` asks for a dead-letter message of our own.
    """

    state: State
    outcome: str
    answer: Answer
    result: Any = None
    failure: Failure | None = None
    due_in_seconds: float | None = None
    due_at: datetime | None = None
    hold: bool = False
    copy: bool = False
    costs_attempt: bool = True


def settle(verdict: Verdict, limits: Limits, *, attempt: int, chance: float) -> Settlement:
    """Return what `verdict` on attempt `attempt` of a task means; `chance`, 0 to 1, is the jitter.

    The dead letter of a task that is given up on is always our own copy: whether Pub/Sub would
    forward the message cannot be known, as the ack of a duplicate takes it away.
    """
    match verdict:
        case Succeeded(result):
            return Settlement(State.SUCCEEDED, "succeeded", Answer.ACK, result=result)
        case Rejected(failure):
            return Settlement(State.DEAD, "rejected", Answer.ACK, failure=failure, copy=True)
        case Cancelled():
            return Settlement(State.CANCELLED, "cancelled", Answer.ACK)
        case Snoozed(until, failure):
            return Settlement(
                State.SCHEDULED,
                "snoozed",
                Answer.ACK,
                failure=failure,
                due_at=until,
                hold=True,
                costs_attempt=False,
            )
        case Released(failure):
            return Settlement(
                State.RETRYING,
                "released",
                Answer.NACK,
                failure=failure,
                due_in_seconds=1.0,
                costs_attempt=False,
            )
        case Failed(failure) | Postponed(_, failure) if attempt >= limits.max_attempts:
            return Settlement(State.DEAD, "failed", Answer.ACK, failure=failure, copy=True)
        case Postponed(after_seconds, failure):
            return Settlement(
                State.SCHEDULED,
                "postponed",
                Answer.ACK,
                failure=failure,
                due_in_seconds=after_seconds,
                hold=True,
            )
        case Failed(failure):
            return _retried(failure, limits, attempt, chance)


def _retried(failure: Failure, limits: Limits, attempt: int, chance: float) -> Settlement:
    if limits.retry.by == "pubsub":
        return Settlement(
            State.RETRYING,
            "failed",
            Answer.NACK,
            failure=failure,
            due_in_seconds=rescue_delay_seconds(limits.retry),
        )
    return Settlement(
        State.RETRYING,
        "failed",
        Answer.ACK,
        failure=failure,
        due_in_seconds=ledger_delay_seconds(limits.retry, attempt, chance),
        hold=True,
    )
