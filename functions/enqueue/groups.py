"""The routes of groups. Translation only."""

import os
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from shared.bootstrap import Api
from shared.domain.trace import traceparent_of
from shared.edges.accepted import note_outcomes
from shared.edges.group_json import group_json, started_json
from shared.edges.http_body import read_json
from shared.edges.http_edge import json_answer


class GroupRoutes:
    """Handlers of `/groups` and what is below it."""

    def __init__(self, api: Api) -> None:
        self._groups = api.groups

    async def start(self, request: Request) -> Response:
        """Accept up to 1,000 tasks, and what follows them."""
        traceparent = traceparent_of(request.headers.get("traceparent", ""), os.urandom(24))
        started = await self._groups.start(await read_json(request), traceparent=traceparent)
        note_outcomes(list(started.members), traceparent)
        headers = {"Location": f"/groups/{started.id}"}
        return json_answer(started_json(started), HTTPStatus.ACCEPTED, headers)

    async def get(self, request: Request) -> Response:
        """How a group stands."""
        return json_answer(group_json(await self._groups.get(request.path_params["group_id"])))
