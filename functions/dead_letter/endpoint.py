"""Takes dead letters. It asks the ledger, says in the log what it found, and acks."""

import re

from shared import telemetry
from shared.bootstrap import Burial
from shared.domain.envelope import Delivery
from shared.domain.settlement import Answer
from shared.domain.task import State
from shared.edges.execution_log import envelope_fields
from shared.edges.push_endpoint import PushEndpoint, log_kept
from shared.telemetry import Event


class DeadLetterEndpoint(PushEndpoint):
    """The deliveries of all `tasks-<type>-dead-push` subscriptions of the project."""

    def __init__(self, burial: Burial) -> None:
        super().__init__(burial.settings, burial.readiness)
        self._service = burial.service
        project = re.escape(burial.settings.project)
        self._expected = re.compile(f"projects/{project}/subscriptions/tasks-[a-z0-9-]+-dead-push")

    def expects(self, subscription: str) -> bool:
        """See `PushEndpoint.expects`."""
        return self._expected.fullmatch(subscription) is not None

    async def deliver(self, delivery: Delivery) -> Answer:
        """Ack once the ledger has decided; nothing is decided without it."""
        buried = await self._service.bury(delivery)
        with telemetry.bound(**envelope_fields(buried.envelope)):
            if buried.kept_on_desk:
                log_kept(delivery, buried.kept_on_desk)
            elif buried.state is State.SCHEDULED:
                telemetry.log(Event.TASK_GIVEN_BACK, severity="WARNING")
            else:
                telemetry.log(Event.DEAD_LETTER_BURIED, state=buried.state)
        return Answer.ACK

    async def keep(self, delivery: Delivery, reason: str) -> None:
        """See `PushEndpoint.keep`."""
        await self._service.keep(delivery, reason)

    async def drain(self) -> None:
        """A burial takes one statement, and at its end waits for no ledger that is away."""
        self._service.drain()
