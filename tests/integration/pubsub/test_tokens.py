"""Identity tokens: on pushes and on request, accepted by the verifiers that people use."""

import json
import time
import urllib.request

import google.auth.transport.requests
import jwt
import pytest
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import id_token

from tests.contract.pubsub.processes import ours

EMAIL = "pubsub-push@integration.iam.gserviceaccount.com"
AUDIENCE = "https://service.example/push"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """A running emulator."""
    with ours(tmp_path_factory.mktemp("tokens"), durability="memory") as running:
        yield running


def ask(emulator, path, body=None):
    """Return status and JSON of a GET, or of a POST of `body`."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(emulator.http + path, data=data)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def generate(emulator, body, email=EMAIL):
    path = f"/v1/projects/-/serviceAccounts/{email}:generateIdToken"
    return ask(emulator, path, body)


def with_pyjwt(emulator, token, audience=AUDIENCE):
    keys = jwt.PyJWKClient(emulator.http + "/oauth2/v3/certs")
    key = keys.get_signing_key_from_jwt(token)
    return jwt.decode(
        token, key, algorithms=["RS256"], audience=audience, issuer="https://accounts.google.com"
    )


def with_google_auth(emulator, token, audience=AUDIENCE):
    return id_token.verify_token(
        token,
        google.auth.transport.requests.Request(),
        audience=audience,
        certs_url=emulator.http + "/oauth2/v1/certs",
    )


@pytest.fixture
async def pushed(emulator, connect, receiver):
    """The claims-bearing header of a push to a subscription with this token setting."""

    async def pushed(**oidc):
        client = connect(emulator)
        name = f"projects/integration/subscriptions/s-{time.monotonic_ns()}"
        topic = name.replace("subscriptions", "topics")
        token = {"service_account_email": EMAIL, **oidc}
        endpoint = {"push_endpoint": receiver.url + "/push", "oidc_token": token}
        await client.create(name, topic, push_config=endpoint)
        await client.publish(b"x", topic=topic)
        await receiver.until(1)
        scheme, _, value = receiver.requests[0].headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        return value

    return pushed


@pytest.mark.parametrize("verify", [with_pyjwt, with_google_auth])
async def test_a_push_token_has_googles_claims_and_verifies(emulator, pushed, verify):
    claims = verify(emulator, await pushed(audience=AUDIENCE))

    assert set(claims) == {"iss", "aud", "azp", "sub", "email", "email_verified", "iat", "exp"}
    assert claims["iss"] == "https://accounts.google.com"
    assert claims["aud"] == AUDIENCE
    assert claims["email"] == EMAIL
    assert claims["email_verified"] is True
    assert claims["azp"] == claims["sub"]
    assert claims["sub"].isdigit()
    assert claims["exp"] == claims["iat"] + 3600
    assert abs(claims["iat"] - time.time()) < 60


async def test_the_audience_is_the_endpoint_unless_one_is_set(emulator, pushed, receiver):
    token = await pushed()

    assert with_pyjwt(emulator, token, receiver.url + "/push")


@pytest.mark.parametrize("verify", [with_pyjwt, with_google_auth])
async def test_a_token_for_another_audience_is_rejected(emulator, pushed, verify):
    token = await pushed(audience=AUDIENCE)

    with pytest.raises((jwt.InvalidAudienceError, GoogleAuthError, ValueError)):
        verify(emulator, token, "https://elsewhere.example")


@pytest.mark.parametrize("verify", [with_pyjwt, with_google_auth])
def test_a_generated_token_verifies(emulator, verify):
    status, answer = generate(emulator, {"audience": AUDIENCE, "includeEmail": True})

    assert status == 200
    assert verify(emulator, answer["token"])["email"] == EMAIL


def test_a_generated_token_has_no_email_unless_asked(emulator):
    _, answer = generate(emulator, {"audience": AUDIENCE})

    assert "email" not in with_pyjwt(emulator, answer["token"])


@pytest.mark.parametrize("body", [b"not json", [], {}, {"audience": ""}, {"audience": 5}, b"\xff"])
def test_a_bad_token_request_is_refused_in_googles_form(emulator, body):
    status, answer = generate(emulator, body)

    assert status == 400
    assert answer["error"]["status"] == "INVALID_ARGUMENT"


def test_an_unknown_verb_is_not_found(emulator):
    status, answer = ask(emulator, f"/v1/projects/-/serviceAccounts/{EMAIL}:signBlob", {})

    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("verify", [with_pyjwt, with_google_auth])
def test_a_token_still_verifies_after_a_restart(tmp_path, verify):
    with ours(tmp_path) as before:
        _, answer = generate(before, {"audience": AUDIENCE, "includeEmail": True})
        before.kill()

    with ours(tmp_path) as after:
        assert verify(after, answer["token"])["email"] == EMAIL


def test_discovery_leads_to_the_keys(emulator):
    _, configuration = ask(emulator, "/.well-known/openid-configuration")

    assert configuration["issuer"] == "https://accounts.google.com"
    assert configuration["jwks_uri"] == emulator.http + "/oauth2/v3/certs"


def test_health_answers(emulator):
    status, answer = ask(emulator, "/_emulator/health")

    assert (status, answer["status"]) == (200, "ok")
