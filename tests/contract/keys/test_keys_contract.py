"""What every store of API keys promises: in memory, and in Postgres."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.adapters.memory_keys import MemoryKeys
from shared.adapters.pg_keys import PostgresKeys
from shared.domain.api_key import Scope
from shared.domain.errors import LedgerUnavailable
from shared.domain.ports import KeyStore
from tests.support.api_keys import CREATED, made_key
from tests.support.clock import FakeClock
from tests.support.postgres import PostgresServer, fresh_database


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> str:
    return fresh_database(postgres, "keys_contract")


@pytest.fixture(params=["memory", "postgres"])
async def store(request, postgres: PostgresServer) -> AsyncIterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeys(FakeClock())
        return
    url = request.getfixturevalue("database")
    postgres.run("TRUNCATE api_keys", "keys_contract")
    keys = PostgresKeys(url)
    yield keys
    keys.close()


async def test_a_key_is_found_as_it_was_added(store):
    until = CREATED + timedelta(days=90)
    key, _ = made_key("ci", Scope.ENQUEUE, Scope.READ, expires_at=until)
    await store.add(key)

    assert await store.find(key.id) == key


async def test_an_unknown_id_is_none(store):
    assert await store.find("0" * 16) is None
    assert await store.revoke("0" * 16) is None


async def test_keys_are_listed_oldest_first(store):
    keys = [made_key(name)[0] for name in ("b", "a", "c")]
    for key in keys:
        await store.add(key)

    assert await store.all() == sorted(keys, key=lambda key: key.id)


async def test_a_revoked_key_stays_revoked_at_its_first_moment(store):
    key, _ = made_key("ci")
    await store.add(key)

    first, second = await store.revoke(key.id), await store.revoke(key.id)

    assert first.revoked_at is not None
    assert second.revoked_at == first.revoked_at
    assert (await store.find(key.id)).revoked_at == first.revoked_at


async def test_a_use_is_noted(store):
    key, _ = made_key("ci")
    await store.add(key)
    await store.used(key.id)

    assert (await store.find(key.id)).last_used_at is not None


async def test_a_database_that_is_away_is_told_apart_from_an_unknown_key():
    keys = PostgresKeys("postgresql+pg8000://nobody@127.0.0.1:9/nothing")
    try:
        with pytest.raises(LedgerUnavailable):
            await keys.find("0" * 16)
    finally:
        keys.close()


async def test_a_scope_that_this_version_does_not_know_is_set_apart(postgres, database):
    """As after a roll-back, when a newer version made the key."""
    key, _ = made_key("newer", Scope.READ)
    keys = PostgresKeys(database)
    try:
        await keys.add(key)
        postgres.run("UPDATE api_keys SET scopes = '{read,redrive}'", "keys_contract")
        found = await keys.find(key.id)
    finally:
        keys.close()

    assert (found.scopes, found.unknown_scopes) == ({Scope.READ}, {"redrive"})
