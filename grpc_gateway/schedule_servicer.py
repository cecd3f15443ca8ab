"""The RPCs of schedules, one method each, translation only: a part of `TaskService`."""
# ruff: noqa: N802 - the methods have the names of their RPCs

from typing import Any

from grpc.aio import ServicerContext

from grpc_gateway import answers
from grpc_gateway.context import traceparent_from
from grpc_gateway.schedules import new_schedule_of, republish_of, republished, schedule
from protos.cloudtasker.v1 import task_service_pb2 as pb
from protos.cloudtasker.v1.task_service_pb2_grpc import TaskServiceServicer
from shared.bootstrap import Api
from shared.domain.schedule import Schedule
from shared.edges.accepted import note_accepted
from shared.edges.actor import current_actor
from shared.telemetry import Event, log

Context = ServicerContext[Any, Any]


class ScheduleRpcs(TaskServiceServicer):
    """Answers the RPCs of schedules from the services of `api`."""

    _api: Api

    async def ListSchedules(
        self, request: pb.ListSchedulesRequest, context: Context
    ) -> pb.ListSchedulesResponse:
        """Every schedule, by name."""
        found = await self._api.schedules.all()
        return pb.ListSchedulesResponse(schedules=map(schedule, found))

    async def GetSchedule(self, request: pb.GetScheduleRequest, context: Context) -> pb.Schedule:
        """One of them."""
        return schedule(await self._api.schedules.get(request.name))

    async def CreateSchedule(
        self, request: pb.CreateScheduleRequest, context: Context
    ) -> pb.Schedule:
        """Make one."""
        asked = new_schedule_of(request)
        made = await self._api.schedules.create(asked, actor=current_actor())
        return _changed("created", made)

    async def DeleteSchedule(
        self, request: pb.DeleteScheduleRequest, context: Context
    ) -> pb.DeleteScheduleResponse:
        """Delete one."""
        await self._api.schedules.delete(request.name, actor=current_actor())
        log(Event.SCHEDULE_CHANGED, schedule=request.name, change="deleted", actor=current_actor())
        return pb.DeleteScheduleResponse()

    async def PauseSchedule(
        self, request: pb.PauseScheduleRequest, context: Context
    ) -> pb.Schedule:
        """Let it make no more runs. Safe to repeat."""
        paused = await self._api.schedules.pause(request.name, actor=current_actor())
        return _changed("paused", paused)

    async def ResumeSchedule(
        self, request: pb.ResumeScheduleRequest, context: Context
    ) -> pb.Schedule:
        """Let it make runs again. Safe to repeat."""
        resumed = await self._api.schedules.resume(request.name, actor=current_actor())
        return _changed("resumed", resumed)

    async def RunSchedule(
        self, request: pb.RunScheduleRequest, context: Context
    ) -> pb.EnqueueTaskResponse:
        """Make one run now."""
        traceparent = traceparent_from(context)
        stored = await self._api.schedules.run(request.name, traceparent=traceparent)
        note_accepted(stored, traceparent)
        return answers.accepted(stored)

    async def RepublishTasks(
        self, request: pb.RepublishTasksRequest, context: Context
    ) -> pb.RepublishTasksResponse:
        """Send a type's backlog again, a step of it. Safe to repeat."""
        asked = republish_of(request)
        swept = await self._api.republish.step(request.task_type, asked, actor=current_actor())
        log(
            Event.BACKLOG_REPUBLISHED,
            task_type=request.task_type,
            republished=swept.lost,
            actor=current_actor(),
        )
        return republished(swept)


def _changed(change: str, found: Schedule) -> pb.Schedule:
    log(Event.SCHEDULE_CHANGED, schedule=found.name, change=change, actor=current_actor())
    return schedule(found)
