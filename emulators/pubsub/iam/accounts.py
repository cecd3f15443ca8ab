"""Policies of service accounts and projects over HTTP, as IAM and Resource Manager offer them.

Translation only. An emulator has neither accounts nor projects: all of them exist.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from google.protobuf.message import Message

from emulators.pubsub.errors import PubSubError
from emulators.pubsub.iam.permits import account_name
from emulators.pubsub.iam.policies import Policies
from emulators.pubsub.iam.protos import (
    GetIamPolicyRequest,
    SetIamPolicyRequest,
    TestIamPermissionsRequest,
    TestIamPermissionsResponse,
)
from emulators.pubsub.iam.service import check_permission, read, replace
from emulators.pubsub.rest.json_form import fill_from_body, fill_from_query, to_json
from emulators.pubsub.rest.side import body_of, refusal

Request = TypeVar("Request", bound=Message)

VERB = "{verb:getIamPolicy|setIamPolicy|testIamPermissions}"


class AccountPolicies:
    """The routes of service accounts' and projects' policies."""

    def __init__(self, policies: Policies, *, commit: Callable[[], Awaitable[None]]) -> None:
        self._policies = policies
        self._commit = commit

    def routes(self) -> list[web.RouteDef]:
        """Return the routes; they go before others of `serviceAccounts`."""
        return [  # "-" by itself: aiohttp looks at the longest fixed beginning first
            web.post("/v1/projects/-/serviceAccounts/{account}:" + VERB, self.answer),
            web.post("/v1/projects/{project}/serviceAccounts/{account}:" + VERB, self.answer),
            web.post("/v1/projects/{project:[^/:]+}:" + VERB, self.answer),
        ]

    async def answer(self, request: web.Request) -> web.Response:
        """Answer `getIamPolicy`, `setIamPolicy` and `testIamPermissions`.

        Differs from the service: the caller needs no credentials and has all permissions; whose
        project an account is in does not matter.
        """
        try:
            text = to_json(await self._answer(request), numeric_enums=False)
        except PubSubError as error:
            return refusal(error)
        return web.Response(text=text, content_type="application/json")

    async def _answer(self, request: web.Request) -> Message:
        resource = _resource(request)
        match request.match_info["verb"]:
            case "setIamPolicy":
                asked = await _filled(SetIamPolicyRequest(), request)
                return await replace(self._policies, resource, asked, self._commit)
            case "getIamPolicy":
                return read(self._policies, resource, await _filled(GetIamPolicyRequest(), request))
            case _:
                permissions = (await _filled(TestIamPermissionsRequest(), request)).permissions
                for permission in permissions:
                    check_permission(permission)
                return TestIamPermissionsResponse(permissions=permissions)


def _resource(request: web.Request) -> str:
    account = request.match_info.get("account")
    return account_name(account) if account else f"projects/{request.match_info['project']}"


async def _filled(message: Request, request: web.Request) -> Request:
    """Accounts' policies are asked for with options in the query, projects' with them in JSON."""
    fill_from_body(message, await body_of(request), "*")
    fill_from_query(
        message, [one for one in request.query.items() if one[0].startswith("options.")]
    )
    return message
