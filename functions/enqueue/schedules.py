"""The routes of schedules, and of republishing a backlog. Translation only."""

import os
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from shared.bootstrap import Api
from shared.domain.schedule import Schedule
from shared.domain.trace import traceparent_of
from shared.edges.accepted import note_accepted
from shared.edges.actor import current_actor
from shared.edges.http_body import read_json
from shared.edges.http_edge import json_answer
from shared.edges.schedule_json import SchedulesJson, republished_json, schedule_json
from shared.edges.task_json import accepted_json
from shared.telemetry import Event, log


class ScheduleRoutes:
    """Handlers of `/schedules`, what is below it, and `POST /queues/{task_type}/republish`."""

    def __init__(self, api: Api) -> None:
        self._schedules = api.schedules
        self._republish = api.republish

    async def all(self, request: Request) -> Response:
        """Every schedule, by name."""
        found = await self._schedules.all()
        answer: SchedulesJson = {"schedules": [schedule_json(one) for one in found]}
        return json_answer(answer)

    async def get(self, request: Request) -> Response:
        """One of them."""
        return json_answer(schedule_json(await self._schedules.get(_name(request))))

    async def create(self, request: Request) -> Response:
        """Make one."""
        made = await self._schedules.create(await read_json(request), actor=current_actor())
        headers = {"Location": f"/schedules/{made.name}"}
        return _changed("created", made, HTTPStatus.CREATED, headers)

    async def delete(self, request: Request) -> Response:
        """Delete one."""
        name = _name(request)
        await self._schedules.delete(name, actor=current_actor())
        log(Event.SCHEDULE_CHANGED, schedule=name, change="deleted", actor=current_actor())
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def pause(self, request: Request) -> Response:
        """Let it make no more runs."""
        paused = await self._schedules.pause(_name(request), actor=current_actor())
        return _changed("paused", paused)

    async def resume(self, request: Request) -> Response:
        """Let it make runs again."""
        resumed = await self._schedules.resume(_name(request), actor=current_actor())
        return _changed("resumed", resumed)

    async def run(self, request: Request) -> Response:
        """Make one run now."""
        traceparent = traceparent_of(request.headers.get("traceparent", ""), os.urandom(24))
        stored = await self._schedules.run(_name(request), traceparent=traceparent)
        note_accepted(stored, traceparent)
        headers = {"Location": f"/tasks/{stored.id}"}
        return json_answer(accepted_json(stored), HTTPStatus.ACCEPTED, headers)

    async def republish(self, request: Request) -> Response:
        """Send a type's backlog again, a step of it."""
        task_type = request.path_params["task_type"]
        asked = await read_json(request)
        swept = await self._republish.step(task_type, asked, actor=current_actor())
        log(
            Event.BACKLOG_REPUBLISHED,
            task_type=task_type,
            republished=swept.lost,
            actor=current_actor(),
        )
        return json_answer(republished_json(swept))


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


def _changed(
    change: str,
    schedule: Schedule,
    status: HTTPStatus = HTTPStatus.OK,
    headers: dict[str, str] | None = None,
) -> Response:
    log(Event.SCHEDULE_CHANGED, schedule=schedule.name, change=change, actor=current_actor())
    return json_answer(schedule_json(schedule), status, headers)
