"""Every route of the API, walked: nobody gets in without credentials, or without the scope."""

from dataclasses import replace

import httpx
import pytest

from functions.enqueue.routes import routes
from shared.adapters.memory_keys import MemoryKeys
from shared.domain.api_key import Scope
from tests.contract.api.rest_app import rest_app
from tests.support.api_keys import kept_key
from tests.support.memory_api import memory_api

ROUTES = [(route.method, route.path) for route in routes(memory_api().api)]
OPEN = {"/health", "/ready"}
SCOPES = {
    "/enqueue-task": Scope.ENQUEUE,
    "/enqueue-tasks": Scope.ENQUEUE,
    "/tasks": Scope.READ,
    "/tasks/{task_id}": Scope.READ,
    "/tasks/{task_id}/events": Scope.READ,
    "/tasks/{task_id}/cancel": Scope.MANAGE,
    "/tasks/{task_id}/redrive": Scope.MANAGE,
    "/dead-letters": Scope.READ,
    "/dead-letters/groups": Scope.READ,
    "/dead-letters/groups/{group}": Scope.READ,
    "/dead-letters/raw": Scope.READ,
    "/dead-letters/raw/discard": Scope.MANAGE,
    "GET /operations": Scope.READ,
    "POST /operations": Scope.MANAGE,
    "/operations/{operation_id}": Scope.READ,
    "/operations/{operation_id}/items": Scope.READ,
    "/operations/{operation_id}/stop": Scope.MANAGE,
    "/groups": Scope.ENQUEUE,
    "/groups/{group_id}": Scope.READ,
    "/queues": Scope.READ,
    "/queues/{task_type}": Scope.READ,
    "/queues/{task_type}/pause": Scope.MANAGE,
    "/queues/{task_type}/resume": Scope.MANAGE,
    "/queues/{task_type}/republish": Scope.MANAGE,
    "GET /schedules": Scope.READ,
    "POST /schedules": Scope.MANAGE,
    "GET /schedules/{name}": Scope.READ,
    "DELETE /schedules/{name}": Scope.MANAGE,
    "/schedules/{name}/pause": Scope.MANAGE,
    "/schedules/{name}/resume": Scope.MANAGE,
    "/schedules/{name}/run": Scope.MANAGE,
    "/audit": Scope.MANAGE,
    "/metrics": Scope.READ,
    "/task-types": None,
    "/openapi.json": None,
}
TASK = {"task_type": "greet", "payload": {"name": "Ada"}}


@pytest.fixture
def keys(memory) -> MemoryKeys:
    store = MemoryKeys(memory.clock)
    settings = replace(memory.api.settings, auth="keys")
    memory.api = replace(memory.api, settings=settings, keys=store)
    return store


async def ask(memory, method: str, path: str, token: str = "") -> httpx.Response:
    transport = httpx.ASGITransport(rest_app(memory.api))
    headers = {"x-api-key": token} if token else {}
    body = TASK if path == "/enqueue-task" else {"tasks": [TASK]}
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example.com") as http:
        filled = path.replace("{task_id}", "01934b1a-0000-7000-8000-000000000000")
        sent = body if method == "POST" else None
        return await http.request(method, filled, headers=headers, json=sent)


def test_every_route_has_its_scope_here():
    named = {path if path in SCOPES | dict.fromkeys(OPEN) else f"{m} {path}" for m, path in ROUTES}
    assert named == SCOPES.keys() | OPEN


def scope_of(method: str, path: str) -> Scope | None:
    """By path; by method and path where one path has two."""
    return SCOPES.get(path, SCOPES.get(f"{method} {path}"))


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_key_only_probes_answer(memory, keys, method, path):
    answer = await ask(memory, method, path)

    assert (answer.status_code == 401) == (path not in OPEN)
    assert memory.publisher.messages == []


@pytest.mark.parametrize(("method", "path"), [one for one in ROUTES if scope_of(*one)])
async def test_a_key_of_all_other_scopes_is_not_enough(memory, keys, method, path):
    others = set(Scope) - {scope_of(method, path)}
    answer = await ask(memory, method, path, await kept_key(keys, "others", *others))

    assert answer.status_code == 403
    assert scope_of(method, path).value in answer.json()["detail"]
    assert memory.publisher.messages == []


@pytest.mark.parametrize(("method", "path"), [one for one in ROUTES if one[1] not in OPEN])
async def test_a_key_of_the_scope_is_enough(memory, keys, method, path):
    scopes = list(filter(None, [scope_of(method, path)]))
    answer = await ask(memory, method, path, await kept_key(keys, "right", *scopes))

    assert answer.status_code not in (401, 403)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_revoked_key_opens_nothing(memory, keys, method, path):
    token = await kept_key(keys, "gone", *Scope, revoked_at=memory.clock.now)
    answer = await ask(memory, method, path, token)

    assert (answer.status_code == 401) == (path not in OPEN)
    assert "revoked" not in answer.text


async def test_what_is_no_route_needs_a_key_too(memory, keys):
    assert (await ask(memory, "GET", "/nothing")).status_code == 401
    assert (await ask(memory, "GET", "/nothing", await kept_key(keys, "a"))).status_code == 404
