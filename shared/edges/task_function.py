"""Makes the function of a task type from its name and its handler: one line in its main.py.

The edge binds the task to the log and calls the handler; all rules are `ExecuteService`'s.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from shared import telemetry
from shared.bootstrap import Runner, runner
from shared.domain.envelope import Delivery
from shared.domain.settlement import Answer
from shared.edges.blocking import in_thread
from shared.edges.drain import GRACE_SECONDS
from shared.edges.execution_log import claim_fields, log_execution, said_when_long
from shared.edges.guarded_function import Function, guarded_function
from shared.edges.handler_run import timed, watching
from shared.edges.push_endpoint import PushEndpoint
from shared.edges.task_context import TaskContext
from shared.services.execute import Execution
from shared.services.run import Run
from shared.services.verdict import Handle

Handler = Callable[[Any, TaskContext], Awaitable[Any] | Any]
"""A task type's work: the checked payload and the context in, a JSON value out. `async def` runs
on the event loop and must not block it; `def` runs in a thread, which nothing can stop."""

OpenRunner = Callable[[str, Handle], Runner]


def task_function(
    name: str,
    handler: Handler,
    *,
    open_runner: OpenRunner = runner,
    grace_seconds: float = GRACE_SECONDS,
) -> Function:
    """The HTTP function, with `name` as its `__name__`, that runs the task type `name`.

    POST / takes a delivery (a bare Pub/Sub push, or a CloudEvent of Eventarc) and answers 204 for
    an ack, 503 for a nack, 401 and 403 to a caller who is not the type's own subscription.
    GET /ready answers 200 when a task could run now, GET /health always. Told to stop, it gives
    runs `grace_seconds` and then releases their leases.
    """
    return guarded_function(name, lambda: TaskEndpoint(name, handler, open_runner, grace_seconds))


class TaskEndpoint(PushEndpoint):
    """Runs the deliveries of one task type; see `PushEndpoint`."""

    def __init__(
        self, name: str, handler: Handler, open_runner: OpenRunner, grace_seconds: float
    ) -> None:
        self._handler = handler
        self._grace_seconds = grace_seconds
        self._is_async = inspect.iscoroutinefunction(inspect.unwrap(handler))
        self._runner = open_runner(name, self._handle)
        super().__init__(self._runner.settings, self._runner.readiness)
        subscription = self._runner.task_type.push_subscription
        self._subscription = f"projects/{self.settings.project}/subscriptions/{subscription}"

    def expects(self, subscription: str) -> bool:
        """Only the type's own push subscription: one function's deliveries are not another's."""
        return subscription == self._subscription

    async def deliver(self, delivery: Delivery) -> Answer:
        """Run the task, and say in the log what became of it."""
        with watching() as seen:

            def ended(execution: Execution) -> None:
                log_execution(execution, delivery, seen)
                # Its traceback leads back to it: the cycle would keep the payload for long.
                seen.error = None

            execution = await self._runner.execute.execute(delivery, ended)
        if not execution.goes_on:
            ended(execution)
        return execution.answer

    @property
    def holds(self) -> bool:
        """Whether runs go on for which no delivery waits."""
        return self._runner.execute.holds

    async def keep(self, delivery: Delivery, reason: str) -> None:
        """See `PushEndpoint.keep`."""
        await self._runner.execute.keep(delivery, reason)

    async def drain(self) -> None:
        """Claim no more; runs that outlast the grace are cancelled and their leases released."""
        await self._runner.execute.drain(self._grace_seconds)

    async def _handle(self, payload: Any, run: Run) -> Any:
        """The handler inside its task's log context; what it raises goes on unchanged."""
        with telemetry.bound(**claim_fields(run.claim)), said_when_long(), timed():
            return await self._call(payload, run)

    async def _call(self, payload: Any, run: Run) -> Any:
        """A coroutine can be interrupted; a thread must look at `context.cancelled` by itself."""
        context = self._context(run)
        if self._is_async:
            if task := asyncio.current_task():
                run.interrupt_with(task.cancel)
            return await self._handler(payload, context)
        return await in_thread(partial(self._handler, payload, context))

    def _context(self, run: Run) -> TaskContext:
        claim = run.claim
        return TaskContext(
            task_id=claim.task_id,
            task_type=claim.task_type,
            attempt=claim.attempt,
            max_attempts=self._runner.task_type.limits.max_attempts,
            generation=claim.generation,
            traceparent=claim.traceparent,
            settings=self.settings,
            labels=claim.labels,
            run=run,
            loop=run.loop,
            blobs=self._runner.blobs,
        )
