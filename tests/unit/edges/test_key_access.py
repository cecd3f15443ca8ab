import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory_keys import MemoryKeys
from shared.domain.api_key import Scope
from shared.domain.errors import Forbidden, LedgerUnavailable, Unauthenticated
from shared.edges.access import Caller
from shared.edges.key_access import KEEP_SECONDS, MAX_KEPT, KeyAccess
from shared.settings import Settings
from tests.support.api_keys import kept_key, made_key
from tests.support.clock import FakeClock


class SlowKeys(MemoryKeys):
    """Keys whose lookups read at once, and answer once `open` is set."""

    def __init__(self, now) -> None:
        super().__init__(now)
        self.open = asyncio.Event()
        self.open.set()
        self.note_fails: Exception | None = None
        self.lookup_fails: Exception | None = None

    async def find(self, key_id):
        found = await super().find(key_id)
        await self.open.wait()
        if self.lookup_fails:
            raise self.lookup_fails
        return found

    async def used(self, key_id) -> None:
        if self.note_fails:
            raise self.note_fails
        await super().used(key_id)


class Bench:
    """A policy over keys in memory, on one clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = SlowKeys(self.clock)
        self.policy = KeyAccess(
            self.store, Settings(auth="keys"), clock=self._seconds, now=self.clock
        )

    def _seconds(self) -> float:
        return self.clock.now.timestamp()

    async def admit(self, scope: Scope | None, **headers: str) -> None:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        await self.policy.admit(Caller("10.0.0.1", "api.example.com", said), scope)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_key_is_accepted_in_either_header(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)

    await bench.admit(Scope.READ, authorization=f"Bearer {token}")
    await bench.admit(Scope.READ, authorization=f"bearer {token}")
    await bench.admit(Scope.READ, x_api_key=token)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer ct_"},
        {"authorization": "Basic Y3Q6Y3Q="},
        {"x_api_key": "ct_0000000000000000_short"},
        {"x_api_key": made_key("nobody has it")[1]},
        {"x_forwarded_authorization": made_key("ci")[1]},
    ],
)
async def test_no_key_or_one_that_nobody_made_is_refused(bench, headers):
    await kept_key(bench.store, "ci", Scope.READ)

    with pytest.raises(Unauthenticated):
        await bench.admit(None, **headers)


async def test_the_secret_of_another_key_is_refused(bench):
    one, other = await kept_key(bench.store, "a"), await kept_key(bench.store, "b")
    mixed = one[:20] + other[20:]

    with pytest.raises(Unauthenticated, match="wrong secret"):
        await bench.admit(None, x_api_key=mixed)


async def test_a_key_without_the_scope_is_forbidden(bench):
    token = await kept_key(bench.store, "ci", Scope.ENQUEUE)

    await bench.admit(Scope.ENQUEUE, x_api_key=token)
    with pytest.raises(Forbidden, match="'manage'"):
        await bench.admit(Scope.MANAGE, x_api_key=token)


async def test_a_revoked_key_is_refused_once_it_is_no_longer_believed(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    await bench.admit(Scope.READ, x_api_key=token)
    await bench.store.revoke(made_key("ci")[0].id)

    bench.clock.advance(KEEP_SECONDS)
    with pytest.raises(Unauthenticated, match="revoked"):
        await bench.admit(Scope.READ, x_api_key=token)


async def test_an_expired_key_is_refused_at_once(bench):
    end = bench.clock.now + timedelta(seconds=1)
    token = await kept_key(bench.store, "ci", Scope.READ, expires_at=end)
    await bench.admit(Scope.READ, x_api_key=token)

    bench.clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await bench.admit(Scope.READ, x_api_key=token)


async def test_keys_and_guesses_are_looked_up_once_in_a_while(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    _, guess = made_key("guess")
    for _ in range(100):
        await bench.admit(Scope.READ, x_api_key=token)
        with pytest.raises(Unauthenticated):
            await bench.admit(None, x_api_key=guess)

    assert bench.store.lookups == 2


async def test_what_is_remembered_is_bounded(bench):
    for number in range(MAX_KEPT + 10):
        with pytest.raises(Unauthenticated):
            await bench.admit(None, x_api_key=made_key(str(number))[1])

    assert len(bench.policy._kept) == MAX_KEPT


async def test_the_last_use_of_a_key_is_noted(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    await bench.admit(Scope.READ, x_api_key=token)

    (key,) = await bench.store.all()
    assert key.last_used_at == bench.clock.now


async def test_a_refused_secret_is_no_use_of_the_key(bench):
    one, other = await kept_key(bench.store, "a"), await kept_key(bench.store, "b")
    with pytest.raises(Unauthenticated):
        await bench.admit(None, x_api_key=one[:20] + other[20:])

    assert [key.last_used_at for key in await bench.store.all()] == [None, None]


async def started(*calls) -> list[asyncio.Task]:
    """The calls, begun and waiting for the store."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_a_crowd_with_one_key_makes_one_lookup(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    bench.store.open.clear()
    crowd = await started(*(bench.admit(Scope.READ, x_api_key=token) for _ in range(50)))
    bench.store.open.set()
    await asyncio.gather(*crowd)

    assert bench.store.lookups == 1


