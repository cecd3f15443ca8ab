"""HTTP calls of the scheduler, on the standard library, each in the caller's thread."""

import http.client
import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from emulators.scheduler.job import Oidc

_TOKEN_SECONDS = 10


class HttpError(Exception):
    """No usable answer came."""


def call(
    method: str, uri: str, headers: Mapping[str, str], body: bytes, limit_seconds: float
) -> tuple[int, bytes]:
    """Status and body of one request.

    Raises:
        HttpError: the server was not reached or broke off, or was silent for `limit_seconds`.
    """
    parts = urlsplit(uri)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=limit_seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise HttpError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def id_token(endpoint: str, oidc: Oidc) -> str:
    """A signed OIDC token, as Google's IAM credentials API hands it out.

    Raises:
        HttpError: it was refused.
    """
    email = quote(oidc.service_account_email, safe="@")
    uri = f"{endpoint}/v1/projects/-/serviceAccounts/{email}:generateIdToken"
    asked = json.dumps({"audience": oidc.audience, "includeEmail": True}).encode()
    headers = {"Content-Type": "application/json"}
    status, body = call("POST", uri, headers, asked, _TOKEN_SECONDS)
    if status != 200:
        raise HttpError(f"no token for {oidc.service_account_email}: status {status}")
    return str(json.loads(body)["token"])
