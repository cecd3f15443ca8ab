"""Which RPC needs which scope, and the check of it. Deny by default: only health is open."""

from typing import Any, Final

from grpc.aio import ServicerContext

from protos.cloudtasker.v1 import task_service_pb2 as pb
from shared.domain.api_key import Scope
from shared.edges.access import AccessPolicy, Caller
from shared.edges.actor import acting

OPEN: Final = "/grpc.health.v1.Health/"
_SERVICE: Final = f"/{pb.DESCRIPTOR.services_by_name['TaskService'].full_name}/"
SCOPES: Final[dict[str, Scope | None]] = {
    "EnqueueTask": Scope.ENQUEUE,
    "EnqueueTasks": Scope.ENQUEUE,
    "GetTask": Scope.READ,
    "ListTasks": Scope.READ,
    "CancelTask": Scope.MANAGE,
    "ListTaskTypes": None,
    "ListSchedules": Scope.READ,
    "GetSchedule": Scope.READ,
    "CreateSchedule": Scope.MANAGE,
    "DeleteSchedule": Scope.MANAGE,
    "PauseSchedule": Scope.MANAGE,
    "ResumeSchedule": Scope.MANAGE,
    "RunSchedule": Scope.MANAGE,
    "RepublishTasks": Scope.MANAGE,
    "WatchTask": Scope.READ,
    "RedriveTask": Scope.MANAGE,
    "ListErrorGroups": Scope.READ,
    "ListDeadTasks": Scope.READ,
    "ListRawDeliveries": Scope.READ,
    "DiscardRawDeliveries": Scope.MANAGE,
    "StartOperation": Scope.MANAGE,
    "GetOperation": Scope.READ,
    "ListOperations": Scope.READ,
    "ListOperationItems": Scope.READ,
    "StopOperation": Scope.MANAGE,
    "ListQueues": Scope.READ,
    "PauseQueue": Scope.MANAGE,
    "ResumeQueue": Scope.MANAGE,
    "ListAuditLines": Scope.MANAGE,
    "StartGroup": Scope.ENQUEUE,
    "GetGroup": Scope.READ,
}
"""None: whoever is known."""


class Admission:
    """Asks `policy` about each call of a server that listens on `address`."""

    def __init__(self, policy: AccessPolicy, address: str) -> None:
        self._policy = policy
        self._address = address

    async def check(self, method: str, context: ServicerContext[Any, Any]) -> None:
        """Return when the caller may call `method` (its full path).

        Raises: as `AccessPolicy.admit`.
        """
        if method.startswith(OPEN):
            return
        acting(await self._policy.admit(self._caller(context), scope_of(method)))

    def _caller(self, context: ServicerContext[Any, Any]) -> Caller:
        said = context.invocation_metadata() or ()
        # Binary metadata (names ending in -bin) holds no credentials.
        headers = {str(name): value for name, value in said if isinstance(value, str)}
        return Caller(self._address, None, headers)


def scope_of(method: str) -> Scope | None:
    """The scope that `method` needs; a method of ours that nobody gave one needs the widest."""
    if not method.startswith(_SERVICE):
        return None
    return SCOPES.get(method.removeprefix(_SERVICE), Scope.MANAGE)
