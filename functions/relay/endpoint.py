"""Takes the scheduler's calls. What is due, and what becomes of it, is `RelayService`'s."""

from dataclasses import asdict
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import telemetry
from shared.bootstrap import Relay
from shared.readiness import Readiness
from shared.services.relay import Round
from shared.settings import Settings
from shared.telemetry import Event, Severity

RUN_SECONDS: Final = 63.0
"""A scheduler calls once a minute: the next call stands by for a moment, so that no gap is left."""
LATE_SECONDS: Final = 60.0
"""A relay that was further behind than this is worth a warning."""


class RelayEndpoint:
    """See `guarded_function.Endpoint`."""

    def __init__(self, relay: Relay, *, run_seconds: float = RUN_SECONDS) -> None:
        self._service = relay.service
        self._run_seconds = run_seconds
        self.settings: Settings = relay.settings
        self.readiness: Readiness = relay.readiness

    async def post(self, request: Request) -> Response:
        """Work in rounds until the time is over, then say what was done; the body is not read.

        Cut short by a stop it answers 503, so that the scheduler calls again at once.
        Raises: LedgerUnavailable: the scheduler's next call goes on where this one stopped.
        """
        total = await self._service.run(self._run_seconds)
        if total != Round():
            severity: Severity = "WARNING" if total.lag_seconds > LATE_SECONDS else "INFO"
            telemetry.log(Event.RELAY_ROUND, severity=severity, **asdict(total))
        if total.copies and not total.copies_published:
            telemetry.log(Event.DEAD_LETTERS_STUCK, severity="ERROR", copies=total.copies)
        return JSONResponse(asdict(total), status_code=503 if self._service.stopped else 200)

    @property
    def holds(self) -> bool:
        """See `Endpoint.holds`."""
        return False

    async def drain(self) -> None:
        """End after the round under way."""
        self._service.stop()
