"""What API Gateway reads in its document, and Cloud Run's check of who may invoke."""

import asyncio
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.cloud import grants
from emulators.cloud.api_gateway import Api
from emulators.cloud.folder import Folder
from emulators.cloud.invoker_check import InvokerCheck

DOCUMENT = {
    "x-google-backend": {"address": "http://here", "jwt_audience": "https://x", "deadline": 60},
    "paths": {"/tasks": {"get": {}}, "/tasks/{task_id}/cancel": {"post": {}}},
}
SECURED = DOCUMENT | {
    "security": [{"google": []}],
    "securityDefinitions": {"google": {"x-google-audiences": "a,b"}},
}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AUDIENCE = "https://noop-123.europe-west1.run.app"


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [
        ("GET", "/tasks", True),
        ("POST", "/tasks", False),
        ("GET", "/tasks/", False),
        ("POST", "/tasks/7/cancel", True),
        ("POST", "/tasks/7/8/cancel", False),
        ("GET", "/metrics", False),
    ],
)
def test_only_what_the_document_has_passes(method, path, known):
    assert Api.of(DOCUMENT).has(method, path) is known


def test_tokens_are_asked_for_where_the_document_says_so():
    assert Api.of(DOCUMENT).audiences == frozenset()
    assert Api.of(SECURED).audiences == {"a", "b"}


@pytest.fixture
def folder(tmp_path) -> Folder:
    made = Folder(tmp_path / "dev")
    made.make()
    return made


def granted(folder: Folder, member: str) -> None:
    grant = {"name": "noop", "role": grants.RUN_INVOKER, "member": member}
    grants.keep(folder, "google_cloud_run_v2_service_iam_member", grant)


def token(email: str = "ct-push@p", audience: str = AUDIENCE, key=KEY) -> str:
    claims = {"iss": "https://accounts.google.com", "aud": audience, "email": email,
              "exp": 4_000_000_000}  # fmt: skip
    return jwt.encode(claims, key, "RS256", headers={"kid": "1"})


def answered(folder: Folder, authorization: str, path: str = "/") -> int:
    """The status of a request: the service's own 204, or the check's."""

    async def service(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})

    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    async def receive():
        raise AssertionError("nobody asks for a body here")

    keys = SimpleNamespace(get_signing_key_from_jwt=lambda _: KEY.public_key())
    check = InvokerCheck(service, "noop", folder, keys)
    headers = [(b"authorization", authorization.encode())] if authorization else []
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(check(scope, receive, send))
    status: int = sent[0]["status"]
    return status


def test_who_was_granted_it_may_invoke(folder):
    assert answered(folder, f"Bearer {token()}") == 403
    granted(folder, "serviceAccount:ct-push@p")
    assert answered(folder, f"Bearer {token()}") == 204
    assert answered(folder, f"Bearer {token(email='stranger@p')}") == 403


def test_nobody_may_without_a_token_but_the_platforms_own_probe(folder):
    granted(folder, "serviceAccount:ct-push@p")

    assert answered(folder, "") == 403
    assert answered(folder, "", "/ready") == 204


def test_a_token_for_another_service_or_of_another_issuer_is_none(folder):
    granted(folder, "serviceAccount:ct-push@p")
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert answered(folder, f"Bearer {token(audience='https://relay-1.x.run.app')}") == 401
    assert answered(folder, f"Bearer {token(key=foreign)}") == 401


def test_everybody_may_where_everybody_was_granted_it(folder):
    granted(folder, "allUsers")

    assert answered(folder, "") == 204
