"""Who may call: nobody from elsewhere, and no start without a choice."""

from ipaddress import IPv4Address

import httpx
import pytest

from shared.domain.errors import Misconfigured, Unauthenticated
from shared.edges.access import Caller, access_policy
from shared.edges.loopback_only import is_loopback
from shared.settings import Settings, read_settings
from tests.contract.api.rest_app import rest_app

EVERY_ADDRESS = str(IPv4Address(0))
LOOPBACK = access_policy(Settings(auth="none"))
HERE = ["localhost", "localhost:5000", "LocalHost", "127.0.0.1:5000", "127.8.9.1", "[::1]:5000"]
ELSEWHERE = [
    "",
    "example.com",
    "localhost.example.com",
    "example.com:5000",
    EVERY_ADDRESS,
    "10.0.0.1:5000",
    "127.0.0.1.nip.io",
    "localhost@example.com",
    "example.com@localhost",
    "localhost/x",
    "[::1",
    "2130706433",
    "0x7f.1",
    "localhost .example.com",
    "[fe80::1]",
]


@pytest.mark.parametrize("authority", HERE)
async def test_this_machine_is_admitted_by_each_of_its_names(authority):
    await LOOPBACK.admit(Caller("127.0.0.1", authority), None)
    await LOOPBACK.admit(Caller("::1", authority), None)


@pytest.mark.parametrize("authority", ELSEWHERE)
async def test_a_page_of_another_host_cannot_call_this_machine(authority):
    with pytest.raises(Unauthenticated):
        await LOOPBACK.admit(Caller("127.0.0.1", authority), None)


@pytest.mark.parametrize(
    "address", ["", "10.0.0.5", EVERY_ADDRESS, "/run/socket", "fe80::1", "None"]
)
async def test_a_connection_to_another_address_is_refused(address):
    with pytest.raises(Unauthenticated):
        await LOOPBACK.admit(Caller(address, "localhost"), None)


def test_an_open_address_is_not_bound_without_authentication():
    for host in ("127.0.0.1", "::1", "localhost"):
        LOOPBACK.check_bind(host)
    for host in (EVERY_ADDRESS, "::", "10.0.0.5"):
        with pytest.raises(Misconfigured, match=r"HOST=127\.0\.0\.1"):
            LOOPBACK.check_bind(host)


def test_a_production_start_needs_a_choice():
    production = read_settings({"K_SERVICE": "enqueue", "GOOGLE_CLOUD_PROJECT": "p"})

    with pytest.raises(Misconfigured, match="CLOUDTASKER_AUTH must be chosen in production"):
        access_policy(production)


def test_keys_without_a_store_of_them_are_refused():
    with pytest.raises(Misconfigured, match="store of keys"):
        access_policy(Settings(auth="keys"))


def test_a_name_that_only_looks_like_loopback_is_not():
    assert not is_loopback("127.0.0.1.example.com")
    assert not is_loopback("")


def open_http_at(memory, url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(rest_app(memory.api)), base_url=url)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tasks", 401),
        ("/task-types", 401),
        ("/openapi.json", 401),
        ("/metrics", 401),
        ("/nothing", 401),
        ("/enqueue-task", 401),
        ("/health", 200),
        ("/ready", 200),
    ],
)
async def test_from_elsewhere_only_the_probes_answer(memory, path, status):
    async with open_http_at(memory, "http://10.0.0.5") as http:
        answer = await http.get(path)

    assert answer.status_code == status
    assert "10.0.0.5" not in answer.text


async def test_a_refused_caller_stores_nothing_and_learns_nothing(memory):
    task = {"task_type": "greet", "payload": {"name": "Ada"}}
    async with open_http_at(memory, "http://127.0.0.1") as http:
        answer = await http.post("/enqueue-task", json=task, headers={"host": "evil.example"})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "evil" not in answer.text
    assert memory.publisher.messages == []
