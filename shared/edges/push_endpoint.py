"""What the functions that Pub/Sub pushes to have in common: read, decode, check where it is from.

Whatever cannot be decoded goes to the desk and is acked: nobody would decode it the next time.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from shared import telemetry
from shared.domain.envelope import Delivery, UndecodableEnvelope
from shared.domain.errors import CloudTaskerError
from shared.domain.settlement import Answer
from shared.edges.delivery import delivery_of, is_cloud_event, raw_delivery
from shared.edges.push_answers import STATUS_OF, error_answer
from shared.readiness import Readiness
from shared.settings import Settings
from shared.telemetry import Event, Field

MAX_BODY_BYTES: Final = 1_000_000
"""Our messages carry ids only and have about a thousand bytes."""
_NAMED: Final = ("task_id", "task_type", "traceparent")
BODY_SECONDS: Final = 10.0
"""How long a caller may take to send a body."""


class PushEndpoint(ABC):
    """Takes the deliveries of one function; see `guarded_function.Endpoint`."""

    body_seconds: ClassVar = BODY_SECONDS

    def __init__(self, settings: Settings, readiness: Readiness) -> None:
        self.settings = settings
        self.readiness = readiness

    @abstractmethod
    def expects(self, subscription: str) -> bool:
        """Whether a bare push of this subscription (its full name) belongs here."""

    @abstractmethod
    async def deliver(self, delivery: Delivery) -> Answer:
        """Do what the delivery asks for. Raises: CloudTaskerError, when nothing is recorded."""

    @abstractmethod
    async def keep(self, delivery: Delivery, reason: str) -> None:
        """Put a delivery that cannot be decoded on the desk. Raises: LedgerUnavailable."""

    @abstractmethod
    async def drain(self) -> None:
        """See `Endpoint.drain`."""

    @property
    def holds(self) -> bool:
        """See `Endpoint.holds`."""
        return False

    async def post(self, request: Request) -> Response:
        """Take one delivery. Source: Pub/Sub, "Receive push messages"."""
        try:
            body, whole = await _read(request, self.body_seconds)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        try:
            if not whole:
                raise UndecodableEnvelope(f"over {MAX_BODY_BYTES} bytes; only its start is kept")
            delivery = delivery_of(request.headers, body)
        except UndecodableEnvelope as unreadable:
            return await self._kept(raw_delivery(body), f"cannot be decoded: {unreadable}")
        if not is_cloud_event(request.headers) and not self.expects(delivery.subscription):
            return _refused(delivery)
        with telemetry.bound(**_fields(delivery)):
            try:
                answer = await self.deliver(delivery)
            except CloudTaskerError as error:
                return error_answer(error)  # here, where the line still names the message
        return Response(status_code=STATUS_OF[answer])

    async def _kept(self, delivery: Delivery, reason: str) -> Response:
        await self.keep(delivery, reason)
        log_kept(delivery, reason)
        return Response(status_code=STATUS_OF[Answer.ACK])


def _fields(delivery: Delivery) -> dict[str, Field]:
    """What a line says of a delivery before anybody has looked at what is in it."""
    attributes = delivery.attributes
    said = {name: attributes[name][:100] for name in _NAMED if name in attributes}
    return {"message_id": delivery.message_id, **said}


def log_kept(delivery: Delivery, reason: str) -> None:
    """Say that a delivery is on the desk."""
    telemetry.log(
        Event.DELIVERY_KEPT_ON_DESK,
        severity="WARNING",
        why=reason,
        message_id=delivery.message_id,
        subscription=delivery.subscription,
    )


def _refused(delivery: Delivery) -> Response:
    telemetry.log(
        Event.SUBSCRIPTION_REFUSED,
        severity="WARNING",
        subscription=delivery.subscription,
        message_id=delivery.message_id,
    )
    return JSONResponse({"error": "wrong subscription"}, status_code=403)


async def _read(request: Request, seconds: float) -> tuple[bytes, bool]:
    """The body, and whether that is all of it: reading stops above the limit.

    Counted while it arrives, as Content-Length may lie. Raises: TimeoutError, ClientDisconnect.
    """
    body = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return bytes(body[:MAX_BODY_BYTES]), False
    return bytes(body), True
