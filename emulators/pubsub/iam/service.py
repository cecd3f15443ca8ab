"""The IAMPolicy service on topics, subscriptions, snapshots and schemas: translation only."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from emulators.pubsub.errors import InvalidArgument, NotFound
from emulators.pubsub.iam.bindings import CONDITIONAL, check_version, without_conditions
from emulators.pubsub.iam.policies import Policies
from emulators.pubsub.iam.protos import (
    GetIamPolicyRequest,
    Policy,
    SetIamPolicyRequest,
    TestIamPermissionsRequest,
    TestIamPermissionsResponse,
)
from emulators.pubsub.iam.roles import TESTABLE, is_testable
from emulators.pubsub.rpc import Answer, Call, Rpc

SERVICE = "google.iam.v1.IAMPolicy"
PRINCIPAL = "x-emulator-principal"
MASKABLE = ("bindings", "etag", "version", "audit_configs")
_RESOURCE = re.compile(r"projects/[^/]+/(topics|subscriptions|snapshots|schemas)/[^/]+")
_PERMISSION = re.compile(r"[a-z][A-Za-z0-9]*(\.[A-Za-z0-9]+){2}")


class IamPolicy:
    """RPCs on policies. `exists` says whether a resource of that full name is there."""

    def __init__(
        self,
        policies: Policies,
        *,
        exists: Callable[[str], bool],
        commit: Callable[[], Awaitable[None]],
        enforced: bool,
    ) -> None:
        self._policies = policies
        self._exists = exists
        self._commit = commit
        self._enforced = enforced

    def methods(self) -> dict[str, Rpc[Any]]:
        """Return the methods by service and name."""
        return {
            f"{SERVICE}/SetIamPolicy": Rpc(SetIamPolicyRequest, Policy, self.set_policy),
            f"{SERVICE}/GetIamPolicy": Rpc(GetIamPolicyRequest, Policy, self.get_policy),
            f"{SERVICE}/TestIamPermissions": Rpc(
                TestIamPermissionsRequest, TestIamPermissionsResponse, self.test_permissions
            ),
        }

    async def set_policy(self, request: SetIamPolicyRequest, _: Call) -> Answer:
        """Answer `SetIamPolicy`.

        Differs from the service: nobody checks that the role suits the resource and that the
        members exist.
        """
        self._check_exists(request.resource)
        return await replace(self._policies, request.resource, request, self._commit)

    async def get_policy(self, request: GetIamPolicyRequest, _: Call) -> Answer:
        """Answer `GetIamPolicy`; a resource without a policy has an empty one with an etag."""
        self._check_exists(request.resource)
        return read(self._policies, request.resource, request)

    async def test_permissions(self, request: TestIamPermissionsRequest, call: Call) -> Answer:
        """Answer `TestIamPermissions`, with nothing for a resource that does not exist.

        Differs from the service: without enforcement the caller has every permission that the
        kind of resource knows; with it, those that the resource's own policy and its project's
        grant to the metadata's `x-emulator-principal` ("user:a@example.com").
        """
        kind = _kind_of(request.resource)
        for permission in request.permissions:
            check_permission(permission)
        if not self._exists(request.resource):
            return TestIamPermissionsResponse()
        held = [one for one in request.permissions if is_testable(one, kind)]
        if self._enforced:
            held = granted(self._policies, request.resource, held, principal_of(call))
        return TestIamPermissionsResponse(permissions=held)

    def _check_exists(self, resource: str) -> None:
        _kind_of(resource)
        if not self._exists(resource):
            raise NotFound(f"resource {resource!r} does not exist")


async def replace(
    policies: Policies,
    resource: str,
    request: SetIamPolicyRequest,
    commit: Callable[[], Awaitable[None]],
) -> Policy:
    """Set a policy; return it once it is durable. Raises: Aborted, InvalidArgument."""
    for path in request.update_mask.paths:
        if path not in MASKABLE:
            raise InvalidArgument(f"update_mask path {path!r} is not one of {', '.join(MASKABLE)}")
    asked = Policy.FromString(request.policy.SerializeToString())
    paths = request.update_mask.paths
    if paths and "bindings" not in paths:
        del asked.bindings[:]
        asked.bindings.extend(policies.of(resource).bindings)
        asked.version = asked.version or policies.of(resource).version
    policy = policies.replace(resource, asked, audit="audit_configs" in paths)
    await commit()
    return policy


def read(policies: Policies, resource: str, request: GetIamPolicyRequest) -> Policy:
    """Return a policy in the version that the caller asks for. Raises: InvalidArgument."""
    check_version(request.options.requested_policy_version)
    policy = policies.of(resource)
    if request.options.requested_policy_version < CONDITIONAL:
        return without_conditions(policy)
    return policy


def granted(policies: Policies, resource: str, permissions: list[str], principal: str) -> list[str]:
    """Return those of `permissions` that the policies grant to `principal`, or to everybody."""
    everybody = {"allUsers", "allAuthenticatedUsers"} if principal else {"allUsers"}
    members = {principal.lower(), *(one.lower() for one in everybody)}
    project = "/".join(resource.split("/")[:2])
    return [
        permission
        for permission in permissions
        if any(
            policies.grant(name, permission, lambda member: member.lower() in members)
            for name in (resource, project)
        )
    ]


def principal_of(call: Call) -> str:
    """Return who calls, as the metadata says it; "" for nobody in particular."""
    for key, value in call.invocation_metadata() or ():
        if key.lower() == PRINCIPAL:
            return value if isinstance(value, str) else value.decode(errors="replace")
    return ""


def check_permission(permission: str) -> None:
    """Check the form of a permission to test. Raises: InvalidArgument."""
    if not _PERMISSION.fullmatch(permission):
        raise InvalidArgument(
            f"permission {permission!r} is not of the form {{service}}.{{resource}}.{{verb}}; "
            "wildcards are not allowed"
        )


def _kind_of(resource: str) -> str:
    match = _RESOURCE.fullmatch(resource)
    if match is None:
        raise InvalidArgument(
            f"resource {resource!r} is not of the form projects/{{project}}/"
            f"{{{'|'.join(TESTABLE)}}}/{{id}}"
        )
    return match[1]