async def test_a_caller_who_gives_up_does_not_end_the_lookup_of_the_others(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    bench.store.open.clear()
    first, second = await started(*(bench.admit(None, x_api_key=token) for _ in range(2)))
    first.cancel()
    await asyncio.sleep(0)
    bench.store.open.set()

    await second
    assert bench.store.lookups == 1


async def test_a_lookup_that_failed_is_told_to_all_who_waited_and_not_remembered(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    bench.store.open.clear()
    bench.store.lookup_fails = LedgerUnavailable("gone")
    crowd = await started(*(bench.admit(None, x_api_key=token) for _ in range(3)))
    bench.store.open.set()
    told = await asyncio.gather(*crowd, return_exceptions=True)
    bench.store.lookup_fails = None

    assert {type(one) for one in told} == {LedgerUnavailable}
    await bench.admit(None, x_api_key=token)


async def test_a_slow_lookup_does_not_stretch_the_time_in_which_a_revocation_works(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    bench.store.open.clear()
    (slow,) = await started(bench.admit(None, x_api_key=token))
    await bench.store.revoke(made_key("ci")[0].id)  # just after the slow lookup has read
    bench.clock.advance(KEEP_SECONDS - 1)
    bench.store.open.set()
    await slow

    bench.clock.advance(1)
    with pytest.raises(Unauthenticated, match="revoked"):
        await bench.admit(None, x_api_key=token)


async def test_nobody_joins_a_lookup_that_is_older_than_what_may_be_believed(bench):
    token = await kept_key(bench.store, "ci", Scope.READ)
    bench.store.open.clear()
    (slow,) = await started(bench.admit(None, x_api_key=token))
    await bench.store.revoke(made_key("ci")[0].id)
    bench.clock.advance(KEEP_SECONDS)
    (late,) = await started(bench.admit(None, x_api_key=token))
    bench.store.open.set()

    await slow
    with pytest.raises(Unauthenticated, match="revoked"):
        await late


@pytest.mark.parametrize("failure", [LedgerUnavailable("gone"), RuntimeError("not allowed")])
async def test_a_use_that_cannot_be_noted_refuses_nobody(bench, failure):
    token = await kept_key(bench.store, "ci", Scope.READ)
    bench.store.note_fails = failure

    await bench.admit(Scope.READ, x_api_key=token)


async def test_a_scope_of_another_version_allows_nothing_and_breaks_nothing(bench):
    key, token = made_key("new", Scope.READ)
    await bench.store.add(replace(key, unknown_scopes=frozenset({"redrive"})))

    await bench.admit(Scope.READ, x_api_key=token)
    with pytest.raises(Forbidden):
        await bench.admit(Scope.MANAGE, x_api_key=token)
