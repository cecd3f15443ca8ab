"""Entry point: the REST API as one HTTP function. A start without an access choice is refused."""

from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from functions.enqueue.routes import rest_api
from shared import telemetry
from shared.bootstrap import api as open_api
from shared.domain.errors import Misconfigured
from shared.edges.access import check_choice
from shared.edges.drain import when_told_to_stop
from shared.edges.heap import HEAP
from shared.edges.http_edge import HttpEdge, failure_answer
from shared.opened import settings

telemetry.configure(settings())
check_choice(settings())


@cache
def _edge() -> HttpEdge:
    api = open_api()
    when_told_to_stop(api.watch.stop)  # else a server that stops waits for every watch to end
    edge = rest_api(api)
    HEAP.settle()
    return edge


async def enqueue(request: Request) -> Response:
    """Answer one request of the REST API."""
    try:
        edge = _edge()
    except Misconfigured as wrong:
        return failure_answer(wrong)
    return await edge(request)
