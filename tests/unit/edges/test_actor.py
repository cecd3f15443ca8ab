"""Who the audit names, for each way to prove who one is."""

import pytest

from shared.adapters.memory_keys import MemoryKeys
from shared.domain.api_key import Scope
from shared.edges.access import Caller, access_policy
from shared.edges.actor import acting, current_actor
from shared.edges.google_access import GoogleAccess
from shared.settings import Settings
from tests.support.api_keys import kept_key
from tests.support.clock import FakeClock
from tests.support.tokens import claims, key_server, token

EMAIL = "backend@project.iam.gserviceaccount.com"


async def test_without_credentials_it_is_this_machine():
    policy = access_policy(Settings(auth="none"))

    assert await policy.admit(Caller("127.0.0.1", "localhost"), None) == "local"


async def test_an_api_key_is_named_by_its_id_and_never_by_its_secret():
    store = MemoryKeys(FakeClock())
    brought = await kept_key(store, "ci", Scope.MANAGE)
    policy = access_policy(Settings(auth="keys"), store)
    caller = Caller("10.0.0.1", "api", {"x-api-key": brought})

    assert await policy.admit(caller, Scope.MANAGE) == f"key:{brought.split('_')[1]}"


@pytest.mark.parametrize("times", [1, 2])
async def test_an_account_of_google_is_named_by_its_address_also_when_it_is_remembered(times):
    with key_server() as keys:
        settings = Settings(
            auth="google",
            auth_callers=(EMAIL,),
            auth_audiences=("api",),
            push_issuer_keys_url=keys.url,
        )
        policy = GoogleAccess(settings)
        bearer = f"Bearer {token(claims(email=EMAIL, aud='api'))}"
        caller = Caller("10.0.0.1", "api", {"authorization": bearer})

        assert [await policy.admit(caller, None) for _ in range(times)] == [EMAIL] * times


def test_the_actor_of_a_call_is_known_below_its_edge():
    acting("key:1")

    assert current_actor() == "key:1"
