"""cloudtasker.v1.TaskService: one method an RPC, translation only. Errors pass through: the
interceptor makes statuses of them."""

import os
from typing import Any

from grpc.aio import ServicerContext

from grpc_gateway import answers, requests
from protos.cloudtasker.v1 import task_service_pb2 as pb
from protos.cloudtasker.v1.task_service_pb2_grpc import TaskServiceServicer
from shared.bootstrap import Api
from shared.domain.errors import CloudTaskerError
from shared.domain.trace import traceparent_of

Context = ServicerContext[Any, Any]


class TaskService(TaskServiceServicer):
    """Answers every RPC from the services of `api`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def EnqueueTask(
        self, request: pb.EnqueueTaskRequest, context: Context
    ) -> pb.EnqueueTaskResponse:
        """Accept one task. Safe to repeat only with an idempotency key."""
        asked = requests.asked_of(request)
        return answers.accepted(
            await self._api.enqueue.enqueue(asked, traceparent=_traceparent(context))
        )

    async def EnqueueTasks(
        self, request: pb.EnqueueTasksRequest, context: Context
    ) -> pb.EnqueueTasksResponse:
        """Accept several tasks in one commit; a task that cannot be read has its error as outcome."""
        read = requests.all_asked_of(request.tasks)
        asked = [one for one in read if not isinstance(one, CloudTaskerError)]
        stored = iter(await self._api.enqueue.enqueue_all(asked, traceparent=_traceparent(context)))
        return answers.outcomes(
            [one if isinstance(one, CloudTaskerError) else next(stored) for one in read]
        )

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.Task:
        """Read one task, with its attempts."""
        return answers.whole(await self._api.lookup.get(request.task_id))

    async def ListTasks(
        self, request: pb.ListTasksRequest, context: Context
    ) -> pb.ListTasksResponse:
        """Read a page of tasks, newest first."""
        page = await self._api.lookup.find(
            requests.filter_of(request),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListTasksResponse(
            tasks=map(answers.summary, page.tasks), next_page_token=page.next_page_token
        )

    async def CancelTask(self, request: pb.CancelTaskRequest, context: Context) -> pb.Task:
        """Cancel a task that does not run yet. Safe to repeat."""
        return answers.whole(await self._api.lookup.cancel(request.task_id))

    async def ListTaskTypes(
        self, request: pb.ListTaskTypesRequest, context: Context
    ) -> pb.ListTaskTypesResponse:
        """Every task type, by name."""
        known = sorted(self._api.catalogue.values(), key=lambda one: one.name)
        return pb.ListTaskTypesResponse(task_types=map(answers.task_type, known))


def _traceparent(context: Context) -> str:
    """A span of our own in the caller's trace, or in a new one."""
    given = {key: value for key, value in context.invocation_metadata() or ()}
    said = given.get("traceparent", "")
    return traceparent_of(said if isinstance(said, str) else "", os.urandom(24))
