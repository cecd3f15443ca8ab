"""Pushes one subscription's messages: takes what the window allows, sends, acks or nacks."""

import asyncio

from emulators.pubsub.clock import Clock, Timer
from emulators.pubsub.iam.permits import Permits
from emulators.pubsub.logs import log
from emulators.pubsub.push.client import Outcome, Poster
from emulators.pubsub.push.request import push_request
from emulators.pubsub.push.window import PushWindow
from emulators.pubsub.seldom import Seldom
from emulators.pubsub.subscription import Subscription
from emulators.pubsub.tokens import TokenIssuer
from emulators.pubsub.wire import Received

# Sent in one turn of the loop; between turns a fast endpoint's connections come back to be used
# again, so that a wide window does not open a connection for each message.
BURST = 50
MOST_OUTSTANDING_BYTES = 32 * 1024 * 1024  # a window of large messages must fit in memory


class Pusher:
    """The sender of one push subscription; it reads the subscription's settings at each send."""

    def __init__(
        self,
        subscription: Subscription,
        *,
        client: Poster,
        tokens: TokenIssuer,
        permits: Permits,
        window: PushWindow,
        clock: Clock,
        most_bytes: int = MOST_OUTSTANDING_BYTES,
    ) -> None:
        self._subscription = subscription
        self._client = client
        self._tokens = tokens
        self._permits = permits
        self._window = window
        self._clock = clock
        self._most_bytes = most_bytes
        self._loop = asyncio.get_running_loop()
        self._sending: set[asyncio.Task[None]] = set()
        self._bytes = 0  # of the messages that are out
        self._pumping = False
        self._stopped = False
        self._timer: Timer | None = None
        self._failing = False
        self._seldom = Seldom(clock)

    def pump(self) -> None:
        """Look, a moment later, whether something can be sent."""
        if not self._pumping and not self._stopped:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def stop(self) -> None:
        """Take no more messages; requests that are out run to their end and count."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()

    def cancel(self) -> None:
        """Stop, and give up on what is out: it is delivered again after a restart."""
        self.stop()
        for task in self._sending:
            task.cancel()

    def _pump(self) -> None:
        self._pumping = False
        if self._stopped:
            return
        now = self._clock.now()
        room = self._window.room(len(self._sending), now)
        if room and self._bytes < self._most_bytes:
            for received in self._subscription.take(min(room, BURST), per_key=1):
                task = self._loop.create_task(self._send(received))
                self._sending.add(task)
                self._bytes += len(received.body)
                task.add_done_callback(self._sending.discard)
        elif self._window.resumes_at() > now and not self._timer:
            self._timer = self._clock.call_at(self._window.resumes_at(), self._resume)

    def _resume(self) -> None:
        self._timer = None
        self.pump()

    async def _send(self, received: Received) -> None:
        started = self._clock.now()
        try:
            outcome = await self._post(received)
        except Exception as error:  # a task's edge: the message is redelivered, the next one sent
            log.exception("bug in push")
            outcome = Outcome(None, repr(error))
        self._bytes -= len(received.body)
        now = self._clock.now()
        if outcome.acked:
            self._window.acked(now - started, now)
            self._subscription.ack([received.ack_id])
        else:
            self._window.nacked(now, reached=outcome.status is not None)
            self._subscription.modify([received.ack_id], 0)
        self._tell(outcome)
        # Only now is there room for another: this task counts as outstanding until it is done.
        self._loop.call_soon(self.pump)

    async def _post(self, received: Received) -> Outcome:
        resource = self._subscription.resource
        config = resource.push_config
        token = ""
        if config.HasField("oidc_token"):
            if missing := self._permits.may_mint(config.oidc_token.service_account_email):
                return self._without_token(missing)
            audience = config.oidc_token.audience or config.push_endpoint
            token = self._tokens.token(config.oidc_token.service_account_email, audience)
        request = push_request(received.body, received.attempt, resource, token)
        return await self._client.post(
            config.push_endpoint, request.body, request.headers, resource.ack_deadline_seconds
        )

    def _without_token(self, missing: str) -> Outcome:
        """Nothing goes out without the token that it should have."""
        if self._seldom.due(missing):
            fields = {"subscription": self._subscription.resource.name}
            log.error("not pushed: %s", missing, extra={"fields": fields})
        return Outcome(None, missing)

    def _tell(self, outcome: Outcome) -> None:
        """Log the first failure of a row of them, and its end; no more than a few a minute."""
        if outcome.acked == (not self._failing):
            return
        self._failing = not outcome.acked
        resource = self._subscription.resource
        endpoint = resource.push_config.push_endpoint
        fields = {"subscription": resource.name, "endpoint": endpoint}
        what = outcome.problem or f"status {outcome.status}"
        if not self._seldom.due(what):
            return
        if outcome.acked:
            log.info("push works again", extra={"fields": fields})
        else:
            log.warning("push is not acked: %s", what, extra={"fields": fields})
