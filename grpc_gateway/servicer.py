"""cloudtasker.v1.TaskService: one method an RPC, translation only. Errors pass through: the
interceptor makes statuses of them."""
# ruff: noqa: N802 - the methods have the names of their RPCs

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import cached_property
from typing import Any

from grpc.aio import ServicerContext

from grpc_gateway import answers, requests
from grpc_gateway.context import traceparent_from
from grpc_gateway.desk import DeskRpcs
from grpc_gateway.listing import filter_of
from grpc_gateway.schedule_servicer import ScheduleRpcs
from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.bootstrap import Api
from shared.domain.errors import CloudTaskerError
from shared.edges.accepted import note_accepted, note_outcomes
from shared.telemetry import Event, log

Context = ServicerContext[Any, Any]


class TaskService(DeskRpcs, ScheduleRpcs):
    """Answers every RPC from the services of `api`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def EnqueueTask(
        self, request: pb.EnqueueTaskRequest, context: Context
    ) -> pb.EnqueueTaskResponse:
        """Accept one task. Safe to repeat only with an idempotency key."""
        asked = requests.asked_of(request)
        traceparent = traceparent_from(context)
        stored = await self._api.enqueue.enqueue(
            asked, traceparent=traceparent, body_bytes=request.ByteSize()
        )
        note_accepted(stored, traceparent)
        return answers.accepted(stored)

    async def EnqueueTasks(
        self, request: pb.EnqueueTasksRequest, context: Context
    ) -> pb.EnqueueTasksResponse:
        """Accept several tasks in one commit; one that cannot be read has its error as outcome."""
        read = requests.all_asked_of(request.tasks)
        asked = [one for one in read if not isinstance(one, CloudTaskerError)]
        traceparent = traceparent_from(context)
        outcomes = await self._api.enqueue.enqueue_all(
            asked, traceparent=traceparent, body_bytes=request.ByteSize()
        )
        waiting = iter(outcomes)
        every = [one if isinstance(one, CloudTaskerError) else next(waiting) for one in read]
        note_outcomes(every, traceparent)
        return answers.outcomes(every)

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.Task:
        """Read one task, with its attempts."""
        return answers.whole(await self._api.lookup.get(request.task_id))

    async def ListTasks(
        self, request: pb.ListTasksRequest, context: Context
    ) -> pb.ListTasksResponse:
        """Read a page of tasks, newest first."""
        page = await self._api.lookup.find(
            filter_of(request),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListTasksResponse(
            tasks=map(answers.summary, page.tasks), next_page_token=page.next_page_token
        )

    async def CancelTask(self, request: pb.CancelTaskRequest, context: Context) -> pb.Task:
        """Cancel a task that waits, or ask one that runs to stop. Safe to repeat."""
        task = await self._api.lookup.cancel(request.task_id)
        log(
            Event.TASK_CANCELLED,
            task_id=str(task.id),
            task_type=task.task_type,
            state=task.state,
            traceparent=task.traceparent,
        )
        return answers.whole(task)

    async def WatchTask(
        self, request: pb.WatchTaskRequest, context: Context
    ) -> AsyncIterator[pb.WatchTaskResponse]:
        """Stream a task's changes until it is final."""
        sightings = self._api.watch.watch(request.task_id, known=request.mark)
        async with aclosing(sightings):
            async for one in sightings:
                if one:
                    yield pb.WatchTaskResponse(task=answers.whole(one.task), mark=one.mark)

    async def StartGroup(
        self, request: pb.StartGroupRequest, context: Context
    ) -> pb.StartGroupResponse:
        """Accept up to 1,000 tasks, and what follows them; all or nothing."""
        traceparent = traceparent_from(context)
        asked = requests.group_of(request)
        started = await self._api.groups.start(asked, traceparent=traceparent)
        note_outcomes(list(started.members), traceparent)
        return answers.started(started)

    async def GetGroup(self, request: pb.GetGroupRequest, context: Context) -> pb.Group:
        """Read how a group stands."""
        return answers.group(await self._api.groups.get(request.group_id))

    async def ListTaskTypes(
        self, request: pb.ListTaskTypesRequest, context: Context
    ) -> pb.ListTaskTypesResponse:
        """Every task type, by name."""
        return self._task_types

    @cached_property
    def _task_types(self) -> pb.ListTaskTypesResponse:
        """Made once: a schema costs a millisecond, and the catalogue does not change."""
        catalogue = self._api.catalogue
        known = [answers.task_type(catalogue[name]) for name in sorted(catalogue)]
        return pb.ListTaskTypesResponse(task_types=known)
