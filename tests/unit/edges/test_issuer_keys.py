"""S3: an issuer that is slow, away or talks nonsense, and callers who invent key ids."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.edges.issuer_keys import IssuerKeys, keep_seconds
from shared.edges.jwks import KeysUnavailable, public_keys
from tests.support.tokens import KEY_ID, KeyServer, key_server, key_set, private_key


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as running:
        yield running


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keys(server, clock):
    return IssuerKeys(server.url, clock=clock)


async def fetched(keys):
    """Wait for a fetch that is under way behind an answer."""
    if keys._fetching:
        await keys._fetching


async def test_a_key_is_fetched_when_it_is_first_asked_for_and_then_kept(server, keys):
    assert server.fetches == 0

    found = [await keys.get(KEY_ID) for _ in range(100)]

    assert found[0].public_numbers() == private_key().public_key().public_numbers()
    assert all(key is found[0] for key in found)
    assert server.fetches == 1


async def test_a_hundred_callers_at_once_share_one_fetch(server, keys):
    found = await asyncio.gather(*(keys.get(KEY_ID) for _ in range(100)))

    assert None not in found
    assert server.fetches == 1


async def test_ten_thousand_invented_key_ids_cost_one_fetch_a_minute(server, keys, clock):
    await keys.get(KEY_ID)
    before = server.fetches

    for n in range(10_000):
        clock.now += 0.006
        assert await keys.get(f"invented-{n}") is None

    assert clock.now >= 1060
    assert server.fetches - before <= 1


async def test_a_new_key_is_found_by_a_fetch_ahead_of_time(server, keys, clock):
    await keys.get(KEY_ID)
    server.serve(KEY_ID, "key-2")

    assert await keys.get("key-2") is None, "within the quiet minute"
    clock.now += 60
    assert await keys.get("key-2") is not None
    assert server.fetches == 2


async def test_keys_past_their_time_are_served_while_they_are_fetched_anew(server, keys, clock):
    await keys.get(KEY_ID)
    clock.now += 3600
    server.go_on.clear()

    assert await keys.get(KEY_ID) is not None
    assert keys._fetching is not None, "nobody waited for the issuer"
    server.go_on.set()
    await fetched(keys)
    assert server.fetches == 2


async def test_a_key_that_the_issuer_has_withdrawn_is_gone_after_the_fetch(server, keys, clock):
    await keys.get(KEY_ID)
    server.serve("key-2")
    clock.now += 3600
    await keys.get(KEY_ID)
    await fetched(keys)

    assert await keys.get(KEY_ID) is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (404, b"{}"),
        (302, b""),
        (200, b"<html>"),
        (200, b"\xff\xfe"),
        (200, b"[]"),
        (200, b'{"keys": {}}'),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [1, {"kid": "key-1", "kty": "RSA"}]}'),
        (200, b"[" * 100_000),
        (200, b" " * 300_000),
    ],
)
async def test_known_keys_go_on_when_the_issuer_talks_nonsense(server, keys, clock, status, body):
    known = await keys.get(KEY_ID)
    server.status, server.body = status, body

    for _ in range(100):
        clock.now += 60
        assert await keys.get(KEY_ID) is known
        await fetched(keys)

    assert server.fetches <= 1 + 100 * 60 / 60
    assert server.fetches > 1


async def test_known_keys_go_on_when_the_issuer_is_gone(clock):
    with key_server() as server:
        keys = IssuerKeys(server.url, clock=clock)
        known = await keys.get(KEY_ID)
    clock.now += 100_000

    assert await keys.get(KEY_ID) is known
    await fetched(keys)
    assert await keys.get(KEY_ID) is known


async def test_without_any_key_a_failed_fetch_is_tried_again_after_five_seconds(
    server, keys, clock
):
    server.status = 503
    assert await keys.get(KEY_ID) is None
    assert await keys.get(KEY_ID) is None
    assert server.fetches == 1

    server.status = 200
    clock.now += 5
    assert await keys.get(KEY_ID) is not None


async def test_a_slow_issuer_is_given_up_in_time(server):
    keys = IssuerKeys(server.url, patience_seconds=0.1)
    server.go_on.clear()

    async with asyncio.timeout(30):  # the server itself would never answer
        assert await keys.get(KEY_ID) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 300),
        ("no-store", 300),
        ("max-age=0", 300),
        ("max-age=299", 300),
        ("public, max-age=301, must-revalidate", 301),
        ("Public, Max-Age=20000", 20000),
        ("max-age=86401", 86400),
        ("s-maxage=9000", 300),
        ("max-age=nonsense", 300),
    ],
)
def test_keys_are_kept_as_the_issuer_says_within_five_minutes_and_a_day(header, seconds):
    assert keep_seconds(header) == seconds


@pytest.mark.parametrize(
    "entry",
    [
        b'{"kid": "a", "kty": "oct", "k": "c2VjcmV0"}',
        b'{"kid": 1, "kty": "RSA", "n": "AQAB", "e": "AQAB"}',
        b'{"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"}',
        b'{"kid": "a", "kty": "RSA", "n": "", "e": ""}',
        b'{"kid": "a", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}',
    ],
)
def test_what_is_no_strong_rsa_key_is_passed_over(entry):
    with pytest.raises(KeysUnavailable):
        public_keys(b'{"keys": [%s]}' % entry)


def test_a_weak_rsa_key_is_passed_over():
    weak = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - that is the point
    entry = {**RSAAlgorithm.to_jwk(weak, as_dict=True), "kid": "weak"}

    with pytest.raises(KeysUnavailable):
        public_keys(json.dumps({"keys": [entry]}).encode())
    assert list(public_keys(json.dumps({"keys": [entry, *key_set()["keys"]]}).encode())) == [KEY_ID]
