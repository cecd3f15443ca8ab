"""Injects the faults that tests have asked for into RPCs, streams and pushes.

A call meets the oldest fault that is for it and not used up, and no second one.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from google.protobuf.message import Message

from emulators.pubsub import protos
from emulators.pubsub.control.fault import Fault, parse_fault
from emulators.pubsub.errors import NotFound
from emulators.pubsub.push.client import Outcome, Poster
from emulators.pubsub.push.headers import Headers
from emulators.pubsub.rpc import Answer, Call, Stream

Answering = Callable[[], Awaitable[Answer]]
Sending = Callable[[], Awaitable[Outcome]]


class Faults:
    """All faults in force and used up, in the order in which they were added."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._faults: list[Fault] = []
        self._methods: frozenset[str] = frozenset()
        self._next_id = 1

    def know(self, methods: frozenset[str]) -> None:
        """Learn the full names of all RPCs there are."""
        self._methods = methods

    def add(self, value: object) -> Fault:
        """Put a fault in force, from its JSON form. Raises: InvalidArgument."""
        fault = parse_fault(value, self._methods)
        fault.id, self._next_id = self._next_id, self._next_id + 1
        self._faults.append(fault)
        return fault

    def list(self) -> list[dict[str, object]]:
        """Return all faults with how often each has fired."""
        return [fault.as_json() for fault in self._faults]

    def fired(self, fault_id: int) -> int:
        """Return how often a fault has fired. Raises: NotFound."""
        for fault in self._faults:
            if fault.id == fault_id:
                return fault.fired
        raise NotFound(f"fault {fault_id} does not exist")

    def clear(self, fault_id: int | None = None) -> None:
        """Forget one fault, or all. Raises: NotFound."""
        if fault_id is not None:
            self.fired(fault_id)
        self._faults = [fault for fault in self._faults if fault_id not in (None, fault.id)]

    async def around(self, method: str, answer: Answering) -> Answer:
        """Answer a unary call as the fault that meets it says, or undisturbed."""
        fault = self._faults and self._fire(lambda fault: fault.meets(method))
        if not fault:
            return await answer()
        await self._sleep(fault.delay_seconds)
        if fault.code and not fault.after:
            raise fault.error()
        for _ in range(1 + fault.duplicate):
            answered = await answer()
        if fault.code:
            raise fault.error()
        return answered

    async def around_push(self, subscription: str, send: Sending) -> Outcome:
        """Send a push as the fault that meets it says, or undisturbed."""
        fault = self._faults and self._fire(lambda fault: fault.meets_push(subscription))
        if not fault:
            return await send()
        await self._sleep(fault.delay_seconds)
        failed = Outcome(None, f"{fault.code}: {fault.error()}") if fault.code else None
        if failed and not fault.after:
            return failed
        for _ in range(1 + fault.duplicate):
            outcome = await send()
        return failed or outcome

    def around_streams(self, streams: Mapping[str, Stream[Any]]) -> dict[str, Stream[Any]]:
        """Return the streams with faults in them."""
        return {name: self._around_stream(name, stream) for name, stream in streams.items()}

    def _around_stream(self, method: str, stream: Stream[Any]) -> Stream[Any]:
        def answer(requests: AsyncIterator[Message], call: Call) -> AsyncGenerator[bytes, None]:
            fault = self._fire(lambda fault: fault.meets(method) and not fault.duplicate)
            responses = stream.answer(requests, call)
            return self._broken(responses, fault) if fault else responses

        return Stream(stream.request_type, answer)

    async def _broken(
        self, responses: AsyncGenerator[bytes, None], fault: Fault
    ) -> AsyncGenerator[bytes, None]:
        """Yield until the messages that the fault lets through have passed, then fail."""
        await self._sleep(fault.delay_seconds)
        left = fault.after_messages or int(fault.after)
        if fault.code and not left:
            raise fault.error()
        async with aclosing(responses):
            async for response in responses:
                yield response
                left -= len(protos.StreamingPullResponse.FromString(response).received_messages)
                if fault.code and left <= 0:
                    raise fault.error()

    def _fire(self, is_met: Callable[[Fault], bool]) -> Fault | None:
        for fault in self._faults:
            if fault.is_left() and is_met(fault):
                fault.fired += 1
                return fault
        return None


class DisturbedClient:
    """A push client for one subscription, with its faults in it."""

    def __init__(self, client: Poster, faults: Faults, subscription: str) -> None:
        self._client = client
        self._faults = faults
        self._subscription = subscription

    async def post(
        self, url: str, body: bytes, headers: Headers, timeout_seconds: float
    ) -> Outcome:
        send = partial(self._client.post, url, body, headers, timeout_seconds)
        return await self._faults.around_push(self._subscription, send)
