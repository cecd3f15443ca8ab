"""The REST API on given services, inside the framework's own ASGI app: no server, no network."""

import types
from typing import Any

from functions_framework.aio import create_asgi_app_from_module
from starlette.requests import Request
from starlette.responses import Response

from functions.enqueue.routes import rest_api
from shared.bootstrap import Api
from shared.edges.http_edge import HttpEdge

BASE_URL = "http://127.0.0.1:5000"


def rest_app(api: Api) -> Any:
    """The ASGI app that functions-framework would serve for `functions/enqueue`."""
    return framework_app(rest_api(api))


def framework_app(edge: HttpEdge) -> Any:
    """The ASGI app that functions-framework makes of a function that answers by `edge`."""

    async def enqueue(request: Request) -> Response:
        return await edge(request)

    module = types.ModuleType("enqueue_on_given_services")
    module.__dict__["enqueue"] = enqueue
    create: Any = create_asgi_app_from_module  # the framework has no types
    return create("enqueue", __file__, "http", module, None)
