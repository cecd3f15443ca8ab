"""Stands in for API Gateway: `python -m emulators.cloud.api_gateway --config FILE`.

It lets through what its OpenAPI document has, over HTTPS, checks tokens where the document says so,
and calls the service behind as the gateway's own account. It knows nothing of the product.
"""

import argparse
import asyncio
import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import yaml
from aiohttp import web

_TOKEN_SECONDS = 3000  # tokens are good for an hour
_MAX_BODY_BYTES = 32 * 1024 * 1024  # as the service
# Of one connection, so not handed on; and what the gateway says itself.
_OWN = {
    "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host",
    "content-length", "authorization", "x-forwarded-authorization",
}  # fmt: skip
_ISSUERS = ("https://accounts.google.com", "accounts.google.com")


@dataclass(frozen=True)
class Api:
    """What an OpenAPI 2.0 document says to a gateway."""

    address: str
    audience: str
    deadline_seconds: float
    routes: tuple[tuple[str, "re.Pattern[str]"], ...]
    audiences: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Api":
        """Read a document. Raises: KeyError when it names no backend."""
        backend = document["x-google-backend"]
        secured = document.get("securityDefinitions", {}) if document.get("security") else {}
        named = ",".join(one.get("x-google-audiences", "") for one in secured.values())
        return cls(
            backend["address"],
            backend["jwt_audience"],
            float(backend.get("deadline", 15)),
            tuple(
                (method.upper(), _pattern(path))
                for path, methods in document["paths"].items()
                for method in methods
            ),
            frozenset(filter(None, named.split(","))),
        )

    def has(self, method: str, path: str) -> bool:
        """Whether the document describes such a request."""
        return any(method == known and form.fullmatch(path) for known, form in self.routes)


class ApiGateway:
    """Answers requests; `issuer` is where tokens are made, and where their keys are."""

    def __init__(self, api: Api, account: str, issuer: str) -> None:
        self._api = api
        self._account = account
        self._issuer = issuer
        self._keys = jwt.PyJWKClient(f"{issuer}/oauth2/v3/certs")
        self._token = ("", 0.0)
        self._session: aiohttp.ClientSession | None = None

    async def serve(self, host: str, port: int, certificate: Path) -> None:
        """Serve until the process is told to stop."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._answer)
        timeout = aiohttp.ClientTimeout(total=self._api.deadline_seconds)
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as self._session:
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            await web.TCPSite(runner, host, port, ssl_context=context).start()
            print(json.dumps({"severity": "INFO", "message": f"ready: https://{host}:{port}"}))
            await asyncio.Event().wait()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not self._api.has(request.method, request.path):
            return _refusal(404, "The current request is not defined by this API.")
        if self._api.audiences and (problem := await self._problem(request)):
            return _refusal(401, problem)
        try:
            return await self._forward(request)
        except TimeoutError:
            return _refusal(504, "upstream request timeout")
        except aiohttp.ClientError as error:
            return _refusal(503, f"upstream connect error: {error}")

    async def _problem(self, request: web.Request) -> str:
        """What is wrong with the caller's own token; empty if nothing."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return "Jwt is missing"
        try:
            key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            jwt.decode(
                token, key, ["RS256"], audience=list(self._api.audiences), issuer=list(_ISSUERS)
            )
        except jwt.PyJWTError as error:
            return f"Jwt verification fails: {error}"
        return ""

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        session = self._session
        assert session is not None  # noqa: S101  it serves only while it is there
        headers = [(name, text) for name, text in request.headers.items() if _handed_on(name)]
        if own := request.headers.get("Authorization"):
            headers.append(("X-Forwarded-Authorization", own))
        headers.append(("Authorization", f"Bearer {await self._own_token(session)}"))
        async with session.request(
            request.method,
            f"{self._api.address}{request.path_qs}",
            headers=headers,
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            return await _hand_back(request, answer)

    async def _own_token(self, session: aiohttp.ClientSession) -> str:
        token, until = self._token
        if time.monotonic() >= until:
            url = f"{self._issuer}/v1/projects/-/serviceAccounts/{self._account}:generateIdToken"
            asked = {"audience": self._api.audience, "includeEmail": True}
            async with session.post(url, json=asked) as answer:
                answer.raise_for_status()
                token = str((await answer.json())["token"])
            self._token = (token, time.monotonic() + _TOKEN_SECONDS)
        return token


async def _hand_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Hand an answer on as it comes, so that a stream stays one."""
    back = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, text in answer.headers.items():
        if _handed_on(name):
            back.headers.add(name, text)
    await back.prepare(request)
    async for chunk in answer.content.iter_any():
        await back.write(chunk)
    await back.write_eof()
    return back


def _handed_on(name: str) -> bool:
    return name.lower() not in _OWN


def _refusal(code: int, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=code)


def _pattern(path: str) -> "re.Pattern[str]":
    """A template's pattern: `/tasks/{task_id}/cancel`; a parameter has no slash."""
    parts = re.split(r"\{[^}]+\}", path)
    return re.compile("[^/]+".join(map(re.escape, parts)))


def main() -> None:
    """Read the configuration and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.cloud.api_gateway")
    parser.add_argument("--config", type=Path, required=True)
    config = json.loads(parser.parse_args().config.read_bytes())
    api = Api.of(yaml.safe_load(config["document"]))
    gateway = ApiGateway(api, config["account"], config["issuer"])
    asyncio.run(gateway.serve(config["host"], config["port"], Path(config["certificate"])))


if __name__ == "__main__":
    main()
