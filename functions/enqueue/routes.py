"""The whole surface of the REST API: one line a route."""

from functions.enqueue.about import About
from functions.enqueue.accepting import Accepting
from functions.enqueue.lookups import Lookups
from functions.enqueue.probes import Probes
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
    return [
        Route("POST", "/enqueue-task", accepting.one, Scope.ENQUEUE),
        Route("POST", "/enqueue-tasks", accepting.many, Scope.ENQUEUE),
        Route("GET", "/tasks", lookups.find, Scope.READ),
        Route("GET", "/tasks/{task_id}", lookups.get, Scope.READ),
        Route("POST", "/tasks/{task_id}/cancel", lookups.cancel, Scope.MANAGE),
        Route("GET", "/task-types", about.task_types),
        Route("GET", "/openapi.json", about.openapi),
        Route("GET", "/health", probes.health, is_open=True),
        Route("GET", "/ready", probes.ready, is_open=True),
        Route("GET", "/metrics", probes.metrics, Scope.READ),
    ]
