"""The emulator's HTTP side: REST, identity tokens, the keys that verify them, the control API."""

from aiohttp import web

from emulators.pubsub.control.api import ControlApi
from emulators.pubsub.iam.accounts import AccountPolicies
from emulators.pubsub.rest.side import MAX_BODY_BYTES, RestSide
from emulators.pubsub.tokens import ISSUER, TokenIssuer

CERTS_AGE = {"Cache-Control": "public, max-age=3600"}


class HttpSide:
    """Handlers of the paths that Google spreads over several hosts."""

    def __init__(
        self,
        tokens: TokenIssuer,
        accounts: AccountPolicies,
        control: ControlApi,
        rest: RestSide,
    ) -> None:
        self._tokens = tokens
        self._accounts = accounts
        self._control = control
        self._rest = rest

    def app(self) -> web.Application:
        """Return the application with all routes."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self.configuration),
                web.get("/oauth2/v3/certs", self.jwks),
                web.get("/oauth2/v1/certs", self.certificates),
                *self._accounts.routes(),
                web.post("/v1/projects/-/serviceAccounts/{account}", self.generate_id_token),
                *self._control.routes(),
                web.get("/", self.alive),
                web.route("*", "/{path:(?s:.*)}", self._rest.handle),
            ]
        )
        return app

    async def alive(self, _: web.Request) -> web.Response:
        """Answer what Google's emulator does, which health checks ask."""
        return web.Response(text="Ok\n")

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
        except (ValueError, RecursionError):
            return _error(400, "INVALID_ARGUMENT", "the body is not JSON")
        audience = body.get("audience") if isinstance(body, dict) else None
        if not isinstance(audience, str) or not audience:
            return _error(400, "INVALID_ARGUMENT", "audience is missing or not a string")
        include_email = body.get("includeEmail", False) is True
        return web.json_response(
            {"token": self._tokens.sign(email, audience, include_email=include_email)}
        )


def _error(code: int, status: str, message: str) -> web.Response:
    body = {"error": {"code": code, "message": message, "status": status}}
    return web.json_response(body, status=code)
