"""The emulator's HTTP side: identity tokens and the keys that verify them, and its health."""

from aiohttp import web

from emulators.pubsub.broker import Broker
from emulators.pubsub.tokens import ISSUER, TokenIssuer

CERTS_AGE = {"Cache-Control": "public, max-age=3600"}


class HttpSide:
    """Handlers of the paths that Google spreads over several hosts."""

    def __init__(self, tokens: TokenIssuer, broker: Broker) -> None:
        self._tokens = tokens
        self._broker = broker

    def app(self) -> web.Application:
        """Return the application with all routes."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self.configuration),
                web.get("/oauth2/v3/certs", self.jwks),
                web.get("/oauth2/v1/certs", self.certificates),
                web.post("/v1/projects/-/serviceAccounts/{account}", self.generate_id_token),
                web.get("/_emulator/health", self.health),
                web.get("/_emulator/state", self.state),
            ]
        )
        return app

    async def configuration(self, request: web.Request) -> web.Response:
        """Answer OpenID Connect discovery; the issuer stays Google's, as in the tokens."""
        keys = str(request.url.origin() / "oauth2/v3/certs")
        algorithms = ["RS256"]
        return web.json_response(
            {
                "issuer": ISSUER,
                "jwks_uri": keys,
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": algorithms,
            }
        )

    async def jwks(self, _: web.Request) -> web.Response:
        """Answer the public key as a JSON Web Key Set."""
        return web.json_response({"keys": [self._tokens.key.jwk()]}, headers=CERTS_AGE)

    async def certificates(self, _: web.Request) -> web.Response:
        """Answer the public key as a certificate by key id, which google-auth reads."""
        key = self._tokens.key
        return web.json_response({key.id: key.certificate()}, headers=CERTS_AGE)

    async def generate_id_token(self, request: web.Request) -> web.Response:
        """Answer the IAM Credentials API's generateIdToken for any account.

        Differs from the service: the caller needs no credentials.
        """
        email, _, verb = request.match_info["account"].partition(":")
        if verb != "generateIdToken":
            return _error(404, "NOT_FOUND", f"no method {verb!r} on a service account")
        try:
            body = await request.json()
        except ValueError:
            return _error(400, "INVALID_ARGUMENT", "the body is not JSON")
        audience = body.get("audience") if isinstance(body, dict) else None
        if not isinstance(audience, str) or not audience:
            return _error(400, "INVALID_ARGUMENT", "audience is missing or not a string")
        include_email = body.get("includeEmail", False) is True
        return web.json_response(
            {"token": self._tokens.sign(email, audience, include_email=include_email)}
        )

    async def health(self, _: web.Request) -> web.Response:
        """Answer 200 once the emulator serves, with how much it holds."""
        topics, subscriptions = len(self._broker.topics), len(self._broker.subscriptions)
        return web.json_response({"status": "ok", "topics": topics, "subscriptions": subscriptions})

    async def state(self, _: web.Request) -> web.Response:
        """Answer the names of all topics, and of each subscription its topic and backlog."""
        subscriptions = {
            name: {"topic": subscription.resource.topic} | subscription.counts()
            for name, subscription in self._broker.subscriptions.items()
        }
        return web.json_response(
            {"topics": sorted(self._broker.topics), "subscriptions": subscriptions}
        )


def _error(code: int, status: str, message: str) -> web.Response:
    body = {"error": {"code": code, "message": message, "status": status}}
    return web.json_response(body, status=code)
