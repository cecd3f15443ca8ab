"""ID tokens of callers, directly and behind API Gateway."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.domain.api_key import Scope
from shared.domain.errors import Unauthenticated
from shared.edges.access import Caller
from shared.edges.google_access import GoogleAccess
from shared.edges.id_token import MARKER
from shared.settings import Settings
from tests.support.tokens import KeyServer, claims, key_server, part, token

CALLER = "backend@project.iam.gserviceaccount.com"
OTHER = "mallory@project.iam.gserviceaccount.com"
GATEWAY = "gateway@project.iam.gserviceaccount.com"
AUDIENCE = "https://api.example.com"
FUNCTION = "https://enqueue.example.com"


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.fixture
def settings(keys) -> Settings:
    return Settings(
        auth="google",
        auth_callers=(CALLER,),
        auth_audiences=(AUDIENCE, "https://other.example.com"),
        push_issuer_keys_url=keys.url,
    )


def bearer(email: str = CALLER, audience: str = AUDIENCE, **changes) -> str:
    return f"Bearer {token(claims(email=email, aud=audience, **changes))}"


async def admit(settings: Settings, **headers: str) -> None:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    await GoogleAccess(settings).admit(Caller("10.0.0.1", "api", said), Scope.MANAGE)


async def test_an_account_on_the_list_may_do_everything(settings):
    await admit(settings, authorization=bearer())


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        bearer(email=OTHER),
        bearer(audience=FUNCTION),
        bearer(email_verified=False),
        bearer(iss="https://example.com"),
        bearer(exp=1),
        f"Bearer {token(claims(email=CALLER, aud=AUDIENCE), signed_with='mallory')}",
    ],
)
async def test_anybody_else_is_refused(settings, header):
    with pytest.raises(Unauthenticated):
        await admit(settings, authorization=header)


def behind(settings: Settings, mode: str) -> Settings:
    return replace(settings, auth_gateway=GATEWAY, push_audience=FUNCTION, push_auth=mode)


async def test_behind_the_gateway_the_callers_own_token_counts(settings):
    gateway = bearer(GATEWAY, FUNCTION)

    await admit(
        behind(settings, "signature"), authorization=gateway, x_forwarded_authorization=bearer()
    )


async def test_behind_cloud_run_too_the_platform_checks_the_gateway_only(settings):
    said = part(claims(email=GATEWAY, aud=FUNCTION))
    gateway = f"Bearer {part({'alg': 'RS256'})}.{said}.{MARKER}"
    forged = f"Bearer {part({'alg': 'RS256'})}.{part(claims(email=CALLER, aud=AUDIENCE))}.{MARKER}"

    await admit(
        behind(settings, "platform"), authorization=gateway, x_forwarded_authorization=bearer()
    )
    with pytest.raises(Unauthenticated):
        await admit(
            behind(settings, "platform"), authorization=gateway, x_forwarded_authorization=forged
        )


async def test_a_forwarded_token_counts_only_beside_the_gateways_own(settings):
    for beside in (bearer(), bearer(OTHER, FUNCTION), ""):
        with pytest.raises(Unauthenticated):
            await admit(
                behind(settings, "signature"),
                authorization=beside,
                x_forwarded_authorization=bearer(),
            )


async def test_the_gateway_itself_is_nobody(settings):
    with pytest.raises(Unauthenticated):
        await admit(behind(settings, "signature"), authorization=bearer(GATEWAY, FUNCTION))


async def test_without_a_gateway_a_forwarded_token_is_not_looked_at(settings):
    with pytest.raises(Unauthenticated):
        await admit(settings, x_forwarded_authorization=bearer())
