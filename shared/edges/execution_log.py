"""What the log says of a delivery, from what the service found: one line each, no decisions."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from shared import telemetry
from shared.domain.envelope import Delivery, Envelope
from shared.domain.outcome import MayPass
from shared.domain.settlement import Settlement
from shared.domain.task import Claim, Refusal, State
from shared.edges.handler_run import HandlerRun
from shared.edges.push_endpoint import log_kept
from shared.services.execute import Execution
from shared.telemetry import Event, Field, Severity

Line = tuple[Event, Severity]

_OF_OUTCOME: Final = MappingProxyType[str, Line](
    {
        "succeeded": (Event.TASK_SUCCEEDED, "INFO"),
        "failed": (Event.TASK_FAILED, "WARNING"),
        "rejected": (Event.TASK_REJECTED, "ERROR"),
        "postponed": (Event.TASK_POSTPONED, "INFO"),
        "snoozed": (Event.TASK_SNOOZED, "INFO"),
        "released": (Event.TASK_RELEASED, "WARNING"),
        "cancelled": (Event.TASK_STOPPED, "INFO"),
    }
)
_OF_REFUSAL: Final = MappingProxyType[Refusal, Line](
    {
        Refusal.STALE_GENERATION: (Event.STALE_GENERATION, "WARNING"),
        Refusal.SPENT: (Event.TASK_DEAD, "ERROR"),
    }
)


RUNNING_AFTER_SECONDS: Final = 1.0
"""When a run is worth a line before its end. A line costs a tenth of a short task's CPU."""


def claim_fields(claim: Claim) -> dict[str, Field]:
    """What every line about a run carries."""
    return {
        "task_id": str(claim.task_id),
        "task_type": claim.task_type,
        "attempt": claim.attempt,
        "generation": claim.generation,
        "traceparent": claim.traceparent,
    }


def envelope_fields(envelope: Envelope | None) -> dict[str, Field]:
    """What a line about a delivery carries that did not become a run."""
    if envelope is None:
        return {}
    return {
        "task_id": str(envelope.task_id),
        "task_type": envelope.task_type,
        "generation": envelope.generation,
        "traceparent": envelope.traceparent,
    }


@contextmanager
def said_when_long(after_seconds: float = RUNNING_AFTER_SECONDS) -> Iterator[None]:
    """Log once, with what is bound here, if the block takes longer than so many seconds."""
    loop = asyncio.get_running_loop()
    timer = loop.call_later(after_seconds, telemetry.log, Event.TASK_RUNNING)
    try:
        yield
    finally:
        timer.cancel()


def log_execution(execution: Execution, delivery: Delivery, run: HandlerRun) -> None:
    """Say what became of `delivery`; a defect's traceback goes with it."""
    with telemetry.bound(**_fields(execution)):
        if execution.kept_on_desk:
            log_kept(delivery, execution.kept_on_desk)
        elif execution.lease_lost:
            telemetry.log(Event.LEASE_LOST, severity="WARNING", duration_ms=_milliseconds(run))
        elif execution.unrecorded:
            telemetry.log(Event.LEDGER_UNAVAILABLE, severity="WARNING", why="outcome unrecorded")
        elif execution.waits_seconds is not None:
            seconds = round(execution.waits_seconds, 1)
            telemetry.log(Event.DELIVERY_REFUSED, why="no_turn_yet", wait_seconds=seconds)
        elif execution.settlement:
            _log_settlement(execution.settlement, run)
        else:
            _log_refusal(execution.refusal)


def _fields(execution: Execution) -> dict[str, Field]:
    if execution.claim:
        return claim_fields(execution.claim)
    return envelope_fields(execution.envelope)


def _log_settlement(settlement: Settlement, run: HandlerRun) -> None:
    event, severity = _OF_OUTCOME[settlement.outcome]
    failed = event is Event.TASK_FAILED
    if failed and settlement.state is State.DEAD:
        event, severity = Event.TASK_DEAD, "ERROR"
    failure = settlement.failure
    telemetry.log(
        event,
        severity=severity,
        error=run.error if failed and not isinstance(run.error, MayPass) else None,
        kind=failure.kind if failure else None,
        why=failure.message if failure else None,
        duration_ms=_milliseconds(run),
    )


def _log_refusal(refusal: Refusal | None) -> None:
    """A refusal is mostly a duplicate; without one the process is stopping and took nothing."""
    event, severity = _OF_REFUSAL.get(refusal, _REFUSED) if refusal else _REFUSED
    telemetry.log(event, severity=severity, why=refusal.value if refusal else "stopping")


_REFUSED: Final[Line] = (Event.DELIVERY_REFUSED, "INFO")


def _milliseconds(run: HandlerRun) -> float | None:
    return None if run.seconds is None else round(run.seconds * 1000, 1)
