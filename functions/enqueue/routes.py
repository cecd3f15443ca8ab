"""The whole surface of the REST API: one line a route."""

from functions.enqueue.about import About
from functions.enqueue.accepting import Accepting
from functions.enqueue.bulk import BulkRoutes
from functions.enqueue.desk import DeskRoutes
from functions.enqueue.events import Events
from functions.enqueue.groups import GroupRoutes
from functions.enqueue.lookups import Lookups
from functions.enqueue.probes import Probes
from functions.enqueue.queues import QueueRoutes
from functions.enqueue.schedules import ScheduleRoutes
from shared.bootstrap import Api
from shared.domain.api_key import Scope
from shared.edges.access import access_policy
from shared.edges.http_edge import HttpEdge, Route


def rest_api(api: Api) -> HttpEdge:
    """The REST API on the services of `api`; call it with a request.

    Raises: Misconfigured when the settings do not say who may call.
    """
    return HttpEdge(routes(api), access_policy(api.settings, api.keys))


def routes(api: Api) -> list[Route]:
    """What there is; only probes are open to everybody."""
    accepting, lookups, about, probes = Accepting(api), Lookups(api), About(api), Probes(api)
    desk, bulk, queues = DeskRoutes(api), BulkRoutes(api), QueueRoutes(api)
    schedules, groups = ScheduleRoutes(api), GroupRoutes(api)
    return [
        Route("POST", "/enqueue-task", accepting.one, Scope.ENQUEUE),
        Route("POST", "/enqueue-tasks", accepting.many, Scope.ENQUEUE),
        Route("POST", "/groups", groups.start, Scope.ENQUEUE),
        Route("GET", "/groups/{group_id}", groups.get, Scope.READ),
        Route("GET", "/tasks", lookups.find, Scope.READ),
        Route("GET", "/tasks/{task_id}", lookups.get, Scope.READ),
        Route("GET", "/tasks/{task_id}/events", Events(api).stream, Scope.READ),
        Route("POST", "/tasks/{task_id}/cancel", lookups.cancel, Scope.MANAGE),
        Route("POST", "/tasks/{task_id}/redrive", desk.redrive, Scope.MANAGE),
        Route("GET", "/dead-letters", desk.dead, Scope.READ),
        Route("GET", "/dead-letters/groups", desk.groups, Scope.READ),
        Route("GET", "/dead-letters/groups/{group}", desk.members, Scope.READ),
        Route("GET", "/dead-letters/raw", desk.raw, Scope.READ),
        Route("POST", "/dead-letters/raw/discard", desk.discard_raw, Scope.MANAGE),
        Route("GET", "/operations", bulk.find, Scope.READ),
        Route("POST", "/operations", bulk.start, Scope.MANAGE),
        Route("GET", "/operations/{operation_id}", bulk.get, Scope.READ),
        Route("GET", "/operations/{operation_id}/items", bulk.items, Scope.READ),
        Route("POST", "/operations/{operation_id}/stop", bulk.stop, Scope.MANAGE),
        Route("GET", "/queues", queues.all, Scope.READ),
        Route("GET", "/queues/{task_type}", queues.get, Scope.READ),
        Route("POST", "/queues/{task_type}/pause", queues.pause, Scope.MANAGE),
        Route("POST", "/queues/{task_type}/resume", queues.resume, Scope.MANAGE),
        Route("POST", "/queues/{task_type}/republish", schedules.republish, Scope.MANAGE),
        Route("GET", "/schedules", schedules.all, Scope.READ),
        Route("POST", "/schedules", schedules.create, Scope.MANAGE),
        Route("GET", "/schedules/{name}", schedules.get, Scope.READ),
        Route("DELETE", "/schedules/{name}", schedules.delete, Scope.MANAGE),
        Route("POST", "/schedules/{name}/pause", schedules.pause, Scope.MANAGE),
        Route("POST", "/schedules/{name}/resume", schedules.resume, Scope.MANAGE),
        Route("POST", "/schedules/{name}/run", schedules.run, Scope.MANAGE),
        Route("GET", "/audit", desk.audit, Scope.MANAGE),
        Route("GET", "/task-types", about.task_types),
        Route("GET", "/openapi.json", about.openapi),
        Route("GET", "/health", probes.health, is_open=True),
        Route("GET", "/ready", probes.ready, is_open=True),
        Route("GET", "/metrics", probes.metrics, Scope.READ),
    ]
