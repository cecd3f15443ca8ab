"""The control API: HTTP under /_emulator/ to `Controls` and back; it decides nothing."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from emulators.pubsub.clock import MOST_AHEAD_SECONDS
from emulators.pubsub.control.controls import Controls
from emulators.pubsub.control.fields import Fields, whole_number
from emulators.pubsub.errors import InvalidArgument, NotFound, PubSubError
from emulators.pubsub.rpc import bug

Handler = Callable[[web.Request], Awaitable[object]]
DEFAULT_PEEK = 100
HTTP_STATUS = {"INVALID_ARGUMENT": 400, "OUT_OF_RANGE": 400, "FAILED_PRECONDITION": 400}
HTTP_STATUS |= {"NOT_FOUND": 404, "ALREADY_EXISTS": 409, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503}


class ControlApi:
    """Handlers of the control API. Errors have the envelope of Google's REST APIs."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def routes(self) -> list[web.RouteDef]:
        """Return all routes."""
        base = "/_emulator"
        return [
            web.get(f"{base}/health", _answering(self.health)),
            web.get(f"{base}/state", _answering(self.state)),
            web.post(f"{base}/reset", _answering(self.reset)),
            web.get(f"{base}/dump", _answering(self.dump)),
            web.post(f"{base}/seed", _answering(self.seed)),
            web.get(f"{base}/clock", _answering(self.clock)),
            web.post(f"{base}/clock", _answering(self.advance)),
            web.get(f"{base}/peek", _answering(self.peek)),
            web.get(f"{base}/faults", _answering(self.list_faults)),
            web.post(f"{base}/faults", _answering(self.add_fault)),
            web.delete(f"{base}/faults", _answering(self.clear_faults)),
            web.delete(f"{base}/faults/{{id}}", _answering(self.clear_fault)),
            web.route("*", f"{base}{{tail:(/.*)?}}", _answering(self.unknown)),
        ]

    async def health(self, _: web.Request) -> object:
        """Answer once the emulator serves."""
        return self._controls.health()

    async def state(self, _: web.Request) -> object:
        """Answer all topics and backlogs."""
        return self._controls.state()

    async def reset(self, request: web.Request) -> object:
        """Delete everything, or one project's."""
        fields = Fields("reset", await _body(request))
        project = fields.text("project").removeprefix("projects/")
        fields.end(["project"])
        return await self._controls.reset(project)

    async def dump(self, _: web.Request) -> object:
        """Answer all resources in the form of a seed."""
        return await self._controls.dump()

    async def seed(self, request: web.Request) -> object:
        """Make what the body describes."""
        return await self._controls.seed(await _body(request))

    async def clock(self, _: web.Request) -> object:
        """Answer the emulator's time."""
        return self._controls.clock()

    async def advance(self, request: web.Request) -> object:
        """Let time pass."""
        fields = Fields("clock", await _body(request))
        seconds = fields.seconds("advance_seconds", MOST_AHEAD_SECONDS)
        fields.end(["advance_seconds"])
        return await self._controls.advance(seconds)

    async def peek(self, request: web.Request) -> object:
        """Answer a page of a subscription's unacked messages."""
        fields = Fields("peek", dict(request.query))
        subscription, text = fields.text("subscription"), fields.text("limit", str(DEFAULT_PEEK))
        after = fields.text("page_token")
        fields.end(["subscription", "limit", "page_token"])
        limit = whole_number(text)
        if limit is None:
            raise fields.error("limit", text, "a whole number")
        return self._controls.peek(subscription, limit, after)

    async def list_faults(self, _: web.Request) -> object:
        """Answer all faults and how often each has fired."""
        return {"faults": self._controls.faults.list()}

    async def add_fault(self, request: web.Request) -> object:
        """Put one fault in force."""
        return self._controls.faults.add(await _body(request)).as_json()

    async def clear_faults(self, _: web.Request) -> object:
        """Forget all faults."""
        self._controls.faults.clear()
        return {}

    async def clear_fault(self, request: web.Request) -> object:
        """Forget one fault."""
        text = request.match_info["id"]
        fault_id = whole_number(text)
        if fault_id is None:
            raise NotFound(f"fault {text[:40]!r} does not exist")
        self._controls.faults.clear(fault_id)
        return {}

    async def unknown(self, request: web.Request) -> object:
        """Refuse what is none of the others."""
        raise NotFound(
            f"the control API has no {request.method} {request.path[:100]}; "
            f"it has {', '.join(f'{one.method} {one.path}' for one in self.routes()[:-1])}"
        )


def _answering(handle: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handle(request))
        except PubSubError as error:
            return _error(error)
        except Exception:  # the edge of this side
            return _error(bug(request.path))

    return answer


async def _body(request: web.Request) -> Any:
    """Return the JSON of the body, {} if there is none."""
    try:
        text = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise InvalidArgument(
            f"the body is too large: {error.text}; send less at a time"
        ) from error
    try:
        return json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"the body is not JSON: {error}") from error


def _error(error: PubSubError) -> web.Response:
    status = error.code.name
    code = HTTP_STATUS.get(status, 500)
    body = {"error": {"code": code, "message": str(error), "status": status}}
    return web.json_response(body, status=code)
