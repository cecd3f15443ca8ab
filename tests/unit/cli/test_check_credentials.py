"""`cloudtasker doctor`: keys, and settings that lead elsewhere."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from shared.adapters.memory_keys import MemoryKeys
from shared.cli.check_credentials import elsewhere
from shared.domain.api_key import Scope
from shared.settings import Settings
from tests.contract.api.rest_app import rest_app
from tests.support.api_keys import kept_key
from tests.unit.cli.test_check_ports import stack

CLOUD = "https://tasks.example.com"
CLEAR = "http://tasks.example.com"


class Recorded(httpx.AsyncBaseTransport):
    """Passes requests on, and remembers the credentials that came with them."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.credentials: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.credentials.append(request.headers.get("authorization", ""))
        return await self._transport.handle_async_request(request)


@pytest.fixture
def keyed(cloudtasker):
    """The API with keys, reached under three addresses; what was sent to the one in clear."""
    memory = cloudtasker.memory
    store = MemoryKeys(memory.clock)
    settings = replace(memory.api.settings, auth="keys")
    app = rest_app(replace(memory.api, settings=settings, keys=store))
    transport = Recorded(httpx.ASGITransport(app))
    for url in (CLOUD, CLEAR, "http://127.0.0.1:5000"):
        cloudtasker.hosts.apps[url] = transport
    return store, transport


def check(cloudtasker, url, key="", name="api key", **environ):
    """The check of this name, and the exit code."""
    outcome = cloudtasker(
        "doctor", "--url", url, "-o", "json", CLOUDTASKER_API_KEY=key or None, **environ
    )
    found = {one["name"]: one for one in outcome.document["checks"]}
    return found.get(name), outcome.code


@pytest.fixture
def key(keyed):
    """Makes a key of these scopes."""
    return lambda *scopes: asyncio.run(kept_key(keyed[0], "ci", *scopes))


def test_a_key_that_may_all_is_ok(cloudtasker, keyed, key):
    found, _ = check(cloudtasker, CLOUD, key(*Scope))
    assert found["verdict"] == "ok"
    assert found["found"] == f"{CLOUD}: it may read, enqueue, manage"


def test_the_scopes_that_a_key_lacks_are_named(cloudtasker, keyed, key):
    found, _ = check(cloudtasker, CLOUD, key(Scope.READ))
    assert found["verdict"] == "warn"
    assert "it may read, not enqueue, manage" in found["found"]
    assert "--scope enqueue --scope manage" in found["fix"]


def test_looking_at_a_key_enqueues_nothing(cloudtasker, keyed, key):
    check(cloudtasker, CLOUD, key(*Scope))
    assert cloudtasker.memory.ledger.rows == {}


def test_a_key_that_is_refused_fails(cloudtasker, keyed):
    found, code = check(cloudtasker, CLOUD, "ct_unknown")
    assert (found["verdict"], code) == ("fail", 1)
    assert "refuses this key" in found["found"]


def test_an_api_that_wants_a_key_and_gets_none_fails(cloudtasker, keyed):
    found, code = check(cloudtasker, CLOUD)
    assert (found["verdict"], code) == ("fail", 1)
    assert "cloudtasker keys create" in found["fix"]


def test_a_key_never_goes_to_another_machine_in_clear(cloudtasker, keyed, key):
    found, code = check(cloudtasker, CLEAR, key(*Scope))
    assert (found["verdict"], code) == ("fail", 1)
    assert "in clear" in found["found"]
    assert keyed[1].credentials
    assert set(keyed[1].credentials) == {""}


def test_loopback_may_be_asked_in_clear(cloudtasker, keyed, key):
    found, _ = check(cloudtasker, "http://127.0.0.1:5000", key(*Scope))
    assert found["verdict"] == "ok"


def test_an_api_of_this_machine_without_keys_says_that_the_one_set_is_not_used(cloudtasker):
    assert check(cloudtasker, "http://127.0.0.1:5000")[0]["verdict"] == "ok"
    found, _ = check(cloudtasker, "http://127.0.0.1:5000", "ct_x")
    assert (found["verdict"], "not used" in found["found"]) == ("ok", True)


def test_an_open_api_elsewhere_is_a_warning(cloudtasker):
    said = {"queues": [], "task_types": []}
    cloudtasker.hosts.apps[CLOUD] = httpx.MockTransport(lambda _: httpx.Response(200, json=said))
    found, _ = check(cloudtasker, CLOUD)
    assert (found["verdict"], "asks for no key" in found["found"]) == ("warn", True)


def test_an_address_of_something_else_is_told(cloudtasker):
    cloudtasker.hosts.apps[CLOUD] = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    found, code = check(cloudtasker, CLOUD, name="task types")
    assert (found["verdict"], code) == ("fail", 1)
    assert "is it CloudTasker's API?" in found["found"]


def test_an_api_that_does_not_answer_fails_and_its_key_is_not_judged(cloudtasker):
    assert check(cloudtasker, "https://nowhere.example.com", name="rest")[0]["verdict"] == "fail"
    assert check(cloudtasker, "https://nowhere.example.com")[0] is None


def test_an_emulator_variable_beside_a_cloud_api_is_a_warning(cloudtasker, keyed, key):
    emulator = {"PUBSUB_EMULATOR_HOST": "127.0.0.1:1", "name": "emulator variable"}
    assert check(cloudtasker, CLOUD, key(*Scope), **emulator)[0]["verdict"] == "warn"
    assert check(cloudtasker, "http://127.0.0.1:5000", **emulator)[0] is None


def test_a_database_of_the_settings_that_is_not_the_stack_s_is_told_without_its_password():
    state = stack(
        5000, 1, postgres="postgresql+pg8000://postgres:secret@127.0.0.1:15432/cloudtasker"
    )
    said = Settings(database_url="postgresql+pg8000://me:hidden@db:5432/other")
    [found] = elsewhere(state.rest, state, said)
    assert found.verdict == "warn"
    assert "db:5432/other" in found.found
    assert "127.0.0.1:15432/cloudtasker" in found.found
    assert "secret" not in str(found)
    assert "hidden" not in str(found)
    assert elsewhere(state.rest, state, Settings(database_url=state.postgres)) == []
