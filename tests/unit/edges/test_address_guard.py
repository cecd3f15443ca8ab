"""S11: what a webhook may reach is decided before any connection, for a reason that is safe."""

import socket

import pytest
from pydantic import HttpUrl, ValidationError

from functions.deliver_webhook.payload import DeliverWebhook
from shared.edges.address_guard import (
    BlockedAddress,
    Target,
    Unresolved,
    checked_target,
    resolve,
)
from tests.unit.edges.hostile_urls import HOSTILE_URLS, LYING_DNS, PUBLIC, lying_dns


async def test_every_hostile_url_is_refused_by_its_payload_or_by_the_guard():
    passed = []
    for template in HOSTILE_URLS:
        for port in ("", ":443", ":8443"):
            url = template.format(port=port)
            try:
                payload = DeliverWebhook(url=url, body={})
                await checked_target(payload.url, resolve=lying_dns)
            except (ValidationError, BlockedAddress):
                continue
            passed.append(url)
    assert passed == []
    assert len(HOSTILE_URLS) >= 60


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost.",
        "app.localhost",
        "printer.local",
        "metadata.google.internal",
        "metadata.google.internal.",
        "db.c.project.internal",
        "intranet",
        "public..example.com",
        "public.example.com..",
        "a" * 64 + ".example.com",
        "a!b.example.com",
    ],
)
async def test_a_name_that_is_not_public_by_its_form_is_not_even_looked_up(host):
    with pytest.raises(BlockedAddress, match="is not the full name of a public host"):
        await checked_target(HttpUrl(f"https://{host}/"), resolve=refuse_look_up)


@pytest.mark.parametrize("host", [name for name in LYING_DNS if name != "public.example.com"])
async def test_the_reason_names_no_address_that_the_name_resolved_to(host):
    with pytest.raises(BlockedAddress) as blocked:
        await checked_target(HttpUrl(f"https://{host}/"), resolve=lying_dns)
    assert f"{host} is not on the public internet" == str(blocked.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://public.example.com/hook", "public.example.com"),
        ("https://public.example.com:8443/hook", "public.example.com"),
        ("https://PUBLIC.example.com./hook", "public.example.com"),
    ],
)
async def test_a_public_name_passes_with_all_its_addresses(url, host):
    expected = Target(host, tuple(LYING_DNS["public.example.com"]))

    assert expected == await checked_target(HttpUrl(url), resolve=lying_dns)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"https://{PUBLIC}/", PUBLIC),
        ("https://134744072/", "8.8.8.8"),
        ("https://[2606:4700::1111]/", "2606:4700::1111"),
    ],
)
async def test_a_public_address_passes_without_a_look_up(url, address):
    assert Target(address, (address,)) == await checked_target(HttpUrl(url), resolve=refuse_look_up)


async def test_a_name_is_resolved_once_so_that_it_cannot_be_rebound():
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(answers)

    target = await checked_target(HttpUrl("https://rebind.example.com/"), resolve=rebinding)

    assert target.addresses == (PUBLIC,)
    assert list(answers) == [["127.0.0.1"]]


@pytest.mark.parametrize(
    ("url", "pair", "target"),
    [
        ("http://127.0.0.1:9000/", "127.0.0.1:9000", Target("127.0.0.1", ("127.0.0.1",))),
        ("https://10.0.0.7:22/", "10.0.0.7:22", Target("10.0.0.7", ("10.0.0.7",))),
        ("http://[::1]:9000/", "[::1]:9000", Target("::1", ("::1",))),
        ("http://localhost/", "localhost:80", Target("localhost", ("127.0.0.1",))),
        ("https://hooks.internal/", "hooks.internal:443", Target("hooks.internal", ("127.0.0.1",))),
    ],
)
async def test_what_the_settings_allow_passes(url, pair, target):
    assert target == await checked_target(HttpUrl(url), allow=[pair], resolve=lying_dns)


@pytest.mark.parametrize(
    ("url", "pair"),
    [
        ("http://127.0.0.1:9001/", "127.0.0.1:9000"),
        ("http://127.0.0.2:9000/", "127.0.0.1:9000"),
        ("https://hooks.internal/", "hooks.internal:8443"),
        ("https://hooks.internal/", "hooks.internal"),
        ("https://sub.hooks.internal/", "hooks.internal:443"),
        ("https://hooks.internal/", "my-hooks.internal:443"),
        ("https://hooks.internal/", "hooks.internal:4430"),
    ],
)
async def test_an_allowed_pair_opens_nothing_beside_it(url, pair):
    with pytest.raises(BlockedAddress):
        await checked_target(HttpUrl(url), allow=[pair], resolve=lying_dns)


async def test_a_name_that_cannot_be_resolved_is_worth_another_attempt():
    async def failing(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "temporary failure")

    with pytest.raises(Unresolved, match=r"hooks\.example\.com cannot be resolved"):
        await checked_target(HttpUrl("https://hooks.example.com/"), resolve=failing)


async def test_the_system_resolver_gives_each_address_once():
    addresses = await resolve("127.0.0.1", 443)

    assert addresses == ["127.0.0.1"]


async def refuse_look_up(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} was looked up")
