"""The REST side: HTTP requests to requests, answers to JSON, errors to envelopes. No rules here."""

from urllib.parse import parse_qsl, unquote_plus

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_exceptions import HTTPException
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from grpc import StatusCode

from emulators.pubsub.errors import InvalidArgument, PubSubError, Unimplemented
from emulators.pubsub.rest.json_form import fill_from_body, fill_from_query, set_name, to_json
from emulators.pubsub.rest.routes import MethodNotAllowed, Route, find
from emulators.pubsub.rpc import Rpc, Rpcs, bug

# Above Publish's own limit of 10 MiB in base64, so that a request over it gets a clear answer.
MAX_BODY_BYTES = 32 * 1024 * 1024
CONTROLS = {  # Source: Google Cloud APIs, "system parameters"
    "access_token", "alt", "bearer_token", "callback", "fields", "key", "oauth_token", "pp",
    "prettyPrint", "quotaUser", "trace", "uploadType", "upload_protocol", "userIp",
}  # fmt: skip
# Source: google/rpc/code.proto
HTTP_CODES = {
    StatusCode.CANCELLED: 499,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.ABORTED: 409,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
}  # all others: 500


class TooLarge(InvalidArgument):
    """A body that is not even read."""


class RestCall:
    """A `Call`: how long its caller waits, if the header X-Server-Timeout tells."""

    def __init__(self, request: web.Request) -> None:
        self._headers = request.headers
        self._timeout = request.headers.get("X-Server-Timeout")

    def time_remaining(self) -> float | None:
        """Return the seconds of the header; the time until here is not worth subtracting."""
        try:
            return float(self._timeout) if self._timeout else None
        except ValueError:
            return None

    def invocation_metadata(self) -> list[tuple[str, str]]:
        """Return the headers, which say what a gRPC caller says in its metadata."""
        return list(self._headers.items())


class RestSide:
    """One handler for every path of the API."""

    def __init__(self, rpcs: Rpcs) -> None:
        self._rpcs = rpcs

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a REST request, whatever it is, in JSON."""
        try:
            return _response(200, await self._answer(request))
        except PubSubError as error:
            return refusal(error)
        except Exception:  # the edge of this side
            return refusal(bug(f"{request.method} {request.path}"))

    async def _answer(self, request: web.Request) -> str:
        raw_path, _, query = request.raw_path.partition("?")
        route, name = find(request.method, raw_path)
        rpc = self._rpcs.unary.get(route.rpc)
        if rpc is None:
            raise Unimplemented(f"method {route.rpc} is not implemented by this emulator")
        message = _message(rpc, route, name, query=query, body=await body_of(request))
        answer = await self._rpcs.answer(route.rpc, message, RestCall(request))
        parsed = rpc.response_type.FromString(answer) if isinstance(answer, bytes) else answer
        return to_json(parsed, numeric_enums="enum-encoding=int" in unquote_plus(query))


def refusal(error: PubSubError) -> web.Response:
    """Return the error envelope of Google's APIs."""
    code = _http_code(error)
    fields: dict[str, object] = {"code": code, "message": str(error), "status": error.code.name}
    if error.details:
        fields["details"] = [_detail(detail) for detail in error.details]
    return web.json_response({"error": fields}, status=code)


def _message(rpc: Rpc[Message], route: Route, name: str, *, query: str, body: bytes) -> Message:
    """Return the RPC's request; what the path says wins over the body."""
    message = rpc.request_type()
    # Methods without a body are sent "{}" by some: what else it may say goes where a query's would.
    fill_from_body(message, body, route.body or "*")
    try:
        parameters = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise InvalidArgument(f"the query string cannot be read: {error}") from error
    fields = [one for one in parameters if not one[0].startswith("$") and one[0] not in CONTROLS]
    fill_from_query(message, fields)
    set_name(message, route.field, name)
    return message


async def body_of(request: web.Request) -> bytes:
    """Return a request's body. Raises: TooLarge, InvalidArgument if it breaks off."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes") from error
    except (HTTPException, HttpProcessingError, web.RequestPayloadError) as error:
        raise InvalidArgument(f"the body cannot be read: {error}") from error


def _http_code(error: PubSubError) -> int:
    if isinstance(error, MethodNotAllowed):
        return 405
    return 413 if isinstance(error, TooLarge) else HTTP_CODES.get(error.code, 500)


def _detail(message: Message) -> dict[str, object]:
    packed = Any()
    packed.Pack(message)
    return json_format.MessageToDict(packed)


def _response(status: int, text: str) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json")
